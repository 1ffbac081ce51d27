// Columns: to come.
