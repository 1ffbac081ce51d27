// A reading as JSON: for `--json`, for `/lag.json`, and for other people's scripts. The names of a
// partition's members stay put; what is not known is null.

internal import JSON

extension LagReport {
    /// `{"partitions": [...], "totals": {...}, "notes": [...]}`, compact.
    package var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("partitions")
        writer.beginArray()
        for row in partitions { row.write(to: &writer) }
        writer.endArray()
        writer.key("totals")
        totals.write(to: &writer)
        writer.key("notes")
        writer.beginArray()
        for note in notes { writer.string(note) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

extension PartitionLag {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("broker", broker)
        writer.member("topic", partition.topic)
        writer.member("partition", Int64(partition.partition))
        writer.member("earliest", range?.earliest)
        writer.member("latest", range?.latest)
        writer.member("depth", depth)
        writer.member("group", group)
        writer.member("current", current)
        writer.member("delta", delta)
        writer.member("applied", applied)
        writer.key("lag_seconds")
        if let seconds { writer.double(seconds) } else { writer.null() }
        writer.member("lost", lost)
        writer.member("status", status.rawValue)
        if let error { writer.member("error", error) }
        writer.endObject()
    }
}

extension LagTotals {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("brokers", Int64(brokers))
        writer.member("partitions", Int64(partitions))
        writer.member("depth", depth)
        writer.member("delta", delta)
        writer.member("lost", lost)
        writer.key("statuses")
        writer.beginObject()
        for status in LagStatus.allCases {
            if let count = statuses[status] { writer.member(status.rawValue, Int64(count)) }
        }
        writer.endObject()
        writer.endObject()
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ value: String?) {
        key(name)
        if let value { string(value) } else { null() }
    }

    fileprivate mutating func member(_ name: String, _ value: Int64?) {
        key(name)
        if let value { int(value) } else { null() }
    }
}
