// One shard as a directory that can be carried elsewhere. docs/formats/export.md draws the bytes.
//
//     rows-0, rows-1, …          cells of every table, of one moment
//     NUMBER.segment             the segments that the cells name: hard links where possible
//     SHARD                      what belongs to it, with checksums; written last
//
// Without SHARD, or with one that does not fit the files, a directory is no export.

internal import Base
internal import Model

/// The contents of SHARD.
struct ShardExport: Equatable {
    static let fileName = "SHARD"
    private static let magic: UInt32 = 0x4853_524D  // "MRSH"
    private static let version: UInt32 = 1

    struct File: Equatable {
        var name: String
        var byteCount: Int
        var checksum: UInt32
    }
    var shard: ShardID
    var applied: Int64
    var files: [File] = []

    init(shard: ShardID, applied: Int64) {
        self.shard = shard
        self.applied = applied
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(littleEndian: Self.magic)
        writer.write(littleEndian: Self.version)
        writer.write(littleEndian: shard.number)
        writer.write(littleEndian: applied)
        writer.write(littleEndian: UInt32(files.count))
        for file in files {
            writer.write(file.name)
            writer.write(littleEndian: Int64(file.byteCount))
            writer.write(littleEndian: file.checksum)
        }
        writer.write(littleEndian: crc32c(writer.bytes))
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws {
        let damaged = EventStoreError(.damaged, "'\(Self.fileName)' is not what was written")
        guard bytes.count > 4 else { throw damaged }
        var checksum = ByteReader(bytes[(bytes.count - 4)...])
        var reader = ByteReader(bytes[..<(bytes.count - 4)])
        guard try checksum.readLittleEndian(UInt32.self) == crc32c(bytes[..<(bytes.count - 4)]),
            try reader.readLittleEndian(UInt32.self) == Self.magic
        else { throw damaged }
        guard try reader.readLittleEndian(UInt32.self) == Self.version else {
            throw EventStoreError(.newerFormat, "the export has a format that is not known here")
        }
        shard = ShardID(try reader.readLittleEndian())
        applied = try reader.readLittleEndian()
        for _ in 0..<(try reader.readLittleEndian(UInt32.self)) {
            let name = try reader.readString()
            guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else { throw damaged }
            files.append(
                File(
                    name: name,
                    byteCount: Int(clamping: try reader.readLittleEndian(Int64.self)),
                    checksum: try reader.readLittleEndian()))
        }
        guard reader.isAtEnd else { throw damaged }
    }
}

/// The cells of an export, file by file: magic, then table, key without the shard, stored value.
struct ExportedCells {
    private static let magic: UInt32 = 0x5852_524D  // "MRRX"
    /// Size at which a file ends.
    private static let fileBytesAim = 16 << 20
    private var writer = ExportedCells.newFile()
    private var hasCells = false

    private static func newFile() -> ByteWriter {
        var writer = ByteWriter()
        writer.write(littleEndian: magic)
        return writer
    }

    /// Adds a cell; gives the file to write when it is full.
    mutating func add(table: String, key: ArraySlice<UInt8>, value: [UInt8]) -> [UInt8]? {
        writer.write(table)
        writer.write(counted: key)
        writer.write(counted: value)
        hasCells = true
        return writer.count >= Self.fileBytesAim ? takeFile() : nil
    }

    /// What has been added since the last file, if anything.
    mutating func takeFile() -> [UInt8]? {
        guard hasCells else { return nil }
        hasCells = false
        defer { writer = Self.newFile() }
        return writer.bytes
    }

    /// Calls `body` with the cells of a file.
    static func forEach(
        _ file: [UInt8], _ body: (_ table: String, _ key: [UInt8], _ value: [UInt8]) throws -> Void
    ) throws {
        var reader = ByteReader(file)
        guard try reader.readLittleEndian(UInt32.self) == magic else {
            throw EventStoreError(.damaged, "a file of an export is not what it should be")
        }
        while !reader.isAtEnd {
            let table = try reader.readString()
            let key = Array(try reader.readCounted())
            try body(table, key, Array(try reader.readCounted()))
        }
    }
}
