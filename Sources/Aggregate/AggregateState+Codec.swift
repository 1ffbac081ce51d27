// Aggregate states as bytes: in scan answers, and later in rollup rows and caches. The bytes of a
// state depend on the state alone (sets are written in order), so equal states have equal bytes.
// docs/formats/states.md describes them.

package import Base
internal import Model

extension AggregateKind {
    /// Bytes of states whose values are written by kind and in order, not one by one as they used
    /// to be: the byte of the state, plus this.
    fileprivate static let typedForm: UInt8 = 32

    /// Its first byte, as it is written now.
    fileprivate var byte: UInt8 {
        switch self {
        case .countUnique, .selectUnique, .numbers: rawValue + Self.typedForm
        default: rawValue
        }
    }
}

extension AggregateState {
    /// The fewest bytes that a state takes: what a count of states is checked against.
    package static let encodedBytesMin = 2
    package static let distinctValuesMax = Limits.queryDistinctValuesMax

    /// A count_unique beyond its exact bound.
    private static let sketchByte: UInt8 = 9

    package func encode(into writer: inout ByteWriter) {
        if case .countUnique(.sketch(let sketch)) = self {
            writer.write(Self.sketchByte)
            return sketch.encode(into: &writer)
        }
        writer.write(kind.byte)
        switch self {
        case .count(let count): writer.write(varint: UInt64(bitPattern: count))
        case .countUnique(.exact(let distinct)), .selectUnique(let distinct):
            distinct.encode(into: &writer)
        case .countUnique(.sketch): break
        case .sum(let total): total.encode(into: &writer)
        case .average(let total, let count):
            total.encode(into: &writer)
            writer.write(varint: UInt64(bitPattern: count))
        case .minimum(let value), .maximum(let value): (value ?? .null).encode(into: &writer)
        case .numbers(let numbers): numbers.encode(into: &writer)
        case .standardDeviation(let deviation): deviation.encode(into: &writer)
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let offset = reader.offset
        let byte = try reader.readByte()
        if byte == Self.sketchByte {
            self = .countUnique(.sketch(try HyperLogLog(from: &reader)))
            return
        }
        let isOneByOne = AggregateKind(rawValue: byte) != nil
        let number = isOneByOne ? byte : byte &- AggregateKind.typedForm
        guard let kind = AggregateKind(rawValue: number), isOneByOne || kind.byte == byte else {
            throw .invalidValue(offset: offset, what: "unknown aggregate kind \(byte)")
        }
        switch kind {
        case .count: self = .count(try reader.readEventCount())
        case .countUnique, .selectUnique:
            let distinct =
                isOneByOne
                ? try DistinctValues(oneByOne: &reader) : try DistinctValues(from: &reader)
            self =
                kind == .countUnique ? .countUnique(UniqueCount(distinct)) : .selectUnique(distinct)
        case .sum: self = .sum(try NumberSum(from: &reader))
        case .average:
            let total = try NumberSum(from: &reader)
            self = .average(total, count: try reader.readEventCount())
        case .minimum: self = .minimum(try reader.readNumberOrNull())
        case .maximum: self = .maximum(try reader.readNumberOrNull())
        case .numbers:
            self = .numbers(
                isOneByOne
                    ? try CountedNumbers(oneByOne: &reader) : try CountedNumbers(from: &reader))
        case .standardDeviation: self = .standardDeviation(try Deviation(from: &reader))
        }
    }
}

extension NumberSum {
    private static let doublesFlag: UInt8 = 1
    private static let wideFlag: UInt8 = 2

    /// u8 flags (1 doubles follow, 2 the integer sum takes 16 bytes), integer sum, then for flag 1
    /// the sum of doubles and its correction.
    func encode(into writer: inout ByteWriter) {
        let narrow = Int64(exactly: integers)
        writer.write((hasDoubles ? Self.doublesFlag : 0) | (narrow == nil ? Self.wideFlag : 0))
        if let narrow { writer.write(zigzag: narrow) } else { writer.write(littleEndian: integers) }
        guard hasDoubles else { return }
        writer.write(doubles)
        writer.write(correction)
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let offset = reader.offset
        let flags = try reader.readByte()
        guard flags & ~(Self.doublesFlag | Self.wideFlag) == 0 else {
            throw .invalidValue(offset: offset, what: "unknown flags \(flags) of a sum")
        }
        let integers =
            flags & Self.wideFlag == 0
            ? Int128(try reader.readZigzag()) : try reader.readLittleEndian(Int128.self)
        guard flags & Self.doublesFlag != 0 else {
            self.init(integers: integers, doubles: 0, correction: 0, hasDoubles: false)
            return
        }
        let doubles = try reader.readDouble()
        let correction = try reader.readDouble()
        self.init(integers: integers, doubles: doubles, correction: correction, hasDoubles: true)
    }
}

extension ByteReader {
    mutating func readEventCount() throws(ByteReaderError) -> Int64 {
        let start = offset
        guard let count = Int64(exactly: try readVarint()) else {
            throw .invalidValue(offset: start, what: "count of events out of range")
        }
        return count
    }

    mutating func readNumberOrNull() throws(ByteReaderError) -> Value? {
        let start = offset
        switch try Value(from: &self) {
        case .null: return nil
        case .int(let value): return .int(value)
        case .double(let value) where !value.isNaN: return .double(value)
        default: throw .invalidValue(offset: start, what: "an extreme that is no number")
        }
    }
}
