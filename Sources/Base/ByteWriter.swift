// Appends numbers and byte strings to a growing array: the writing half of every binary format.
// Fixed-width integers are little-endian unless the name says otherwise (Kafka is big-endian).

/// Builds a byte string. A value type: passing it `inout` appends without copying.
package struct ByteWriter: Sendable {
    /// What has been written so far.
    package private(set) var bytes: [UInt8]

    package init(capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    package var count: Int { bytes.count }

    @inlinable package mutating func write(_ byte: UInt8) { appendByte(byte) }

    package mutating func write(littleEndian value: some FixedWidthInteger) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    package mutating func write(bigEndian value: some FixedWidthInteger) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    /// The IEEE 754 bits, little-endian.
    package mutating func write(_ value: Double) { write(littleEndian: value.bitPattern) }

    package mutating func write(_ raw: some Sequence<UInt8>) { bytes.append(contentsOf: raw) }

    /// Unsigned LEB128, as in Protocol Buffers: seven bits a byte, lowest first.
    package mutating func write(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Zigzag, so that small negative numbers stay short, then LEB128.
    package mutating func write(zigzag value: Int64) {
        write(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// A varint length, then the bytes.
    package mutating func write(counted raw: some Collection<UInt8>) {
        write(varint: UInt64(raw.count))
        bytes.append(contentsOf: raw)
    }

    /// A varint length, then the UTF-8.
    package mutating func write(_ text: String) {
        write(counted: text.utf8)
    }

    /// Overwrites four bytes at `offset`, written earlier as a placeholder.
    package mutating func overwrite(littleEndian value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= bytes.count, "placeholder outside the bytes")
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }

    /// Overwrites four bytes at `offset`, highest byte first.
    package mutating func overwrite(bigEndian value: UInt32, at offset: Int) {
        overwrite(littleEndian: value.byteSwapped, at: offset)
    }

    @usableFromInline mutating func appendByte(_ byte: UInt8) { bytes.append(byte) }
}
