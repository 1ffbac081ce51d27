// Small files that are replaced as a whole (all numbers little-endian):
//
//     0  "MLCP"
//     4  kind uint32           which of the files this is
//     8  version uint32        1
//    12  byte count uint32     of the payload
//    16  payload
//     .  crc uint32            CRC-32C of everything before it
//
// A new one is written beside the old one, synced, and renamed over it.

internal import Base

/// The kinds of checkpoint files.
enum CheckpointKind: UInt32 {
    case server = 1
    case topics = 2
    case partition = 3
    case index = 4
    case snapshot = 5
    case users = 6
    case cleaner = 8
}

/// Reads and replaces checkpoint files.
enum Checkpoint {
    private static let version: UInt32 = 1
    private static let magic: [UInt8] = Array("MLCP".utf8)
    private static let headerBytes = 16

    static func encode(_ kind: CheckpointKind, payload: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: headerBytes + payload.count + 4)
        writer.write(magic)
        writer.write(littleEndian: kind.rawValue)
        writer.write(littleEndian: version)
        writer.write(littleEndian: UInt32(payload.count))
        writer.write(payload)
        writer.write(littleEndian: crc32c(writer.bytes))
        return writer.bytes
    }

    /// Replaces the file; when this returns the new contents survive a power cut.
    static func write(
        _ kind: CheckpointKind, payload: [UInt8], to name: String, in directory: String,
        disk: any LogDisk
    ) throws(DiskError) {
        let path = "\(directory)/\(name)"
        try disk.remove(path + ".new")
        let file = try disk.openFile(path + ".new", isNew: true)
        // Before there is anything to see.
        if kind == .users { try disk.makePrivate(path + ".new") }
        try file.write([], encode(kind, payload: payload)[...], at: 0)
        try file.sync()
        try disk.rename(path + ".new", to: path)
        try disk.syncDirectory(directory)
    }

    /// Replaces a file that may be lost: a power cut may leave the old contents, the new ones, or
    /// bytes with a wrong checksum.
    static func replace(
        _ kind: CheckpointKind, payload: [UInt8], at path: String, disk: any LogDisk
    ) throws(DiskError) {
        try disk.remove(path + ".new")
        let file = try disk.openFile(path + ".new", isNew: true)
        do {
            try file.write([], encode(kind, payload: payload)[...], at: 0)
        } catch {
            // On a full disk the remains would only take more room.
            try? disk.remove(path + ".new")
            throw error
        }
        try disk.rename(path + ".new", to: path)
    }

    /// The payload; nil if the file does not exist.
    static func read(
        _ kind: CheckpointKind, from name: String, in directory: String, disk: any LogDisk
    ) throws(LogStorageError) -> ByteReader? {
        let path = "\(directory)/\(name)"
        let contents: [UInt8]?
        do { contents = try disk.read(path) } catch { throw LogStorageError(error) }
        guard let contents else { return nil }
        guard let payload = try payload(of: contents, kind, path) else {
            throw LogStorageError(.damaged, "'\(path)' is damaged")
        }
        return ByteReader(payload)
    }

    private static func payload(
        of contents: [UInt8], _ kind: CheckpointKind, _ path: String
    ) throws(LogStorageError) -> ArraySlice<UInt8>? {
        guard contents.count >= headerBytes + 4, contents.starts(with: magic) else { return nil }
        let body = contents.dropLast(4)
        var tail = ByteReader(contents.suffix(4))
        var header = ByteReader(contents[4..<headerBytes])
        guard let crc: UInt32 = try? tail.readLittleEndian(), crc == crc32c(body),
            let found: UInt32 = try? header.readLittleEndian(), found == kind.rawValue,
            let number: UInt32 = try? header.readLittleEndian(),
            let count: UInt32 = try? header.readLittleEndian()
        else { return nil }
        guard number == version else {
            throw LogStorageError(
                .newerFormat, "'\(path)' has version \(number); this server knows \(version)")
        }
        return Int(count) == body.count - headerBytes ? body.dropFirst(headerBytes) : nil
    }
}
