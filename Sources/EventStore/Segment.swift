// A segment file opened for reading: mapped, its ends checked, its blocks opened once.

internal import Base
internal import Columns
internal import Model
internal import Synchronization

/// An open segment. Blocks keep the mapping alive by themselves.
final class Segment: Sendable {
    let number: UInt64
    let shard: ShardID
    let file: MappedFile
    let directory: Range<Int>
    private let directoryChecksum: UInt32
    private let entryCount: Int
    /// Blocks opened so far by their offset: their directories need not be read again.
    private let blocks = Mutex<[Int64: Block]>([:])
    private let dictionaries: DictionaryCache

    init(
        _ path: String, number: UInt64, disk: any Disk, dictionaries: DictionaryCache
    ) throws {
        file = try disk.map(path)
        self.dictionaries = dictionaries
        self.number = number
        let end = file.byteCount
        guard
            let header = file.copy(0..<SegmentFormat.headerByteCount),
            let footer = file.copy(max(0, end - SegmentFormat.footerByteCount)..<end),
            footer.count == SegmentFormat.footerByteCount
        else { throw Self.damage(path, 0, "\(end) bytes are too few") }
        shard = try Self.readHeader(header, path: path, number: number)
        var reader = ByteReader(footer)
        let offset = Int(try reader.readLittleEndian(Int64.self))
        entryCount = Int(try reader.readLittleEndian(UInt32.self))
        directoryChecksum = try reader.readLittleEndian(UInt32.self)
        let size = Int(try reader.readLittleEndian(Int64.self))
        let footerOffset = end - SegmentFormat.footerByteCount
        guard try reader.readLittleEndian(UInt32.self) == crc32c(footer[..<24]),
            try reader.readLittleEndian(UInt32.self) == SegmentFormat.magic
        else { throw Self.damage(path, footerOffset, "the footer does not match its checksum") }
        guard size == end, offset >= SegmentFormat.headerByteCount, offset <= footerOffset else {
            throw Self.damage(path, footerOffset, "the file is not as long as it was written")
        }
        directory = offset..<footerOffset
    }

    /// Whether the disk could not read a part: the segment must be opened anew.
    var hasFaulted: Bool { file.hasFaulted }

    /// Gives the file a second name, or copies it if its own name is gone.
    func copy(to target: String, disk: any Disk) throws {
        do throws(DiskError) { try disk.link(path, to: target) } catch {
            guard let bytes = file.copy(0..<file.byteCount), !file.hasFaulted else { throw error }
            try disk.create(target, pieces: [bytes])
        }
    }

    /// What reads of the file found wrong, or that the disk did not deliver it.
    private func reason(_ error: any Error) -> any Error {
        guard file.hasFaulted else { return error }
        return EventStoreError(.disk, "segment '\(path)': the disk cannot read it", cause: error)
    }

    var path: String { file.path }

    private static func readHeader(
        _ header: [UInt8], path: String, number: UInt64
    ) throws -> ShardID {
        var reader = ByteReader(header)
        let magic = try reader.readLittleEndian(UInt32.self)
        let version = try reader.readLittleEndian(UInt32.self)
        let shard = try reader.readLittleEndian(Int32.self)
        _ = try reader.readLittleEndian(UInt32.self)
        guard magic == SegmentFormat.magic else { throw damage(path, 0, "this is no segment") }
        guard version == SegmentFormat.version else {
            throw EventStoreError(
                .newerFormat, "segment '\(path)' has format \(version), which is not known here")
        }
        let stored = ByteReader(header[60...])
        var checksum = stored
        guard try reader.readLittleEndian(UInt64.self) == number,
            try checksum.readLittleEndian(UInt32.self) == crc32c(header[..<60])
        else { throw damage(path, 8, "the header does not match its checksum or the file's name") }
        return ShardID(shard)
    }

    private static func damage(_ path: String, _ offset: Int, _ what: String) -> EventStoreError {
        EventStoreError(.damaged, "segment '\(path)', byte \(offset): \(what)")
    }

    /// The block that the manifest says lies at `offset`.
    func block(at offset: Int64, byteCount: Int) throws -> Block {
        if let block = blocks.withLock({ $0[offset] }), block.byteCount == byteCount {
            do { try block.verifyHeader() } catch {
                throw reason(EventStoreError(error, in: place(of: offset)))
            }
            return block
        }
        let begin = Int(offset)
        guard offset >= 0, byteCount >= 0, begin <= file.byteCount - byteCount else {
            throw Self.damage(path, begin, "the manifest names a block outside the file")
        }
        do {
            let block = try Block(file, range: begin..<begin + byteCount)
                .keeping(dictionaries: dictionaries)
            blocks.withLock { $0[offset] = block }
            return block
        } catch { throw reason(EventStoreError(error, in: place(of: offset))) }
    }

    /// A copy of a block's bytes, unchecked.
    func bytes(at offset: Int64, byteCount: Int) throws -> [UInt8] {
        let begin = Int(offset)
        guard offset >= 0, byteCount >= 0, begin <= file.byteCount - byteCount,
            let bytes = file.copy(begin..<begin + byteCount)
        else { throw Self.damage(path, begin, "the manifest names a block outside the file") }
        guard !file.hasFaulted else {
            throw EventStoreError(.disk, "segment '\(path)': the disk cannot read it")
        }
        return bytes
    }

    /// How errors name a block.
    func place(of offset: Int64) -> String { "segment '\(path)', block at byte \(offset)" }

    /// The directory, read and checked.
    func entries() throws -> [SegmentEntry] {
        guard let bytes = file.copy(directory), crc32c(bytes) == directoryChecksum else {
            throw reason(
                Self.damage(
                    path, directory.lowerBound, "the directory does not match its checksum"))
        }
        var reader = ByteReader(bytes)
        var entries: [SegmentEntry] = []
        for _ in 0..<entryCount { entries.append(try SegmentFormat.readEntry(&reader)) }
        return entries
    }
}
