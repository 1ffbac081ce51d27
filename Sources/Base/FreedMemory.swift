// What the allocator does with freed memory.

internal import CBase

/// Keeps freed memory for reuse, within `Limits.freedMemory…`, instead of giving it back to the
/// kernel. For a process that handles megabytes all the time: by default the memory of every large
/// block comes fresh from the kernel, page by page, which costs more than what is done with it.
/// Call it once, before threads are started.
package func keepFreedMemory() {
    millrace_keep_freed_memory(
        Int32(Limits.freedMemoryBlockBytes), Int32(Limits.freedMemoryStepBytes),
        Int32(Limits.freedMemoryKeptBytes))
}
