// LogClient: to come.
