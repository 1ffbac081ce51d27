// Compression: to come.
