// What the server remembers of itself: its cluster id, and which producer ids it has given out.
//
// The payload of the checkpoint `server.checkpoint`:
//
//     cluster id            16 bytes
//     next producer id      int64 little-endian: no id from here on has ever been given out
//
// Ids are taken from the disk in blocks; what is left of a block is lost when the server stops.

internal import Base
internal import KafkaWire
internal import Synchronization

/// Cluster id and producer ids.
final class ServerIdentity: Sendable {
    static let checkpointName = "server.checkpoint"

    /// 22 characters, as Kafka writes it.
    let clusterID: String
    private let id: KafkaUUID
    private let directory: String
    private let disk: any LogDisk
    private let ids: Mutex<Range<Int64>>

    /// Reads the checkpoint, or makes it. Blocks.
    init(directory: String, disk: any LogDisk) throws(LogStorageError) {
        self.directory = directory
        self.disk = disk
        var found: (KafkaUUID, Int64)?
        if var reader = try Checkpoint.read(
            .server, from: Self.checkpointName, in: directory, disk: disk)
        {
            do throws(ByteReaderError) {
                let high: UInt64 = try reader.readBigEndian()
                let low: UInt64 = try reader.readBigEndian()
                found = (KafkaUUID(high: high, low: low), try reader.readLittleEndian())
            } catch {
                throw LogStorageError(.damaged, "the server's checkpoint is damaged: \(error)")
            }
        }
        var generator = SystemRandomNumberGenerator()
        id = found?.0 ?? KafkaUUID.random(using: &generator)
        clusterID = Self.text(id)
        let next = found?.1 ?? 1
        ids = Mutex(next..<next)
        if found == nil {
            do { try save(next: next) } catch { throw LogStorageError(error) }
        }
    }

    /// An id that no producer ever had. May block on the disk.
    func newProducerID() throws(DiskError) -> Int64 {
        // Under the lock: two callers at the end of a block would both reserve the next one.
        try ids.withLock { ids throws(DiskError) in
            if ids.isEmpty {
                let next = ids.lowerBound
                try save(next: next + Limits.logProducerIDBlock)
                ids = next..<(next + Limits.logProducerIDBlock)
            }
            defer { ids = (ids.lowerBound + 1)..<ids.upperBound }
            return ids.lowerBound
        }
    }

    /// Whether the id has been given out, by this process or one before it.
    func hasGiven(_ producerID: Int64) -> Bool {
        ids.withLock { producerID > 0 && producerID < $0.lowerBound }
    }

    private func save(next: Int64) throws(DiskError) {
        var writer = ByteWriter(capacity: 24)
        writer.write(bigEndian: id.high)
        writer.write(bigEndian: id.low)
        writer.write(littleEndian: next)
        try Checkpoint.write(
            .server, payload: writer.bytes, to: Self.checkpointName, in: directory, disk: disk)
    }

    /// URL-safe base64 without padding.
    private static func text(_ id: KafkaUUID) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var writer = ByteWriter(capacity: 16)
        writer.write(bigEndian: id.high)
        writer.write(bigEndian: id.low)
        var text = ""
        var (bits, count) = (0, 0)
        for byte in writer.bytes {
            bits = bits << 8 | Int(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[bits >> count & 63])
            }
            bits &= (1 << count) - 1
        }
        text.append(alphabet[bits << (6 - count) & 63])
        return text
    }
}
