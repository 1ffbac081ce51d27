// Where in a segment to begin looking for an offset or for a point in time: an entry for every 16
// KiB of batches, in memory only. It is made again from the batches when the server starts.

internal import Base
internal import KafkaWire

/// The sparse index of one segment.
struct SegmentIndex: Sendable {
    /// The beginning of a batch.
    private struct Entry {
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
    /// the largest timestamp of the batches before it.
    mutating func note(baseOffset offset: Int64, position: Int, timestampBefore: Int64) {
        if let last = entries.last, position - Int(last.position) < Limits.logIndexIntervalBytes {
            return
        }
        guard let relative = UInt32(exactly: offset - baseOffset),
            let position = UInt32(exactly: position)
        else { preconditionFailure("a batch outside what its segment may hold") }
        entries.append(
            Entry(
                relativeOffset: relative, position: position, timestampBefore: timestampBefore))
    }

    /// The position of a batch that begins at or before `offset`.
    func position(before offset: Int64) -> Int {
        position { baseOffset + Int64($0.relativeOffset) <= offset }
    }

    /// The position of a batch before which every timestamp is smaller than `timestamp`.
    func position(beforeTimestamp timestamp: Int64) -> Int {
        position { $0.timestampBefore < timestamp }
    }

    /// The position of the last entry that satisfies the condition, which holds up to some entry
    /// and not from there on.
    private func position(where holds: (Entry) -> Bool) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if holds(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? 0 : Int(entries[low - 1].position)
    }
}
