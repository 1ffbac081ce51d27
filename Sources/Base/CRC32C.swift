// CRC-32C (Castagnoli), the checksum of Kafka record batches and of Millrace's own formats.

internal import CBase

/// The CRC-32C of `bytes`, continuing from an earlier part's value.
package func crc32c(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
    // Reads exactly `count` bytes of the buffer, which the caller keeps alive.
    unsafe millrace_crc32c(crc, bytes.baseAddress, bytes.count)
}

/// The CRC-32C of an array or a slice.
package func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    if let crc = bytes.withContiguousStorageIfAvailable({
        unsafe crc32c(UnsafeRawBufferPointer($0))
    }) {
        return crc
    }
    return crc32c(Array(bytes))
}
