// Topology: to come.
