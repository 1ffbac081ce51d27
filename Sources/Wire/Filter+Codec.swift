// A filter as bytes: a tag, then what the tag says. Filters nest, so reading counts both the depth
// and the number of filters: neither the stack nor memory can be exhausted by a crafted plan.
//
//     1 compare   path, u8 operator, value
//     2 among     path, count { value }
//     3 exists    path, flag
//     4 contains  path, value
//     5 not       filter
//     6 all       count { filter }
//     7 any       count { filter }
//     8 within    path, f64 longitude, f64 latitude, f64 miles
//     9 matches   path, text of the pattern

package import Base
internal import Model
package import Plan

extension Filter {
    fileprivate enum Tag {
        static let compare: UInt8 = 1
        static let among: UInt8 = 2
        static let exists: UInt8 = 3
        static let contains: UInt8 = 4
        static let not: UInt8 = 5
        static let all: UInt8 = 6
        static let any: UInt8 = 7
        static let within: UInt8 = 8
        static let matches: UInt8 = 9
    }

    package func encode(into writer: inout ByteWriter) {
        switch self {
        case .compare(let path, let comparison, let value):
            writer.write(filter: Tag.compare, path)
            writer.write(comparison.rawValue)
            value.encode(into: &writer)
        case .among(let path, let values):
            writer.write(filter: Tag.among, path)
            writer.write(count: values.count)
            for value in values { value.encode(into: &writer) }
        case .exists(let path, let wanted):
            writer.write(filter: Tag.exists, path)
            writer.write(flag: wanted)
        case .contains(let path, let value):
            writer.write(filter: Tag.contains, path)
            value.encode(into: &writer)
        case .within(let path, let circle):
            writer.write(filter: Tag.within, path)
            writer.write(circle.longitude)
            writer.write(circle.latitude)
            writer.write(circle.radiusMiles)
        case .matches(let path, let pattern):
            writer.write(filter: Tag.matches, path)
            writer.write(counted: Array(pattern.text.utf8))
        case .not(let inner):
            writer.write(Tag.not)
            inner.encode(into: &writer)
        case .all(let inner): writer.write(filters: Tag.all, inner)
        case .any(let inner): writer.write(filters: Tag.any, inner)
        }
    }

    /// Reads one filter, nested at most `Limits.planFilterDepthMax` deep.
    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        var filters = FilterReader()
        self = try filters.read(&reader, depth: 1)
    }
}

extension ByteWriter {
    fileprivate mutating func write(filter tag: UInt8, _ path: PropertyPath) {
        write(tag)
        write(path)
    }

    fileprivate mutating func write(filters tag: UInt8, _ filters: [Filter]) {
        write(tag)
        write(count: filters.count)
        for filter in filters { filter.encode(into: &self) }
    }
}

/// Reads the filters of one plan against one budget.
struct FilterReader {
    private var budget = Limits.planFiltersMax

    /// A count and that many filters at depth 1.
    mutating func readList(_ reader: inout ByteReader) throws(ByteReaderError) -> [Filter] {
        try readList(&reader, depth: 1)
    }

    private mutating func readList(
        _ reader: inout ByteReader, depth: Int
    ) throws(ByteReaderError) -> [Filter] {
        // The shortest filter is an empty `all`: a tag and a count.
        let count = try reader.readCount(ofAtLeast: 2, max: budget, of: "filters")
        var filters: [Filter] = []
        filters.reserveCapacity(count)
        for _ in 0..<count { filters.append(try read(&reader, depth: depth)) }
        return filters
    }

    mutating func read(
        _ reader: inout ByteReader, depth: Int
    ) throws(ByteReaderError) -> Filter {
        let start = reader.offset
        guard depth <= Limits.planFilterDepthMax else {
            throw .invalidValue(
                offset: start, what: "filters nested deeper than \(Limits.planFilterDepthMax)")
        }
        guard budget > 0 else {
            throw .invalidValue(
                offset: start, what: "more than \(Limits.planFiltersMax) filters")
        }
        budget -= 1
        switch try reader.readByte() {
        case Filter.Tag.compare:
            let path = try reader.readPath()
            let comparison = try Self.readComparison(&reader)
            return .compare(path, comparison, try Value(from: &reader))
        case Filter.Tag.among: return .among(try reader.readPath(), try Self.readValues(&reader))
        case Filter.Tag.exists: return .exists(try reader.readPath(), try reader.readFlag())
        case Filter.Tag.contains: return .contains(try reader.readPath(), try Value(from: &reader))
        case Filter.Tag.within: return .within(try reader.readPath(), try Self.readCircle(&reader))
        case Filter.Tag.matches:
            return .matches(try reader.readPath(), try Self.readPattern(&reader))
        case Filter.Tag.not: return .not(try read(&reader, depth: depth + 1))
        case Filter.Tag.all: return .all(try readList(&reader, depth: depth + 1))
        case Filter.Tag.any: return .any(try readList(&reader, depth: depth + 1))
        case let tag: throw .invalidValue(offset: start, what: "unknown filter tag \(tag)")
        }
    }

    private static func readComparison(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> ComparisonOperator {
        let start = reader.offset
        let tag = try reader.readByte()
        guard let comparison = ComparisonOperator(rawValue: tag) else {
            throw .invalidValue(offset: start, what: "unknown comparison operator \(tag)")
        }
        return comparison
    }

    private static func readCircle(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> GeoCircle {
        let start = reader.offset
        let circle = GeoCircle(
            longitude: try reader.readDouble(), latitude: try reader.readDouble(),
            radiusMiles: try reader.readDouble())
        guard circle.longitude.isFinite, circle.latitude.isFinite, circle.radiusMiles.isFinite
        else { throw .invalidValue(offset: start, what: "a circle that is none") }
        return circle
    }

    private static func readPattern(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> TextPattern {
        let start = reader.offset
        let text = String(decoding: try reader.readCounted(), as: UTF8.self)
        do throws(PatternError) { return try TextPattern(text) } catch {
            throw .invalidValue(offset: start, what: "no pattern: \(error.message)")
        }
    }

    private static func readValues(_ reader: inout ByteReader) throws(ByteReaderError) -> [Value] {
        let count = try reader.readCount(ofAtLeast: Value.encodedBytesMin)
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try Value(from: &reader)) }
        return values
    }
}
