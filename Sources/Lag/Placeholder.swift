// Lag: to come.
