// HTTP: to come.
