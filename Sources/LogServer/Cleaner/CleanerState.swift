// How far a partition has been compacted. The payload of its checkpoint `cleaner.checkpoint`:
//
//     first dirty offset   int64 little-endian: no key below it has an older record
//     tombstones due       int64: when the first record that deletes a key may go; Int64.max: none

internal import Base

/// What compaction remembers of a partition.
struct CleanerState: Sendable, Equatable {
    var firstDirty: Int64 = 0
    var tombstonesDue = Int64.max
    /// Why the partition cannot be compacted: it is not tried again before a restart.
    var failure: String?

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

    func save(in directory: String, disk: any LogDisk) throws(DiskError) {
        var writer = ByteWriter()
        writer.write(littleEndian: firstDirty)
        writer.write(littleEndian: tombstonesDue)
        try Checkpoint.write(
            .cleaner, payload: writer.bytes, to: Self.checkpointName, in: directory, disk: disk)
    }
}
