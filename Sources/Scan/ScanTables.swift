// Joins what threads have found for one plan: the groups and values of one execution are numbered
// anew in the tables of another, each once, and its aggregates are added by those numbers. No
// answer is formed for that, so a second thread costs little more than what it found.

internal import Aggregate
internal import Base
internal import Kernels
package import Plan

/// Everything that an execution has found so far.
package struct ScanTables: Sendable {
    var groups: GroupTable
    var accumulators: [Accumulator]
    package var statistics: ScanStatistics

    /// Adds what another execution of the same plan, made in the same process, has found. After an
    /// error it is of no more use.
    mutating func absorb(_ other: ScanTables) throws {
        let map = groups.absorb(other.groups)
        guard groups.count <= Limits.queryGroupsMax else { throw PartialError.tooManyGroups }
        for index in accumulators.indices {
            try accumulators[index].absorb(
                other.accumulators[index], groups: map, groupCount: groups.count)
        }
        statistics.add(other.statistics)
    }

    /// Bytes of memory that the tables take, roughly.
    package var byteCount: Int { groups.byteCount + accumulators.reduce(0) { $0 + $1.byteCount } }
}

/// The codes here of all values of another interner.
struct CodeTranslation {
    fileprivate var ints: [UInt32] = []
    fileprivate var doubles: [UInt32] = []
    fileprivate var strings: [UInt32] = []
    fileprivate var documents: [UInt32] = []

    func code(_ bits: UInt32) -> UInt32 {
        let code = ValueCode(bits: bits)
        let number: UInt32
        switch code.kind {
        case .null, .bool: return bits
        case .int: number = ints[code.number]
        case .double: number = doubles[code.number]
        case .string: number = strings[code.number]
        case .json: number = documents[code.number]
        }
        return ValueCode(code.kind, number).bits
    }
}

extension ValueInterner {
    /// Adds the values of another interner.
    mutating func absorb(_ other: ValueInterner) -> CodeTranslation {
        var translation = CodeTranslation()
        translation.ints = other.ints.numbers(in: &ints)
        translation.doubles = other.doubles.numbers(in: &doubles)
        translation.strings = other.strings.numbers(in: &strings)
        translation.documents = other.documents.numbers(in: &documents)
        return translation
    }

    /// Bytes of memory that the values take, roughly.
    var byteCount: Int {
        (ints.count + doubles.count) * WordTable.entryBytes
            + (strings.count + documents.count) * BytesTable.entryBytes + textByteCount
    }
}

extension WordTable {
    /// What a word takes, its slots and room to grow included.
    static let entryBytes = 24

    fileprivate func numbers(in table: inout WordTable) -> [UInt32] {
        let words = words
        return filled(words.count) { table.numbers(of: words, count: words.count, into: $0) }
    }
}

extension BytesTable {
    /// What a text takes beside its bytes, slots and room to grow included.
    static let entryBytes = 40

    fileprivate func numbers(in table: inout BytesTable) -> [UInt32] { table.absorb(self) }
}

extension Accumulator {
    /// Adds another thread's states: the group `g` there is `groups[g]` here.
    mutating func absorb(_ other: Accumulator, groups: [UInt32], groupCount: Int) throws {
        let before = self
        // Taken out of `self`, so that what grows is not copied.
        self = .count([])
        switch (consume before, other) {
        case (.count(var counts), .count(let more)):
            counts.append(contentsOf: repeatElement(0, count: groupCount - counts.count))
            for (group, count) in more.enumerated() { counts[Int(groups[group])] += count }
            self = .count(counts)
        case (.sum(var sums, let column, let isAverage), .sum(let more, _, _)):
            try sums.absorb(more, groups: groups, groupCount: groupCount)
            self = .sum(sums, column: column, isAverage: isAverage)
        case (.extreme(var extremes, let column), .extreme(let more, _)):
            extremes.absorb(more, groups: groups, groupCount: groupCount)
            self = .extreme(extremes, column: column)
        case (.distinct(var values, let column, let isSelect), .distinct(let more, _, _)):
            try values.absorb(more, groups: groups)
            self = .distinct(values, column: column, isSelect: isSelect)
        case (.numbers(var numbers, let column), .numbers(let more, _)):
            try numbers.absorb(more, groups: groups, groupCount: groupCount)
            self = .numbers(numbers, column: column)
        case (.deviation(var deviations, let column), .deviation(let more, _)):
            try deviations.absorb(more, groups: groups, groupCount: groupCount)
            self = .deviation(deviations, column: column)
        case (.count, _), (.sum, _), (.extreme, _), (.distinct, _), (.numbers, _), (.deviation, _):
            throw PartialError.mismatch(what: "the kinds of aggregates")
        }
    }

    /// Bytes of memory that the states take, roughly.
    var byteCount: Int {
        switch self {
        case .count(let counts): counts.count * 8
        case .sum(let sums, _, _): sums.groupCount * (MemoryLayout<NumberSum>.stride + 8)
        case .extreme(let extremes, _): extremes.groupCount * 18
        case .distinct(let values, _, _): values.byteCount
        case .numbers(let numbers, _): numbers.byteCount
        case .deviation(let deviations, _): deviations.groupCount * MemoryLayout<Deviation>.stride
        }
    }
}
