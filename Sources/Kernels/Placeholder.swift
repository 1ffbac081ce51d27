// Kernels: to come.
