// Scan: to come.
