// Which leader epoch began at which offset. There is one node, so the epoch moves only when a
// recovery has cut records off: clients whose position lies beyond the end then find out.

internal import Base
internal import KafkaWire

/// The epochs of a partition, ascending. Never empty.
struct LeaderEpochs: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var epoch: Int32
        var startOffset: Int64
    }

    private(set) var entries = [Entry(epoch: 0, startOffset: 0)]

    var current: Int32 { entries[entries.count - 1].epoch }

    /// Begins the next epoch; those that began at or after `offset` are gone with their records.
    mutating func advance(at offset: Int64) {
        let next = current + 1
        entries.removeAll { $0.startOffset >= offset && $0.epoch > 0 }
        entries.append(Entry(epoch: next, startOffset: offset))
        // The oldest ones are merged: a position in them is told a later end, never an earlier one.
        if entries.count > Limits.logEpochsMax { entries.remove(at: 1) }
    }

    /// The largest epoch up to `epoch` and the offset at which it ends; nil if there is none.
    func end(of epoch: Int32, logEnd: Int64) -> (epoch: Int32, endOffset: Int64)? {
        guard let index = entries.lastIndex(where: { $0.epoch <= epoch }) else { return nil }
        let end = index + 1 < entries.count ? entries[index + 1].startOffset : logEnd
        return (entries[index].epoch, end)
    }

    /// The epoch that a record was written in.
    func epoch(at offset: Int64) -> Int32 {
        entries.last { $0.startOffset <= offset }?.epoch ?? 0
    }
}

extension LeaderEpochs {
    func encode(into writer: inout ByteWriter) {
        writer.write(varint: UInt64(entries.count))
        for entry in entries {
            writer.write(littleEndian: entry.epoch)
            writer.write(littleEndian: entry.startOffset)
        }
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        var found: [Entry] = []
        for _ in 0..<(try reader.readCount(ofAtLeast: 12)) {
            let epoch: Int32 = try reader.readLittleEndian()
            found.append(Entry(epoch: epoch, startOffset: try reader.readLittleEndian()))
        }
        guard !found.isEmpty, zip(found, found.dropFirst()).allSatisfy({ $0.epoch < $1.epoch })
        else { throw .invalidValue(offset: start, what: "leader epochs out of order") }
        entries = found
    }
}
