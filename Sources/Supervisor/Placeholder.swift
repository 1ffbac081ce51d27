// Supervisor: to come.
