// Bodies of `extract`: a plan for some shards of a node, and the events that they give.
//
//     ExtractRequest  = count { shard }, plan
//     plan            = collection, optional { start, end }, count { filter }, count { path },
//                       limit, flag latest
//     ExtractResponse = count { shard, time, JSON bytes }, statistics

package import Base
package import Model
package import Plan

/// Asks a node for events of some of its shards.
package struct ExtractRequest: Message, Equatable {
    package var shards: [ShardID]
    package var plan: ExtractionPlan

    package init(shards: [ShardID], plan: ExtractionPlan) {
        self.shards = shards
        self.plan = plan
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(shards)
        plan.encode(into: &writer)
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        shards = try reader.readShards()
        plan = try ExtractionPlan(from: &reader)
    }
}

/// The events, newest first.
package struct ExtractResponse: Message, Equatable {
    package var result: ExtractionResult

    package init(_ result: ExtractionResult) { self.result = result }

    package func encode(into writer: inout ByteWriter) {
        writer.write(count: result.events.count)
        for event in result.events {
            writer.write(event.shard)
            writer.write(zigzag: event.timestamp.milliseconds)
            writer.write(counted: event.json)
        }
        result.statistics.encode(into: &writer)
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        // Shard, time, the count of bytes, and at least `{}`.
        let count = try reader.readCount(
            ofAtLeast: 5, max: Limits.extractionEventsMax, of: "events")
        result = ExtractionResult()
        result.events.reserveCapacity(count)
        for _ in 0..<count {
            let shard = try reader.readShard()
            let timestamp = Timestamp(milliseconds: try reader.readZigzag())
            result.events.append(
                ExtractedEvent(
                    shard: shard, timestamp: timestamp, json: Array(try reader.readCounted())))
        }
        result.statistics = try ScanStatistics(from: &reader)
    }
}

extension ExtractionPlan {
    package func encode(into writer: inout ByteWriter) {
        writer.write(collection)
        writer.write(timeframe)
        writer.write(count: filters.count)
        for filter in filters { filter.encode(into: &writer) }
        writer.write(count: properties.count)
        for path in properties { writer.write(path) }
        writer.write(varint: UInt64(limit))
        writer.write(flag: isLatest)
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let collection = try reader.readCollection()
        let timeframe = try reader.readTimeframe()
        var filters = FilterReader()
        let list = try filters.readList(&reader)
        let count = try reader.readCount(
            ofAtLeast: 2, max: Limits.propertiesPerEventMax, of: "properties")
        var properties: [PropertyPath] = []
        for _ in 0..<count { properties.append(try reader.readPath()) }
        let start = reader.offset
        let limit = try reader.readVarint()
        guard limit > 0, limit <= UInt64(Limits.extractionEventsMax) else {
            throw .invalidValue(offset: start, what: "a limit of \(limit) events")
        }
        self.init(
            collection: collection, timeframe: timeframe, filters: list, properties: properties,
            limit: Int(limit), isLatest: try reader.readFlag())
    }
}
