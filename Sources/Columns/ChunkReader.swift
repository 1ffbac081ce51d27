// A checked cursor over the bytes of one chunk. Whatever the bytes say, it stays inside them.

internal import Kernels

/// Reads one chunk. The memory belongs to the block, which the caller keeps alive.
struct ChunkReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0
    /// Where the chunk begins in its block, for errors.
    private let blockOffset: Int
    private let column: String

    init(_ bytes: UnsafeRawBufferPointer, blockOffset: Int, column: String) {
        self.bytes = bytes
        self.blockOffset = blockOffset
        self.column = column
    }

    var isAtEnd: Bool { position == bytes.count }

    func invalid(_ message: String) -> BlockError {
        BlockError(
            code: .invalid, column: column, offset: blockOffset + position, message: message)
    }

    /// The next `count` bytes.
    mutating func take(_ count: Int) throws(BlockError) -> UnsafeRawPointer {
        guard count >= 0, count <= bytes.count - position, let base = bytes.baseAddress else {
            throw BlockError(
                code: .truncated, column: column, offset: blockOffset + position,
                message: "\(count) bytes wanted, \(bytes.count - position) left in the chunk")
        }
        defer { position += count }
        return base + position
    }

    mutating func readByte() throws(BlockError) -> UInt8 { try take(1).load(as: UInt8.self) }

    mutating func readUInt32() throws(BlockError) -> UInt32 {
        UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self))
    }

    mutating func readUInt64() throws(BlockError) -> UInt64 {
        UInt64(littleEndian: try take(8).loadUnaligned(as: UInt64.self))
    }

    /// `count` numbers of `width` bits.
    mutating func readPacked(count: Int, width: Int) throws(BlockError) -> [UInt32] {
        guard width <= 32 else { throw invalid("a width of \(width) bits") }
        let source = try take(BitPacking.byteCount(count: count, width: width))
        return [UInt32](unsafeUninitializedCapacity: count) { target, filled in
            filled = count
            guard let target = target.baseAddress else { return }
            BitPacking.unpack(source, count: count, width: width, into: target)
        }
    }
}
