// When the server appended which offset, by its own clock: what lag in seconds needs, since the
// time in a record is the producer's. An entry for every second in which something came, and for
// every MiB; the older half of a crowded list is thinned out, so that a segment's list is bounded.

internal import Base

/// The append times of one segment.
struct AppendTimes: Sendable, Equatable {
    /// From `offset` on, batches were appended at `time` or later.
    struct Entry: Sendable, Equatable {
        var offset: Int64
        /// Milliseconds since 1970.
        var time: Int64
    }

    private(set) var entries: [Entry] = []
    private var interval = Limits.logAppendTimeIntervalMilliseconds
    private var bytesSince = 0

    /// Takes note of a batch; they come in order. A clock that goes back stands still here.
    mutating func note(offset: Int64, byteCount: Int, time: Int64) {
        defer { bytesSince += byteCount }
        if let last = entries.last {
            guard
                time.saturatingDifference(last.time) >= interval
                    || bytesSince >= Limits.logAppendTimeIntervalBytes,
                offset > last.offset, time > last.time
            else { return }
        }
        if entries.count >= Limits.logAppendTimesMax { thinOut() }
        entries.append(Entry(offset: offset, time: time))
        bytesSince = 0
    }

    /// Every other entry goes, and new ones come half as often.
    private mutating func thinOut() {
        entries = stride(from: 0, to: entries.count, by: 2).map { entries[$0] }
        interval *= 2
    }

    /// When `offset` was appended, at the earliest; nil if nothing is known.
    func time(of offset: Int64) -> Int64? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].offset <= offset { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : entries[low - 1].time
    }
}

extension AppendTimes {
    func encode(into writer: inout ByteWriter) {
        writer.write(littleEndian: interval)
        writer.write(varint: UInt64(entries.count))
        for entry in entries {
            writer.write(littleEndian: entry.offset)
            writer.write(littleEndian: entry.time)
        }
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        interval = try reader.readLittleEndian()
        for _ in 0..<(try reader.readCount(ofAtLeast: 16)) {
            let entry = Entry(
                offset: try reader.readLittleEndian(), time: try reader.readLittleEndian())
            if let last = entries.last, entry.offset <= last.offset || entry.time <= last.time {
                throw .invalidValue(offset: reader.offset, what: "append times out of order")
            }
            entries.append(entry)
        }
        guard interval > 0, entries.count <= Limits.logAppendTimesMax else {
            throw .invalidValue(offset: reader.offset, what: "append times out of range")
        }
    }
}
