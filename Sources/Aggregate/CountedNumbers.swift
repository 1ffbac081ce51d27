// The state behind median and percentile: every different number with how often it came, exact up
// to a bound and rounded to eleven binary digits beyond it. Rounding keeps the order of numbers, so
// that a percentile of rounded numbers is the exact one, rounded: at most 1 part in 2,048 away.

internal import Base
package import Model

/// A number in its one representation: an integral double that fits 64 bits is an integer.
package enum PlainNumber: Sendable, Hashable, Comparable {
    case int(Int64)
    /// Never NaN, and no integer that fits 64 bits.
    case double(Double)

    /// Nil for what is no number.
    package init?(_ value: Value) {
        switch value {
        case .int(let number): self = .int(number)
        case .double(let number) where !number.isNaN: self = PlainNumber(number)
        default: return nil
        }
    }

    /// `number` is not NaN.
    package init(_ number: Double) {
        if let integer = Int64(exactly: number) {
            self = .int(integer)
        } else {
            self = .double(number)
        }
    }

    package static func < (left: PlainNumber, right: PlainNumber) -> Bool {
        switch (left, right) {
        case (.int(let left), .int(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.int(let left), .double(let right)): left.isLess(than: right)
        case (.double(let left), .int(let right)): right.isGreater(than: left)
        }
    }

    /// The nearest number of eleven significant binary digits.
    var rounded: PlainNumber {
        let number: Double
        switch self {
        case .int(let value):
            if value.magnitude <= 1 << 11 { return self }
            number = Double(value)
        case .double(let value):
            guard value.isFinite else { return self }
            number = value
        }
        // Half of the last digit that stays, then the digits that go; a carry into the exponent is
        // what rounding up over a power of two means.
        let bits = (number.bitPattern &+ 1 << 41) & ~(1 << 42 - 1)
        return PlainNumber(Double(bitPattern: bits))
    }

    package var result: AggregateResult {
        switch self {
        case .int(let value): .int(value)
        case .double(let value): value.isFinite ? .double(value) : .null
        }
    }
}

/// Different numbers, ascending, with their counts.
package struct CountedNumbers: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var number: PlainNumber
        /// At least 1.
        package var count: Int64

        package init(number: PlainNumber, count: Int64) {
            self.number = number
            self.count = count
        }
    }

    package private(set) var entries: [Entry] = []
    /// Whether the numbers are rounded: more than `Limits.queryExactNumbersMax` different ones met.
    package private(set) var isRounded = false

    package init() {}

    /// Entries that the caller knows to ascend strictly.
    package init(ascending entries: [Entry], isRounded: Bool = false) {
        self.entries = entries
        self.isRounded = isRounded
        roundIfNeeded()
    }

    /// Different numbers held.
    package var count: Int { entries.count }

    package mutating func merge(_ other: CountedNumbers) throws(AggregateError) {
        var other = other
        if other.isRounded && !isRounded { round() }
        if isRounded && !other.isRounded { other.round() }
        if entries.isEmpty {
            entries = other.entries
        } else if !other.entries.isEmpty {
            entries = try Self.merged(entries, other.entries)
        }
        roundIfNeeded()
    }

    private static func merged(
        _ left: [Entry], _ right: [Entry]
    ) throws(AggregateError) -> [Entry] {
        var merged: [Entry] = []
        merged.reserveCapacity(left.count + right.count)
        var (i, j) = (0, 0)
        while i < left.count && j < right.count {
            if left[i].number < right[j].number {
                merged.append(left[i])
                i += 1
            } else if right[j].number < left[i].number {
                merged.append(right[j])
                j += 1
            } else {
                let (count, overflow) = left[i].count.addingReportingOverflow(right[j].count)
                guard !overflow else { throw .overflow }
                merged.append(Entry(number: left[i].number, count: count))
                (i, j) = (i + 1, j + 1)
            }
        }
        merged += left[i...]
        merged += right[j...]
        return merged
    }

    private mutating func roundIfNeeded() {
        if !isRounded && entries.count > Limits.queryExactNumbersMax { round() }
    }

    /// Whether numbers are rounded depends on the set of them alone, and so does what they are
    /// rounded to: the order of merging does not show.
    private mutating func round() {
        var rounded: [Entry] = []
        for entry in entries {
            let number = entry.number.rounded
            if let last = rounded.indices.last, rounded[last].number == number {
                rounded[last].count = rounded[last].count.addingSaturated(entry.count)
            } else {
                rounded.append(Entry(number: number, count: entry.count))
            }
        }
        entries = rounded
        isRounded = true
    }

    /// The element of rank ⌈n × hundredths / 10,000⌉ of all n numbers in ascending order; null if
    /// there are none. 5,000 hundredths are the median, the lower of two middle numbers.
    package func percentile(hundredths: Int) -> AggregateResult {
        let total = entries.reduce(Int128(0)) { $0 + Int128($1.count) }
        let rank = max((total * Int128(hundredths) + 9_999) / 10_000, 1)
        var passed: Int128 = 0
        for entry in entries {
            passed += Int128(entry.count)
            if passed >= rank { return entry.number.result }
        }
        return .null
    }
}

extension CountedNumbers {
    /// u8 flags (1 rounded), varint count, then for each number, ascending: the number as a value,
    /// varint how often it came.
    func encode(into writer: inout ByteWriter) {
        writer.write(isRounded ? 1 : 0 as UInt8)
        writer.write(varint: UInt64(entries.count))
        for entry in entries {
            switch entry.number {
            case .int(let value): Value.int(value).encode(into: &writer)
            case .double(let value): Value.double(value).encode(into: &writer)
            }
            writer.write(varint: UInt64(bitPattern: entry.count))
        }
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        let flags = try reader.readByte()
        guard flags <= 1 else {
            throw .invalidValue(offset: start, what: "unknown flags \(flags) of numbers")
        }
        let count = try reader.readCount(ofAtLeast: Value.encodedBytesMin + 1)
        guard count <= Limits.queryDistinctValuesMax else {
            throw .invalidValue(offset: start, what: "\(count) different numbers are too many")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let offset = reader.offset
            guard let number = PlainNumber(try Value(from: &reader)),
                entries.last.map({ $0.number < number }) ?? true
            else { throw .invalidValue(offset: offset, what: "numbers out of order") }
            guard let times = Int64(exactly: try reader.readVarint()), times > 0 else {
                throw .invalidValue(offset: offset, what: "count of a number out of range")
            }
            entries.append(Entry(number: number, count: times))
        }
        self.init(ascending: entries, isRounded: flags == 1)
    }
}

extension Int64 {
    fileprivate func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
