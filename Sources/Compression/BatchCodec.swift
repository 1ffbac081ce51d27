// The codecs of Kafka's record batches, whole buffers at a time. The log server opens batches of
// compacted topics and puts together those that lost records; everything else passes through.

/// A codec as the attributes of a batch number it.
package enum BatchCodec: Int16, Sendable, CaseIterable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// The bytes that `bytes` stand for; `tooLarge` if they are more than `limit`.
    package func decompress(
        _ bytes: ArraySlice<UInt8>, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        switch self {
        case .none:
            guard bytes.count <= limit else { throw .tooLarge(limit) }
            return Array(bytes)
        case .gzip: return try Gzip.decompress(bytes, limit: limit)
        case .snappy: return try Snappy.decompress(bytes, limit: limit)
        case .lz4: return try LZ4Frame.decompress(bytes, limit: limit)
        case .zstd: return try Zstd.decompress(bytes, limit: limit)
        }
    }

    /// Bytes that `decompress`, and every Kafka client, turns into `bytes` again.
    package func compress(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        switch self {
        case .none: return bytes
        case .gzip: return try Gzip.compress(bytes)
        case .snappy: return Snappy.compress(bytes)
        case .lz4: return LZ4Frame.compress(bytes)
        case .zstd: return try Zstd.compress(whole: bytes)
        }
    }
}

extension CompressionError {
    static func tooLarge(_ limit: Int) -> CompressionError {
        CompressionError(code: .tooLarge, message: "more than \(limit) bytes")
    }

    static func damaged(_ what: String) -> CompressionError {
        CompressionError(code: .damaged, message: what)
    }
}
