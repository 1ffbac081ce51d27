// QueryService: to come.
