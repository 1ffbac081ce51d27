// Where in a segment to begin looking for an offset or for a point in time: an entry for every 16
// KiB of batches. That of a closed segment is kept in a file beside it (SegmentIndexFile.swift),
// and is made again from the batches if that file is missing or wrong.

internal import Base
internal import KafkaWire

/// The sparse index of one segment.
struct SegmentIndex: Sendable, Equatable {
    /// The beginning of a batch.
    private struct Entry: Equatable {
        /// Offset of the batch, from the segment's base offset on.
        var relativeOffset: UInt32
        var position: UInt32
        /// The largest timestamp of all batches before this one.
        var timestampBefore: Int64
    }

    private let baseOffset: Int64
    private var entries: [Entry] = []

    init(baseOffset: Int64) { self.baseOffset = baseOffset }

    var entryCount: Int { entries.count }

    /// Takes note of a batch; they come in order, the first one at position 0. `timestampBefore` is
    /// the largest timestamp of the batches before it. What no entry can say, which only a batch
    /// that lies about its offset asks for, is left out: readers walk on from the entry before.
    mutating func note(baseOffset offset: Int64, position: Int, timestampBefore: Int64) {
        if let last = entries.last, position - Int(last.position) < Limits.logIndexIntervalBytes {
            return
        }
        guard let relative = UInt32(exactly: offset - baseOffset),
            let position = UInt32(exactly: position)
        else { return }
        entries.append(
            Entry(
                relativeOffset: relative, position: position, timestampBefore: timestampBefore))
    }

    /// The position of a batch that begins at or before `offset`.
    func position(before offset: Int64) -> Int {
        position { baseOffset + Int64($0.relativeOffset) <= offset }
    }

    /// The last known beginning of a batch up to `limit`.
    func position(upTo limit: Int) -> Int { position { Int($0.position) <= limit } }

    /// The last known beginning of a batch up to `limit`, and the offset that stands there.
    func anchor(upTo limit: Int) -> (position: Int, offset: Int64) {
        guard let index = lastIndex(where: { Int($0.position) <= limit }) else {
            return (0, baseOffset)
        }
        return (Int(entries[index].position), baseOffset + Int64(entries[index].relativeOffset))
    }

    /// The position of a batch before which every timestamp is smaller than `timestamp`.
    func position(beforeTimestamp timestamp: Int64) -> Int {
        position { $0.timestampBefore < timestamp }
    }

    private func position(where holds: (Entry) -> Bool) -> Int {
        lastIndex(where: holds).map { Int(entries[$0].position) } ?? 0
    }

    /// The last entry that satisfies the condition, which holds up to some entry and not from there
    /// on.
    private func lastIndex(where holds: (Entry) -> Bool) -> Int? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if holds(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}

extension SegmentIndex {
    private static let entryBytes = 16

    func encode(into writer: inout ByteWriter) {
        writer.write(varint: UInt64(entries.count))
        for entry in entries {
            writer.write(littleEndian: entry.relativeOffset)
            writer.write(littleEndian: entry.position)
            writer.write(littleEndian: entry.timestampBefore)
        }
    }

    init(from reader: inout ByteReader, baseOffset: Int64) throws(ByteReaderError) {
        self.init(baseOffset: baseOffset)
        let count = try reader.readCount(ofAtLeast: Self.entryBytes)
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let entry = Entry(
                relativeOffset: try reader.readLittleEndian(),
                position: try reader.readLittleEndian(),
                timestampBefore: try reader.readLittleEndian())
            if let last = entries.last,
                entry.position <= last.position || entry.relativeOffset <= last.relativeOffset
            {
                throw .invalidValue(offset: reader.offset, what: "index entries out of order")
            }
            entries.append(entry)
        }
    }
}
