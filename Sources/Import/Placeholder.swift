// Import: to come.
