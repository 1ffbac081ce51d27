// What a partition must not forget, in `partition.checkpoint`:
//
//     log start int64
//     epoch count varint         then for each: epoch int32, first offset int64
//     gaps end int64             offsets below it may be missing between batches
//     range count varint         offsets that are set aside; then for each:
//                                first int64, end int64, reason (varint length, UTF-8)
//
// The first version of the file ended after the epochs, and is read as such.

internal import Base

/// Offsets that are not served because their bytes are damaged or gone.
struct QuarantinedRange: Sendable, Equatable {
    var start: Int64
    /// After the last offset.
    var end: Int64
    var reason: String

    /// The ending of a segment's file that is set aside.
    static let ending = ".bad"
}

/// The contents of a partition's checkpoint.
struct PartitionCheckpoint: Sendable, Equatable {
    static let name = "partition.checkpoint"

    var logStart: Int64 = 0
    var epochs = LeaderEpochs()
    /// Below it, offsets need not follow each other without gaps.
    var gapsEnd: Int64 = 0
    /// Ascending, not overlapping.
    var quarantined: [QuarantinedRange] = []

    /// Nil if the partition has none, because nothing has changed yet.
    static func read(
        in directory: String, disk: any LogDisk
    ) throws(LogStorageError) -> PartitionCheckpoint? {
        guard
            var reader = try Checkpoint.read(.partition, from: name, in: directory, disk: disk)
        else { return nil }
        do throws(ByteReaderError) {
            return try PartitionCheckpoint(from: &reader)
        } catch {
            throw LogStorageError(.damaged, "'\(directory)/\(name)' is damaged: \(error)")
        }
    }

    /// When this returns, the contents survive a power cut.
    func write(in directory: String, disk: any LogDisk) throws(DiskError) {
        var writer = ByteWriter()
        encode(into: &writer)
        try Checkpoint.write(
            .partition, payload: writer.bytes, to: Self.name, in: directory, disk: disk)
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(littleEndian: logStart)
        epochs.encode(into: &writer)
        writer.write(littleEndian: gapsEnd)
        writer.write(varint: UInt64(quarantined.count))
        for range in quarantined {
            writer.write(littleEndian: range.start)
            writer.write(littleEndian: range.end)
            writer.write(counted: range.reason.utf8)
        }
    }

    init() {}

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        logStart = try reader.readLittleEndian()
        epochs = try LeaderEpochs(from: &reader)
        guard !reader.isAtEnd else { return }
        gapsEnd = try reader.readLittleEndian()
        for _ in 0..<(try reader.readCount(ofAtLeast: 17)) {
            let range = QuarantinedRange(
                start: try reader.readLittleEndian(), end: try reader.readLittleEndian(),
                reason: try reader.readString())
            guard range.start < range.end, range.start >= quarantined.last?.end ?? 0 else {
                throw .invalidValue(offset: reader.offset, what: "ranges out of order")
            }
            quarantined.append(range)
        }
    }

    /// Sets a range aside.
    mutating func quarantine(_ range: QuarantinedRange) {
        let place = quarantined.firstIndex { $0.start > range.start } ?? quarantined.endIndex
        quarantined.insert(range, at: place)
    }
}
