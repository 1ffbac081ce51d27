// Sets of values and counted numbers as bytes: each kind for itself, numbers as `MonotoneCoding`
// has them. Also read, and never written any more: the form with one value after the other.

internal import Base
internal import Kernels
internal import Model

extension DistinctValues {
    private static let falseFlag: UInt8 = 1
    private static let trueFlag: UInt8 = 2
    private static let intsFlag: UInt8 = 4
    private static let fractionsFlag: UInt8 = 8
    private static let stringsFlag: UInt8 = 16
    private static let documentsFlag: UInt8 = 32

    /// u8 flags, then ascending integers, fractions, texts and JSON texts, each if its flag is set.
    func encode(into writer: inout ByteWriter) {
        var flags: UInt8 = 0
        for (isThere, flag) in [
            (hasFalse, Self.falseFlag), (hasTrue, Self.trueFlag), (!ints.isEmpty, Self.intsFlag),
            (!fractions.isEmpty, Self.fractionsFlag), (!strings.isEmpty, Self.stringsFlag),
            (!documents.isEmpty, Self.documentsFlag),
        ] where isThere { flags |= flag }
        writer.write(flags)
        if !ints.isEmpty { writer.write(ascending: ints) }
        if !fractions.isEmpty { writer.write(ascending: fractions) }
        if !strings.isEmpty { strings.encode(into: &writer) }
        if !documents.isEmpty { documents.encode(into: &writer) }
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let offset = reader.offset
        let flags = try reader.readByte()
        guard flags < 64 else {
            throw .invalidValue(offset: offset, what: "unknown flags \(flags) of distinct values")
        }
        func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
        self.init(
            hasFalse: has(Self.falseFlag), hasTrue: has(Self.trueFlag),
            ints: has(Self.intsFlag) ? try reader.readAscending() : [],
            fractions: has(Self.fractionsFlag) ? try reader.readFractions() : [],
            strings: has(Self.stringsFlag) ? try TextSet(from: &reader) : TextSet(),
            documents: has(Self.documentsFlag) ? try TextSet(from: &reader) : TextSet())
        try Self.check(count, offset)
    }

    /// Varint count, then the values in ascending order.
    init(oneByOne reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        let count = try reader.readCount(ofAtLeast: Value.encodedBytesMin)
        try Self.check(count, start)
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            let offset = reader.offset
            let value = try Value(from: &reader).canonical
            // Null sorts last, so this also refuses null anywhere but alone. NaN is no number.
            guard value != .null, value.number?.isNaN != true,
                values.last.map({ $0 < value }) ?? true
            else { throw .invalidValue(offset: offset, what: "distinct values out of order") }
            values.append(value)
        }
        self.init(values)
    }

    private static func check(_ count: Int, _ offset: Int) throws(ByteReaderError) {
        guard count <= AggregateState.distinctValuesMax else {
            throw .invalidValue(offset: offset, what: "\(count) distinct values are too many")
        }
    }
}

extension TextSet {
    /// Varint count, a varint length of each text, then all texts.
    func encode(into writer: inout ByteWriter) {
        writer.write(varint: UInt64(count))
        var start = 0
        for end in ends {
            writer.write(varint: UInt64(end - start))
            start = end
        }
        writer.write(bytes)
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let offset = reader.offset
        let count = try reader.readCount(ofAtLeast: 1)
        var ends: [Int] = []
        ends.reserveCapacity(count)
        var end = 0
        for _ in 0..<count {
            end += try reader.readCount(ofAtLeast: 1)
            // So that adding lengths cannot overflow.
            guard end <= Int(UInt32.max) else {
                throw .invalidValue(offset: offset, what: "texts that are too long")
            }
            ends.append(end)
        }
        let bytes = Array(try reader.readBytes(end))
        guard Self.areUTF8(bytes, ends: ends) else { throw .invalidUTF8(offset: offset) }
        guard count > 0, let texts = TextSet(ordered: bytes, ends: ends) else {
            throw .invalidValue(offset: offset, what: "texts out of order")
        }
        self = texts
    }

    /// All together, and none begins inside a character.
    private static func areUTF8(_ bytes: [UInt8], ends: [Int]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
            && ends.allSatisfy { $0 == bytes.count || !UTF8.isContinuation(bytes[$0]) }
    }
}

extension CountedNumbers {
    private static let roundedFlag: UInt8 = 1
    private static let intsFlag: UInt8 = 2
    private static let fractionsFlag: UInt8 = 4

    /// u8 flags, then the runs of integers and of fractions, each if its flag is set.
    func encode(into writer: inout ByteWriter) {
        let flags =
            (isRounded ? Self.roundedFlag : 0) | (ints.isEmpty ? 0 : Self.intsFlag)
            | (fractions.isEmpty ? 0 : Self.fractionsFlag)
        writer.write(flags)
        if !ints.isEmpty { ints.encode(into: &writer) }
        if !fractions.isEmpty { fractions.encode(into: &writer) }
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let offset = reader.offset
        let flags = try reader.readByte()
        guard flags < 8 else {
            throw .invalidValue(offset: offset, what: "unknown flags \(flags) of numbers")
        }
        func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
        let ints = has(Self.intsFlag) ? try CountedRun(&reader, areFractions: false) : CountedRun()
        let fractions =
            has(Self.fractionsFlag) ? try CountedRun(&reader, areFractions: true) : CountedRun()
        self.init(ints: ints, fractions: fractions, isRounded: has(Self.roundedFlag))
    }

    /// u8 flags (1 rounded), varint count, then for each number, ascending: the number as a value,
    /// varint how often it came.
    init(oneByOne reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        let flags = try reader.readByte()
        guard flags <= 1 else {
            throw .invalidValue(offset: start, what: "unknown flags \(flags) of numbers")
        }
        let count = try reader.readCount(ofAtLeast: Value.encodedBytesMin + 1)
        guard count <= Limits.queryDistinctValuesMax else {
            throw .invalidValue(offset: start, what: "\(count) different numbers are too many")
        }
        var (ints, intCounts) = ([Int64](), [Int64]())
        var (fractions, fractionCounts) = ([Int64](), [Int64]())
        var last: PlainNumber?
        for _ in 0..<count {
            let offset = reader.offset
            guard let number = PlainNumber(try Value(from: &reader)),
                last.map({ $0 < number }) ?? true
            else { throw .invalidValue(offset: offset, what: "numbers out of order") }
            last = number
            let times = try reader.readTimes()
            switch number {
            case .int(let value):
                ints.append(value)
                intCounts.append(times)
            case .double(let value):
                fractions.append(OrderedDouble.key(value))
                fractionCounts.append(times)
            }
        }
        self.init(
            ints: CountedRun(ascending: ints, counts: intCounts),
            fractions: CountedRun(ascending: fractions, counts: fractionCounts),
            isRounded: flags == 1)
    }
}

extension CountedRun {
    /// The numbers, then u8 0 if each came once, or u8 1 and a varint of how often for each.
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(ascending: values)
        guard counts.contains(where: { $0 != 1 }) else { return writer.write(0 as UInt8) }
        writer.write(1 as UInt8)
        for count in counts { writer.write(varint: UInt64(bitPattern: count)) }
    }

    fileprivate init(
        _ reader: inout ByteReader, areFractions: Bool
    ) throws(ByteReaderError) {
        let values = areFractions ? try reader.readFractions() : try reader.readAscending()
        let offset = reader.offset
        var counts: [Int64] = []
        switch try reader.readByte() {
        case 0: counts = [Int64](repeating: 1, count: values.count)
        case 1:
            counts.reserveCapacity(values.count)
            for _ in values { counts.append(try reader.readTimes()) }
        case let form: throw .invalidValue(offset: offset, what: "unknown form \(form) of counts")
        }
        self.init(ascending: values, counts: counts)
    }
}

extension ByteWriter {
    /// Varint count, zigzag first, and unless it is the only one, a varint of how far the last is
    /// above it and the bytes of `MonotoneCoding`.
    fileprivate mutating func write(ascending values: [Int64]) {
        write(varint: UInt64(values.count))
        guard let first = values.first, let last = values.last else { return }
        write(zigzag: first)
        guard values.count > 1 else { return }
        write(varint: UInt64(bitPattern: last &- first))
        write(MonotoneCoding.encode(values))
    }
}

extension ByteReader {
    /// At least one integer.
    fileprivate mutating func readAscending() throws(ByteReaderError) -> [Int64] {
        let start = offset
        let count = try readVarint()
        guard count > 0, count <= UInt64(Limits.queryDistinctValuesMax) else {
            throw .invalidValue(offset: start, what: "\(count) distinct numbers")
        }
        let first = try readZigzag()
        guard count > 1 else { return [first] }
        let span = try readVarint()
        guard span <= UInt64(bitPattern: Int64.max &- first) else {
            throw .invalidValue(offset: start, what: "numbers out of range")
        }
        let bytes = try readBytes(MonotoneCoding.byteCount(count: Int(count), span: span))
        guard
            let values = MonotoneCoding.decode(bytes, count: Int(count), first: first, span: span)
        else { throw .invalidValue(offset: start, what: "numbers out of order") }
        return values
    }

    /// The same of doubles that are no 64-bit integers.
    fileprivate mutating func readFractions() throws(ByteReaderError) -> [Int64] {
        let start = offset
        let keys = try readAscending()
        let isFraction = keys.allSatisfy {
            let number = OrderedDouble.value($0)
            return !number.isNaN && Int64(exactly: number) == nil
        }
        guard isFraction else {
            throw .invalidValue(offset: start, what: "numbers that are no fractions")
        }
        return keys
    }

    fileprivate mutating func readTimes() throws(ByteReaderError) -> Int64 {
        let start = offset
        guard let times = Int64(exactly: try readVarint()), times > 0 else {
            throw .invalidValue(offset: start, what: "count of a number out of range")
        }
        return times
    }
}
