// Zstandard frames that do not say how large their contents are, as Kafka's clients write them.

internal import CZstd

extension Zstd {
    /// All frames of `bytes` together; `tooLarge` beyond `limit` bytes.
    static func decompress(
        _ bytes: ArraySlice<UInt8>, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        guard let stream = unsafe ZSTD_createDStream() else {
            throw CompressionError(code: .refused, message: "zstd could not start")
        }
        defer { unsafe ZSTD_freeDStream(stream) }
        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 128 << 10)
        var (used, status) = (0, 1)
        while true {
            // zstd reads and writes only what the two buffers have, during the call.
            let (read, made) = unsafe bytes.withUnsafeBytes { source in
                unsafe room.withUnsafeMutableBytes { target in
                    var input = unsafe ZSTD_inBuffer(
                        src: source.baseAddress, size: source.count, pos: used)
                    var filled = unsafe ZSTD_outBuffer(
                        dst: target.baseAddress, size: target.count, pos: 0)
                    status = unsafe ZSTD_decompressStream(stream, &filled, &input)
                    return unsafe (input.pos - used, filled.pos)
                }
            }
            guard ZSTD_isError(status) == 0 else { throw .damaged("this is not zstd") }
            used += read
            guard made <= limit - output.count else { throw .tooLarge(limit) }
            output += room[..<made]
            if status == 0, used == bytes.count { return output }
            guard read > 0 || made > 0 else { throw .damaged("zstd ends too early") }
        }
    }

    static func compress(whole bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        let result = unsafe bytes.withUnsafeBytes { source in
            Result<[UInt8], CompressionError> { () throws(CompressionError) in
                unsafe try compress(source, level: 3)
            }
        }
        return try result.get()
    }
}
