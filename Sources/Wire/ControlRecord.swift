// Control records: what changes the stored events of a collection at one exact offset of each
// partition. Their key is `project/collection`, as an event's is; their value begins with a zero
// byte, which no JSON text does, so neither is ever taken for the other. docs/formats/events.md.
//
//     4 bytes  00 "MRC"
//     u8       version: 1
//     u8       kind
//     body     1 delete collection   -
//              2 delete events       optional { start, end }, count { filter }
//              3 delete property     path
//              4 keep                optional { milliseconds }
//     u32      CRC-32C of all before, little-endian

package import Base
package import Model
package import Plan

/// What a control record asks for. It touches the events before it in its partition, none after.
package enum ControlCommand: Sendable, Hashable {
    /// All events and all that is known of them.
    case deleteCollection
    /// The events of the timeframe that satisfy all filters.
    case deleteEvents(timeframe: Range<Timestamp>?, filters: [Filter])
    /// The property and everything below it.
    case deleteProperty(PropertyPath)
    /// From now on keep events for so long after their own time; nil: for good. Positive.
    case keep(milliseconds: Int64?)
}

extension ControlCommand {
    private static let magic: [UInt8] = [0, 0x4D, 0x52, 0x43]
    private static let version: UInt8 = 1
    /// The longest that events can be kept: 10,000 years.
    package static let keptMillisecondsMax: Int64 = 315_569_520_000_000

    private enum Kind {
        static let deleteCollection: UInt8 = 1
        static let deleteEvents: UInt8 = 2
        static let deleteProperty: UInt8 = 3
        static let keep: UInt8 = 4
    }

    /// Whether a record's value is that of a control record, of whatever version.
    package static func isControl(_ value: [UInt8]) -> Bool { value.first == 0 }

    /// The record's value.
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        writer.write(Self.version)
        switch self {
        case .deleteCollection: writer.write(Kind.deleteCollection)
        case .deleteEvents(let timeframe, let filters):
            writer.write(Kind.deleteEvents)
            writer.write(timeframe)
            writer.write(count: filters.count)
            for filter in filters { filter.encode(into: &writer) }
        case .deleteProperty(let path):
            writer.write(Kind.deleteProperty)
            writer.write(path)
        case .keep(let milliseconds):
            writer.write(Kind.keep)
            writer.write(flag: milliseconds != nil)
            if let milliseconds { writer.write(zigzag: milliseconds) }
        }
        writer.write(littleEndian: crc32c(writer.bytes))
        return writer.bytes
    }

    /// Reads a record's value.
    package init(_ value: [UInt8]) throws(ByteReaderError) {
        guard value.count >= 10, value.starts(with: Self.magic) else {
            throw .invalidValue(offset: 0, what: "this is no control record")
        }
        let bodyEnd = value.count - 4
        var checksum = ByteReader(value[bodyEnd...])
        guard try checksum.readLittleEndian(UInt32.self) == crc32c(value[..<bodyEnd]) else {
            throw .invalidValue(offset: bodyEnd, what: "the checksum of a control record is wrong")
        }
        var reader = ByteReader(value[4..<bodyEnd])
        let version = try reader.readByte()
        guard version == Self.version else {
            throw .invalidValue(offset: 4, what: "control records of version \(version)")
        }
        self = try Self.read(&reader)
        try reader.requireEnd()
    }

    private static func read(_ reader: inout ByteReader) throws(ByteReaderError) -> ControlCommand {
        let start = reader.offset
        switch try reader.readByte() {
        case Kind.deleteCollection: return .deleteCollection
        case Kind.deleteEvents:
            let timeframe = try reader.readTimeframe()
            var filters = FilterReader()
            return .deleteEvents(timeframe: timeframe, filters: try filters.readList(&reader))
        case Kind.deleteProperty:
            let path = try reader.readPath()
            guard !PropertyPath.covers(.keen, path.text.utf8) else {
                throw .invalidValue(offset: start, what: "'\(path)' cannot be deleted")
            }
            return .deleteProperty(path)
        case Kind.keep:
            guard try reader.readFlag() else { return .keep(milliseconds: nil) }
            let milliseconds = try reader.readZigzag()
            guard (1...keptMillisecondsMax).contains(milliseconds) else {
                throw .invalidValue(offset: start, what: "events kept for \(milliseconds) ms")
            }
            return .keep(milliseconds: milliseconds)
        case let kind: throw .invalidValue(offset: start, what: "unknown control record \(kind)")
        }
    }
}
