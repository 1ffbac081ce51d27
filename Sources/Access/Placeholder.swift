// Access: to come.
