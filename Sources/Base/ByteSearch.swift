// Finding bytes within bytes.

internal import CBase
internal import Glibc

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

/// Index of the first `byte` within `range` of `bytes`, or nil.
package func firstIndex(of byte: UInt8, in bytes: [UInt8], within range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a range of the bytes")
    // memchr reads the range only, which lies within the array by the check above.
    return unsafe bytes.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress,
            let found = unsafe memchr(base + range.lowerBound, Int32(byte), range.count)
        else { return nil }
        return unsafe UnsafeRawPointer(found) - base
    }
}

/// Whether `needle` occurs in `bytes`.
package func contains(_ needle: [UInt8], in bytes: [UInt8]) -> Bool {
    // Both stay where they are during the call.
    unsafe needle.withUnsafeBytes { needle in
        unsafe bytes.withUnsafeBytes { unsafe firstOccurrence(of: needle, in: $0) != nil }
    }
}
