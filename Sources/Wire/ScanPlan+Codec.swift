// A scan plan as bytes.
//
//     plan = collection
//            optional { start, end }                  milliseconds, start <= end
//            count { filter }
//            count { group-by path }
//            count { boundary }                       milliseconds, strictly ascending
//            count { aggregate request }
//            count { grouping }                       none, or one for each group-by path
//
//     grouping = u8 0 (value), or u8 1 (numbers), f64 size,
//                or u8 2 (ranges), count { f64 start, f64 end }

internal import Aggregate
package import Base
internal import Model
package import Plan

extension ScanPlan {
    package func encode(into writer: inout ByteWriter) {
        writer.write(collection)
        writer.write(timeframe)
        writer.write(count: filters.count)
        for filter in filters { filter.encode(into: &writer) }
        writer.write(count: groupBy.count)
        for path in groupBy { writer.write(path) }
        writer.write(count: boundaries.count)
        for boundary in boundaries { writer.write(zigzag: boundary.milliseconds) }
        writer.write(count: aggregates.count)
        for aggregate in aggregates { aggregate.encode(into: &writer) }
        writer.write(count: groupings.count)
        for grouping in groupings { grouping.encode(into: &writer) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let collection = try reader.readCollection()
        let timeframe = try reader.readTimeframe()
        var filters = FilterReader()
        self.init(
            collection: collection, timeframe: timeframe, filters: try filters.readList(&reader),
            groupBy: try Self.readGroupBy(&reader), boundaries: try Self.readBoundaries(&reader),
            aggregates: try Self.readAggregates(&reader))
        let start = reader.offset
        groupings = try Self.readGroupings(&reader)
        guard groupings.isEmpty || groupings.count == groupBy.count else {
            throw .invalidValue(offset: start, what: "groupings that do not fit the groups")
        }
    }

    private static func readGroupings(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [Grouping] {
        let count = try reader.readCount(
            ofAtLeast: 1, max: Limits.planGroupByMax, of: "groupings")
        var groupings: [Grouping] = []
        for _ in 0..<count { groupings.append(try Grouping(from: &reader)) }
        return groupings
    }

    private static func readGroupBy(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [PropertyPath] {
        let count = try reader.readCount(
            ofAtLeast: 2, max: Limits.planGroupByMax, of: "group-by properties")
        var paths: [PropertyPath] = []
        for _ in 0..<count { paths.append(try reader.readPath()) }
        return paths
    }

    private static func readBoundaries(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [Timestamp] {
        let count = try reader.readCount(
            ofAtLeast: 1, max: Limits.queryBucketsMax + 1, of: "interval boundaries")
        var boundaries: [Timestamp] = []
        boundaries.reserveCapacity(count)
        for _ in 0..<count {
            let offset = reader.offset
            let boundary = Timestamp(milliseconds: try reader.readZigzag())
            if let last = boundaries.last, boundary <= last {
                throw .invalidValue(offset: offset, what: "interval boundaries do not ascend")
            }
            boundaries.append(boundary)
        }
        return boundaries
    }

    private static func readAggregates(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [AggregateRequest] {
        let count = try reader.readCount(
            ofAtLeast: 2, max: Limits.planAggregatesMax, of: "aggregates")
        var aggregates: [AggregateRequest] = []
        for _ in 0..<count { aggregates.append(try AggregateRequest(from: &reader)) }
        return aggregates
    }
}

extension Grouping {
    fileprivate func encode(into writer: inout ByteWriter) {
        switch self {
        case .value: writer.write(0 as UInt8)
        case .numbers(let size):
            writer.write(1 as UInt8)
            writer.write(size)
        case .ranges(let ranges):
            writer.write(2 as UInt8)
            writer.write(count: ranges.count)
            for range in ranges {
                writer.write(range.start)
                writer.write(range.end)
            }
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        switch try reader.readByte() {
        case 0: self = .value
        case 1:
            let size = try reader.readDouble()
            guard size > 0, size.isFinite else {
                throw .invalidValue(offset: start, what: "groups of size \(size)")
            }
            self = .numbers(size: size)
        case 2:
            let count = try reader.readCount(
                ofAtLeast: 16, max: Limits.queryRangesMax, of: "ranges")
            var ranges: [NumberRange] = []
            for _ in 0..<count {
                ranges.append(
                    NumberRange(start: try reader.readDouble(), end: try reader.readDouble()))
            }
            self = .ranges(ranges)
        case let tag: throw .invalidValue(offset: start, what: "unknown grouping \(tag)")
        }
    }
}

extension ByteWriter {
    mutating func write(_ timeframe: Range<Timestamp>?) {
        write(flag: timeframe != nil)
        guard let timeframe else { return }
        write(zigzag: timeframe.lowerBound.milliseconds)
        write(zigzag: timeframe.upperBound.milliseconds)
    }
}

extension ByteReader {
    mutating func readTimeframe() throws(ByteReaderError) -> Range<Timestamp>? {
        guard try readFlag() else { return nil }
        let start = offset
        let lower = Timestamp(milliseconds: try readZigzag())
        let upper = Timestamp(milliseconds: try readZigzag())
        // A range with its ends swapped would trap.
        guard lower <= upper else {
            throw .invalidValue(offset: start, what: "timeframe ends before it starts")
        }
        return lower..<upper
    }
}
