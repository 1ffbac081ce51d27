// Query: to come.
