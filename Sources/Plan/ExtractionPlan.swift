// What an extraction asks of a shard, and what it gets: whole events as JSON text, newest first.

package import Model

/// The newest events of one collection that satisfy some filters.
package struct ExtractionPlan: Sendable, Hashable {
    package var collection: CollectionID
    /// Events with start <= keen.timestamp < end; nil means all time.
    package var timeframe: Range<Timestamp>?
    /// All must hold.
    package var filters: [Filter]
    /// What to give of each event, each property with everything below it; empty: everything.
    package var properties: [PropertyPath]
    /// Events to give at most.
    package var limit: Int
    /// Whether more events than `limit` are left out, the older ones; otherwise they are an error.
    package var isLatest: Bool

    package init(
        collection: CollectionID, timeframe: Range<Timestamp>? = nil, filters: [Filter] = [],
        properties: [PropertyPath] = [], limit: Int, isLatest: Bool = false
    ) {
        self.collection = collection
        self.timeframe = timeframe
        self.filters = filters
        self.properties = properties
        self.limit = limit
        self.isLatest = isLatest
    }
}

/// One event of an extraction.
package struct ExtractedEvent: Sendable, Equatable {
    package var shard: ShardID
    package var timestamp: Timestamp
    /// Compact JSON text of an object.
    package var json: [UInt8]

    package init(shard: ShardID, timestamp: Timestamp, json: [UInt8]) {
        self.shard = shard
        self.timestamp = timestamp
        self.json = json
    }
}

/// What some shards give together.
package struct ExtractionResult: Sendable, Equatable {
    /// Newest first; of events of one time those of lower shards first, and within a shard those
    /// that came later.
    package var events: [ExtractedEvent]
    package var statistics: ScanStatistics

    package init(
        events: [ExtractedEvent] = [], statistics: ScanStatistics = ScanStatistics()
    ) {
        self.events = events
        self.statistics = statistics
    }
}

/// An extraction that is larger than an answer may be.
package enum ExtractionTooLarge: Error, Sendable, Equatable, CustomStringConvertible {
    case events(max: Int)
    case bytes(max: Int)

    package var description: String {
        switch self {
        case .events(let count):
            "more than \(count) events match: a shorter timeframe, more filters or 'latest' make "
                + "them fewer"
        case .bytes(let count):
            "the events that match have more than \(count) bytes together: 'property_names', a "
                + "shorter timeframe or a smaller 'latest' make them fewer"
        }
    }
}

extension ExtractionPlan {
    /// Puts together what shards or nodes gave, within `limit` and `bytesMax`.
    package func merge(
        _ parts: [ExtractionResult], bytesMax: Int
    ) throws(ExtractionTooLarge) -> ExtractionResult {
        var result = ExtractionResult()
        for part in parts { result.statistics.add(part.statistics) }
        let all = parts.flatMap(\.events)
        guard isLatest || all.count <= limit else { throw .events(max: limit) }
        let order = all.indices.sorted { left, right in
            let (first, second) = (all[left], all[right])
            if first.timestamp != second.timestamp { return first.timestamp > second.timestamp }
            return (first.shard, left) < (second.shard, right)
        }
        var bytes = 0
        for index in order.prefix(limit) {
            bytes += all[index].json.count
            guard bytes <= bytesMax else { throw .bytes(max: bytesMax) }
            result.events.append(all[index])
        }
        return result
    }
}
