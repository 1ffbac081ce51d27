// Numbers the values of one group-by property over a whole scan, all kinds together from 0, so that
// where there is nothing else to group by a value's number is the number of its group.

internal import Aggregate
internal import Columns
internal import Kernels
internal import Model

/// The distinct values of one group-by property, numbers in their one representation.
struct KeyInterner {
    private var ints: WordTable
    private var doubles: WordTable
    private var strings = BytesTable()
    private var documents = BytesTable()
    /// For each kind, the number of each of its values among all.
    private var intNumbers: [UInt32] = []
    private var doubleNumbers: [UInt32] = []
    private var stringNumbers: [UInt32] = []
    private var documentNumbers: [UInt32] = []
    private var nullNumber: UInt32?
    private var falseNumber: UInt32?
    private var trueNumber: UInt32?
    /// Values of all kinds.
    private(set) var count = 0

    init(seed: UInt64) {
        ints = WordTable(seed: seed)
        doubles = WordTable(seed: seed)
    }

    /// Bytes of all texts together.
    var textByteCount: Int { strings.byteCount + documents.byteCount }

    /// Bytes of memory that the values take, roughly.
    var byteCount: Int {
        4 * count + (ints.count + doubles.count) * WordTable.entryBytes
            + (strings.count + documents.count) * BytesTable.entryBytes + textByteCount
    }

    // MARK: Numbers of values

    mutating func number(_ value: Bool?) -> UInt32 {
        let known =
            switch value {
            case nil: nullNumber
            case false: falseNumber
            case true: trueNumber
            }
        if let known { return known }
        let number = UInt32(count)
        count += 1
        switch value {
        case nil: nullNumber = number
        case false: falseNumber = number
        case true: trueNumber = number
        }
        return number
    }

    /// Of a canonical number; anything else is null.
    mutating func number(_ value: Value) -> UInt32 {
        switch value {
        case .int(let value):
            let number = Int(ints.number(of: UInt64(bitPattern: value)))
            Self.extend(&intNumbers, to: ints.count, &count)
            return intNumbers[number]
        case .double(let value):
            let number = Int(doubles.number(of: value.bitPattern))
            Self.extend(&doubleNumbers, to: doubles.count, &count)
            return doubleNumbers[number]
        case .null, .bool, .string, .json: return number(nil)
        }
    }

    mutating func numbers(ofInts words: [UInt64]) -> [UInt32] {
        Self.numbers(words, in: &ints, &intNumbers, &count)
    }

    /// Of doubles that are no 64-bit integers, given by their bits.
    mutating func numbers(ofFractions words: [UInt64]) -> [UInt32] {
        Self.numbers(words, in: &doubles, &doubleNumbers, &count)
    }

    /// Of texts of a dictionary, all strings or all JSON.
    mutating func numbers(
        ofTexts codes: ArraySlice<UInt32>, areJSON: Bool, of dictionary: StringDictionary
    ) -> [UInt32] {
        if areJSON {
            return Self.numbers(codes, of: dictionary, in: &documents, &documentNumbers, &count)
        }
        return Self.numbers(codes, of: dictionary, in: &strings, &stringNumbers, &count)
    }

    private static func numbers(
        _ words: [UInt64], in table: inout WordTable, _ numbers: inout [UInt32],
        _ count: inout Int
    ) -> [UInt32] {
        let found: [UInt32] = filled(words.count) {
            table.numbers(of: words, count: words.count, into: $0)
        }
        extend(&numbers, to: table.count, &count)
        // Values of one kind have their own numbers.
        if table.count == count { return found }
        return found.map { numbers[Int($0)] }
    }

    private static func numbers(
        _ codes: ArraySlice<UInt32>, of dictionary: StringDictionary,
        in table: inout BytesTable, _ numbers: inout [UInt32], _ count: inout Int
    ) -> [UInt32] {
        guard !codes.isEmpty else { return [] }
        let found: [UInt32] = filled(codes.count) { target in
            dictionary.bytes.withUnsafeBytes { bytes in
                // Without any byte every text is empty, and the address does not matter.
                let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
                codes.withUnsafeBufferPointer { codes in
                    guard let base, let wanted = codes.baseAddress else { return }
                    table.numbers(
                        of: wanted, count: codes.count, in: base, offsets: dictionary.offsets,
                        into: target)
                }
            }
        }
        extend(&numbers, to: table.count, &count)
        if table.count == count { return found }
        return found.map { numbers[Int($0)] }
    }

    /// Gives new values of one kind the next numbers of all.
    private static func extend(_ numbers: inout [UInt32], to size: Int, _ count: inout Int) {
        let first = UInt32(count)
        let new = size - numbers.count
        guard new > 0 else { return }
        numbers.append(contentsOf: first..<first + UInt32(new))
        count += new
    }

    // MARK: Two of them

    /// Adds the values of another; gives the number here of each value there.
    mutating func absorb(_ other: KeyInterner) -> [UInt32] {
        var map = [UInt32](repeating: 0, count: other.count)
        Self.put(numbers(ofInts: other.ints.words), other.intNumbers, &map)
        Self.put(numbers(ofFractions: other.doubles.words), other.doubleNumbers, &map)
        let foundStrings = strings.absorb(other.strings)
        Self.extend(&stringNumbers, to: strings.count, &count)
        Self.put(foundStrings.map { stringNumbers[Int($0)] }, other.stringNumbers, &map)
        let foundDocuments = documents.absorb(other.documents)
        Self.extend(&documentNumbers, to: documents.count, &count)
        Self.put(foundDocuments.map { documentNumbers[Int($0)] }, other.documentNumbers, &map)
        if let null = other.nullNumber { map[Int(null)] = number(nil) }
        if let no = other.falseNumber { map[Int(no)] = number(false) }
        if let yes = other.trueNumber { map[Int(yes)] = number(true) }
        return map
    }

    private static func put(_ found: [UInt32], _ numbers: [UInt32], _ map: inout [UInt32]) {
        for index in numbers.indices { map[Int(numbers[index])] = found[index] }
    }

    // MARK: In order

    /// All values as a set, whether null is among them, and for each number its code in a
    /// `KeyColumn`.
    func ordered() -> (values: DistinctValues, hasNull: Bool, codes: [UInt32]) {
        var codes = [UInt32](repeating: 0, count: count)
        var next: UInt32 = 0
        let bools = [falseNumber, trueNumber].compactMap { $0 }
        Self.code(Array(bools.indices), bools, &codes, &next)
        let (ints, intOrder) = Self.ordered(ints.words.map { Int64(bitPattern: $0) })
        Self.code(intOrder, intNumbers, &codes, &next)
        let (fractions, fractionOrder) = Self.ordered(
            doubles.words.map { OrderedDouble.key(Double(bitPattern: $0)) })
        Self.code(fractionOrder, doubleNumbers, &codes, &next)
        let (strings, stringOrder) = TextSet.ordered(strings)
        Self.code(stringOrder, stringNumbers, &codes, &next)
        let (documents, documentOrder) = TextSet.ordered(documents)
        Self.code(documentOrder, documentNumbers, &codes, &next)
        if let nullNumber { codes[Int(nullNumber)] = next }
        let values = DistinctValues(
            hasFalse: falseNumber != nil, hasTrue: trueNumber != nil, ints: ints,
            fractions: fractions, strings: strings, documents: documents)
        return (values, nullNumber != nil, codes)
    }

    /// Gives the next codes to values of one kind, in their order.
    private static func code(
        _ order: [some BinaryInteger], _ numbers: [UInt32], _ codes: inout [UInt32],
        _ next: inout UInt32
    ) {
        for index in order {
            codes[Int(numbers[Int(index)])] = next
            next += 1
        }
    }

    /// Different values ascending, and where each was.
    private static func ordered(_ values: [Int64]) -> (values: [Int64], order: [Int]) {
        guard let least = values.min(), let greatest = values.max() else { return ([], []) }
        let bits = BitPacking.width(of: UInt64(values.count))
        let span = UInt64(bitPattern: greatest &- least)
        guard BitPacking.width(of: span) + bits < 64 else {
            let order = values.indices.sorted { values[$0] < values[$1] }
            return (order.map { values[$0] }, order)
        }
        // The distance and the place in one word.
        var words = values.indices.map { (values[$0] &- least) << Int64(bits) | Int64($0) }
        RadixSort.sort(&words, ascendingBits: bits)
        let mask: Int64 = 1 << Int64(bits) - 1
        return (words.map { ($0 >> Int64(bits)) &+ least }, words.map { Int($0 & mask) })
    }
}
