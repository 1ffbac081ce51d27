// What a query cost and whom it could not ask, as members of its answer.

internal import JSON
internal import Plan

/// Shards whose events an answer lacks.
package struct MissingShards: Sendable, Equatable {
    /// HOST:PORT of the store that did not answer.
    package var store: String
    package var shards: [Int32]
    package var reason: String

    package init(store: String, shards: [Int32], reason: String) {
        self.store = store
        self.shards = shards
        self.reason = reason
    }
}

extension JSONWriter {
    /// The member `explain`: what the storage nodes read, and how long it took.
    mutating func writeExplanation(_ statistics: ScanStatistics, elapsed: Duration) {
        key("explain")
        beginObject()
        key("blocks")
        writeCounts([
            ("read", statistics.blocksRead), ("skipped", statistics.blocksSkipped),
            ("cached", statistics.blocksCached),
        ])
        key("events")
        writeCounts([("scanned", statistics.rowsScanned), ("matched", statistics.rowsMatched)])
        key("bytes_read")
        number(Double(statistics.bytesRead))
        key("used_rollup")
        bool(statistics.usedRollup)
        key("milliseconds")
        beginObject()
        let (seconds, attoseconds) = elapsed.components
        for (name, nanoseconds) in [
            ("list", Double(statistics.listNanoseconds)),
            ("read", Double(statistics.readNanoseconds)),
            ("merge", Double(statistics.mergeNanoseconds)),
            ("total", Double(seconds) * 1e9 + Double(attoseconds) / 1e9),
        ] {
            key(name)
            number((nanoseconds / 1000).rounded() / 1000)
        }
        endObject()
        endObject()
    }

    private mutating func writeCounts(_ counts: [(name: String, count: Int64)]) {
        beginObject()
        for (name, count) in counts {
            key(name)
            number(Double(count))
        }
        endObject()
    }

    /// The member `missing`: a list, empty if nothing is.
    mutating func writeMissing(_ missing: [MissingShards]) {
        key("missing")
        beginArray()
        for part in missing {
            beginObject()
            key("store")
            string(part.store)
            key("shards")
            beginArray()
            for shard in part.shards { int(Int(shard)) }
            endArray()
            key("reason")
            string(part.reason)
            endObject()
        }
        endArray()
    }
}
