// LogServer: to come.
