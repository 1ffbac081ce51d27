// Gzip, whole buffers at a time. GzipReader.swift has the reader for streams of any size.

internal import CZlib

enum Gzip {
    static func decompress(
        _ bytes: ArraySlice<UInt8>, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        var reader = try GzipReader()
        var input = bytes
        var output: [UInt8] = []
        while true {
            let before = (output.count, input.count)
            try reader.inflate(&input, into: &output)
            guard output.count <= limit else { throw .tooLarge(limit) }
            if before == (output.count, input.count) { break }
        }
        guard reader.isAtMemberEnd, input.isEmpty else { throw .damaged("gzip ends too early") }
        return output
    }

    static func compress(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        var stream = unsafe z_stream()
        // 16 asks for the gzip wrapper, 15 for the largest window, 8 is zlib's usual memory.
        let begun = unsafe deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY,
            ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard begun == Z_OK, let count = UInt32(exactly: bytes.count) else {
            throw CompressionError(code: .refused, message: "zlib could not start: \(begun)")
        }
        let bound = unsafe Int(deflateBound(&stream, UInt(bytes.count)))
        var status = Z_OK
        // zlib reads and writes only what the two counts allow, during the call.
        let output = unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, filled in
            unsafe bytes.withUnsafeBufferPointer { source in
                unsafe stream.next_in = unsafe UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.avail_in = count
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(clamping: bound)
                status = unsafe deflate(&stream, Z_FINISH)
                filled = unsafe bound - Int(stream.avail_out)
            }
        }
        _ = unsafe deflateEnd(&stream)
        guard status == Z_STREAM_END else {
            throw CompressionError(code: .refused, message: "zlib could not end: \(status)")
        }
        return output
    }
}
