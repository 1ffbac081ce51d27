// Bolts: to come.
