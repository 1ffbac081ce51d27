// How far a partition has been compacted. The payload of its checkpoint `cleaner.checkpoint`:
//
//     first dirty offset   int64 little-endian: no key below it has an older record
//     tombstones due       int64: when the first record that deletes a key may go; Int64.max: none

internal import Base

/// What compaction remembers of a partition.
struct CleanerState: Sendable {
    var firstDirty: Int64 = 0
    var tombstonesDue = Int64.max
    /// A swap has failed halfway: the next start finishes it, and nothing is compacted before.
    var needsRestart = false
    /// It went wrong, and is not tried again before this time of the server.
    private(set) var restsUntil = Int64.min
    private var backoff = Backoff(
        first: .seconds(Limits.logCompactionRetrySecondsMin),
        limit: .seconds(Limits.logCompactionRetrySecondsMax))

    private static let checkpointName = "cleaner.checkpoint"

    init() {}

    /// Reads the checkpoint; without one the partition has never been compacted.
    init(in directory: String, disk: any LogDisk) throws(LogStorageError) {
        guard
            var reader = try Checkpoint.read(
                .cleaner, from: Self.checkpointName, in: directory, disk: disk)
        else { return }
        do {
            firstDirty = try reader.readLittleEndian()
            tombstonesDue = try reader.readLittleEndian()
        } catch {
            throw LogStorageError(.damaged, "'\(directory)/\(Self.checkpointName)': \(error)")
        }
    }

    /// What is damaged may have been mended, and a full disk have room: it is tried again, ever
    /// more rarely.
    mutating func failed(now: Int64, using random: inout PRNG) {
        restsUntil = now + backoff.next(using: &random).components.seconds * 1000
    }

    /// A compaction went well.
    mutating func succeeded() {
        restsUntil = .min
        backoff.reset()
    }

    func save(in directory: String, disk: any LogDisk) throws(DiskError) {
        var writer = ByteWriter()
        writer.write(littleEndian: firstDirty)
        writer.write(littleEndian: tombstonesDue)
        try Checkpoint.write(
            .cleaner, payload: writer.bytes, to: Self.checkpointName, in: directory, disk: disk)
    }
}
