// What every RPC body type can do, and the pieces that several of them share.
//
// Integers are varints (zigzag when they may be negative), lists are a varint count and the items,
// optional things are a byte 0 or 1 and the thing. Names travel as counted UTF-8 and are checked on
// arrival like any other input. docs/formats/rpc.md has every byte.

package import Base
internal import Model

/// One RPC body type.
package protocol Message: Sendable {
    func encode(into writer: inout ByteWriter)
    init(from reader: inout ByteReader) throws(ByteReaderError)
}

extension Message {
    /// The whole body.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// Reads a whole body; bytes left over are an error, so that a format mix-up shows.
    package init(decoding body: ArraySlice<UInt8>) throws(ByteReaderError) {
        var reader = ByteReader(body)
        self = try Self(from: &reader)
        try reader.requireEnd()
    }
}

extension ByteReader {
    package func requireEnd() throws(ByteReaderError) {
        guard isAtEnd else {
            throw .invalidValue(offset: offset, what: "\(remaining) bytes after the end")
        }
    }

    /// A byte that is 0 or 1.
    mutating func readFlag() throws(ByteReaderError) -> Bool {
        let start = offset
        switch try readByte() {
        case 0: return false
        case 1: return true
        case let byte: throw .invalidValue(offset: start, what: "flag \(byte) is neither 0 nor 1")
        }
    }

    /// A count that is also held against a bound of its own.
    mutating func readCount(
        ofAtLeast minimumSize: Int, max bound: Int, of what: String
    ) throws(ByteReaderError) -> Int {
        let start = offset
        let count = try readCount(ofAtLeast: minimumSize)
        guard count <= bound else {
            throw .invalidValue(offset: start, what: "\(count) \(what), at most \(bound) allowed")
        }
        return count
    }

    /// A zigzag number that fits 32 bits.
    mutating func readInt32() throws(ByteReaderError) -> Int32 {
        let start = offset
        let value = try readZigzag()
        guard let narrow = Int32(exactly: value) else {
            throw .invalidValue(offset: start, what: "\(value) does not fit 32 bits")
        }
        return narrow
    }

    /// A counted string made into a checked name.
    private mutating func readName<Name>(
        _ make: (String) throws(InvalidName) -> Name
    ) throws(ByteReaderError) -> Name {
        let start = offset
        let text = try readString()
        do {
            return try make(text)
        } catch {
            throw .invalidValue(offset: start, what: error.message)
        }
    }

    mutating func readProject() throws(ByteReaderError) -> ProjectID {
        try readName { text throws(InvalidName) in try ProjectID(text) }
    }

    mutating func readCollectionName() throws(ByteReaderError) -> CollectionName {
        try readName { text throws(InvalidName) in try CollectionName(text) }
    }

    mutating func readCollection() throws(ByteReaderError) -> CollectionID {
        CollectionID(project: try readProject(), collection: try readCollectionName())
    }

    mutating func readPath() throws(ByteReaderError) -> PropertyPath {
        try readName { text throws(InvalidName) in try PropertyPath(text) }
    }

    mutating func readShard() throws(ByteReaderError) -> ShardID {
        let start = offset
        let number = try readInt32()
        guard number >= 0 else {
            throw .invalidValue(offset: start, what: "shard \(number) is negative")
        }
        return ShardID(number)
    }

    mutating func readShards() throws(ByteReaderError) -> [ShardID] {
        let count = try readCount(ofAtLeast: 1)
        var shards: [ShardID] = []
        shards.reserveCapacity(count)
        for _ in 0..<count { shards.append(try readShard()) }
        return shards
    }
}

extension ByteWriter {
    mutating func write(flag: Bool) { write(UInt8(flag ? 1 : 0)) }
    mutating func write(count: Int) { write(varint: UInt64(count)) }
    mutating func write(_ shard: ShardID) { write(zigzag: Int64(shard.number)) }
    mutating func write(_ path: PropertyPath) { write(path.text) }

    mutating func write(_ collection: CollectionID) {
        write(collection.project.name)
        write(collection.collection.name)
    }

    mutating func write(_ shards: [ShardID]) {
        write(count: shards.count)
        for shard in shards { write(shard) }
    }
}
