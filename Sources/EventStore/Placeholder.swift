// EventStore: to come.
