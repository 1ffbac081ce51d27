// What the process asks of its allocator.

internal import CBase

/// Keeps freed memory, up to 64 MiB of it for each arena, instead of giving it back to the kernel
/// at once. For processes that work through columns: every page that comes back costs a fault, and
/// those took longer than what was done with the columns.
package func keepFreedMemory() { millrace_keep_freed_memory() }
