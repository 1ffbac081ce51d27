// Zstandard, whole buffers at a time. Used where bytes are large and read rarely: dictionaries of
// high-cardinality strings in sealed blocks.

internal import CZstd

/// Zstandard frames.
package enum Zstd {
    /// Compresses `bytes` into one frame.
    package static func compress(
        _ bytes: UnsafeRawBufferPointer, level: Int32 = 1
    ) throws(CompressionError) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        var status = 0
        // The target has `bound` bytes, which zstd promises to suffice; the source is the caller's.
        let frame = unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            status = unsafe ZSTD_compress(
                target.baseAddress, bound, bytes.baseAddress, bytes.count, level)
            count = ZSTD_isError(status) == 0 ? status : 0
        }
        guard ZSTD_isError(status) == 0 else {
            throw CompressionError(
                code: .refused,
                message: "zstd could not compress \(bytes.count) bytes: \(name(of: status))")
        }
        return frame
    }

    /// Decompresses a frame that must hold exactly `count` bytes.
    package static func decompress(
        _ frame: UnsafeRawBufferPointer, count expected: Int
    ) throws(CompressionError) -> [UInt8] {
        var status = 0
        // zstd writes at most `expected` bytes and reads only the frame's.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: expected) { target, count in
            status = unsafe ZSTD_decompress(
                target.baseAddress, expected, frame.baseAddress, frame.count)
            count = ZSTD_isError(status) == 0 ? status : 0
        }
        guard ZSTD_isError(status) == 0 else {
            throw CompressionError(
                code: .damaged,
                message: "zstd could not decompress \(frame.count) bytes: \(name(of: status))")
        }
        guard bytes.count == expected else {
            throw CompressionError(
                code: .damaged,
                message: "a zstd frame held \(bytes.count) bytes instead of \(expected)")
        }
        return bytes
    }

    private static func name(of status: Int) -> String {
        // zstd returns a static string.
        guard let text = unsafe ZSTD_getErrorName(status) else { return "unknown error" }
        return unsafe String(cString: text)
    }
}
