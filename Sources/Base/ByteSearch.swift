// Finding bytes within bytes.

internal import CBase

/// Offset of the first occurrence of `needle` at or after `start`, or nil. An empty needle occurs
/// everywhere.
package func firstOccurrence(
    of needle: UnsafeRawBufferPointer, in haystack: UnsafeRawBufferPointer, from start: Int = 0
) -> Int? {
    guard start >= 0, start <= haystack.count else { return nil }
    guard needle.count > 0 else { return start }
    guard needle.count <= haystack.count - start, let base = haystack.baseAddress,
        let wanted = needle.baseAddress
    else { return nil }
    // Both ranges lie within their buffers by the checks above.
    let found = unsafe millrace_memmem(
        base + start, haystack.count - start, wanted, needle.count)
    return unsafe found.map { unsafe $0 - base }
}
