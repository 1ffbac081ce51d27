// Reads numbers and byte strings back: the reading half of every binary format. Bytes come from a
// network or a disk, so every read is checked and a short or absurd input is a thrown error.

/// Why bytes could not be read.
package enum ByteReaderError: Error, Sendable, Equatable {
    /// `needed` more bytes were wanted at `offset`, `available` were left.
    case truncated(offset: Int, needed: Int, available: Int)
    /// A varint ran past ten bytes or past 64 bits.
    case overlongVarint(offset: Int)
    /// A string that is not UTF-8.
    case invalidUTF8(offset: Int)
    /// A count or tag outside what the format allows.
    case invalidValue(offset: Int, what: String)
}

/// A cursor over bytes. Offsets in errors count from the start of the slice it was made from.
package struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Bytes read so far.
    package var offset: Int { position - bytes.startIndex }
    /// Bytes not read yet.
    package var remaining: Int { bytes.endIndex - position }
    package var isAtEnd: Bool { remaining == 0 }

    private func require(_ count: Int) throws(ByteReaderError) {
        guard count >= 0, count <= remaining else {
            throw .truncated(offset: offset, needed: count, available: remaining)
        }
    }

    package mutating func readByte() throws(ByteReaderError) -> UInt8 {
        try require(1)
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func readLittleEndian<T: FixedWidthInteger>(
        _ type: T.Type = T.self
    ) throws(ByteReaderError) -> T {
        T(littleEndian: try readRaw())
    }

    package mutating func readBigEndian<T: FixedWidthInteger>(
        _ type: T.Type = T.self
    ) throws(ByteReaderError) -> T {
        T(bigEndian: try readRaw())
    }

    private mutating func readRaw<T: FixedWidthInteger>() throws(ByteReaderError) -> T {
        let size = MemoryLayout<T>.size
        try require(size)
        var value: T = 0
        // The copy is bounded by the check above, and the target has exactly `size` bytes.
        unsafe withUnsafeMutableBytes(of: &value) { target in
            unsafe bytes[position..<position + size].withUnsafeBytes {
                unsafe target.copyMemory(from: $0)
            }
        }
        position += size
        return value
    }

    package mutating func readDouble() throws(ByteReaderError) -> Double {
        Double(bitPattern: try readLittleEndian(UInt64.self))
    }

    package mutating func readVarint() throws(ByteReaderError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            let part = UInt64(byte & 0x7F)
            guard shift < 63 || (shift == 63 && part <= 1) else {
                throw .overlongVarint(offset: start)
            }
            value |= part << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    package mutating func readZigzag() throws(ByteReaderError) -> Int64 {
        let raw = try readVarint()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    /// A varint that counts things of at least `minimumSize` bytes each, so that a lying count
    /// cannot make the reader reserve memory that the input could never fill.
    package mutating func readCount(ofAtLeast minimumSize: Int = 1) throws(ByteReaderError) -> Int {
        let start = offset
        let value = try readVarint()
        guard value <= UInt64(remaining / max(minimumSize, 1)) else {
            throw .invalidValue(
                offset: start, what: "count \(value) exceeds the bytes that are left")
        }
        return Int(value)
    }

    package mutating func readBytes(_ count: Int) throws(ByteReaderError) -> ArraySlice<UInt8> {
        try require(count)
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// A varint length, then that many bytes.
    package mutating func readCounted() throws(ByteReaderError) -> ArraySlice<UInt8> {
        try readBytes(try readCount())
    }

    /// A varint length, then that much UTF-8.
    package mutating func readString() throws(ByteReaderError) -> String {
        let start = offset
        guard let text = String(validating: try readCounted(), as: UTF8.self) else {
            throw .invalidUTF8(offset: start)
        }
        return text
    }
}
