// The distinct values of one property over all groups together. Numbers go from the rows straight
// into a set of integers; texts are found by code first, so that each is looked at once a block.

internal import Aggregate
internal import Base
internal import Columns
internal import Kernels

/// Distinct values of all rows of a scan.
struct ValueSet {
    private let seed: UInt64
    private var hasFalse = false
    private var hasTrue = false
    private var ints: IntegerSet
    /// Keys of `OrderedDouble`: doubles that are no 64-bit integers.
    private var fractions: IntegerSet
    /// Not put in order yet, perhaps repeated.
    private var strings = UnorderedTexts()
    private var documents = UnorderedTexts()
    /// What has been put in order.
    private var ordered = DistinctValues()
    /// What there were too many of, in sets that are only counted.
    private(set) var sketch: HyperLogLog?

    init(seed: UInt64) {
        self.seed = seed
        ints = IntegerSet(seed: seed)
        fractions = IntegerSet(seed: seed)
    }

    /// More texts than this wait for their order only if as many are in order already, so that
    /// each is merged a few times at most. A choice.
    private static let unorderedMax = 1 << 20

    /// Values held; texts that are not in order yet may count more than once.
    var count: Int {
        ints.count + fractions.count + strings.count + documents.count + ordered.count
            + (sketch == nil ? 0 : UniqueCount.sketchHeldCount)
    }

    var textByteCount: Int {
        strings.textByteCount + documents.textByteCount + ordered.strings.bytes.count
            + ordered.documents.bytes.count
    }

    /// Bytes of memory, roughly.
    var byteCount: Int {
        ints.byteCount + fractions.byteCount + strings.byteCount + documents.byteCount
            + ordered.heldByteCount
    }

    mutating func add(_ numbers: BlockNumbers) {
        ints.insert(numbers.ints.values, count: numbers.ints.values.count)
        let doubles = numbers.doubles.values
        guard !doubles.isEmpty else { return }
        let (whole, rest) = splitIntegral(
            filled(doubles.count) { SortLoops.keys(of: doubles, count: doubles.count, into: $0) })
        ints.insert(whole, count: whole.count)
        fractions.insert(rest, count: rest.count)
    }

    /// Everything but numbers.
    mutating func addOthers(
        _ column: DecodedColumn, _ rows: SelectedRows
    ) throws(AggregateError) {
        switch column.tags {
        case .uniform(.false): hasFalse = true
        case .uniform(.true): hasTrue = true
        case .uniform(.string), .uniform(.json): try addTexts(column, rows, tags: nil)
        case .uniform: break
        case .mixed(let tags):
            let tags = rows.pick(tags)
            func has(_ tag: Tag) -> Bool {
                ColumnLoops.count(tags, count: tags.count, equalTo: tag.rawValue) > 0
            }
            hasFalse = hasFalse || has(.false)
            hasTrue = hasTrue || has(.true)
            if !column.codes.isEmpty { try addTexts(column, rows, tags: tags) }
        }
    }

    /// With `tags`: of the positions that have a text.
    private mutating func addTexts(
        _ column: DecodedColumn, _ rows: SelectedRows, tags: [UInt8]?
    ) throws(AggregateError) {
        let dictionary = column.dictionary
        // One more, for positions without a text.
        var marks = [UInt8](repeating: 0, count: dictionary.count + 1)
        var codes = rows.pick(column.codes)
        if let tags {
            CodeLoops.replaceCodes(
                withoutTags: (Tag.string.rawValue, Tag.json.rawValue), in: tags,
                count: codes.count, by: UInt32(dictionary.count), in: &codes)
        }
        CodeLoops.mark(codes, count: codes.count, in: &marks)
        let found = markedIndexes(marks, count: dictionary.count)
        let stringCount = found.partitioningIndex { Int($0) >= dictionary.stringCount }
        dictionary.bytes.withUnsafeBytes { bytes in
            // Without any byte every text is empty, and the address does not matter.
            let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
            guard let base else { return }
            found.withUnsafeBufferPointer { found in
                guard let first = found.baseAddress else { return }
                strings.add(first, count: stringCount, in: base, offsets: dictionary.offsets)
                documents.add(
                    first + stringCount, count: found.count - stringCount, in: base,
                    offsets: dictionary.offsets)
            }
        }
        let known = ordered.strings.count + ordered.documents.count
        if strings.count + documents.count > max(Self.unorderedMax, known) { try settle() }
    }

    /// Puts everything in order.
    mutating func settle() throws(AggregateError) {
        guard
            hasFalse || hasTrue || ints.count + fractions.count > 0
                || strings.count + documents.count > 0
        else { return }
        let more = DistinctValues(
            hasFalse: hasFalse, hasTrue: hasTrue, ints: ints.sorted, fractions: fractions.sorted,
            strings: strings.ordered, documents: documents.ordered)
        empty()
        try ordered.merge(more)
    }

    private mutating func empty() {
        hasFalse = false
        hasTrue = false
        ints = IntegerSet(seed: seed)
        fractions = IntegerSet(seed: seed)
        strings = UnorderedTexts()
        documents = UnorderedTexts()
    }

    /// Moves everything into the sketch if it is more than `max` values.
    mutating func sketch(beyond max: Int) throws(AggregateError) {
        try settle()
        guard sketch != nil || ordered.count > max else { return }
        var known = sketch ?? HyperLogLog()
        known.insert(ordered)
        sketch = known
        ordered = DistinctValues()
    }

    /// Adds another thread's values. Both are settled.
    mutating func absorb(_ other: ValueSet) throws(AggregateError) {
        if let more = other.sketch {
            var known = sketch ?? HyperLogLog()
            known.merge(more)
            sketch = known
        }
        try ordered.merge(other.ordered)
    }

    /// Once it is settled.
    var values: DistinctValues { ordered }
}

/// Indexes of the ones among the first `count`.
func markedIndexes(_ marks: [UInt8], count: Int) -> [UInt32] {
    let ones = MaskLoops.population(marks, count: count)
    return [UInt32](unsafeUninitializedCapacity: ones + 8) { target, filled in
        guard let base = target.baseAddress else { return }
        filled = MaskLoops.select(marks, first: 0, count: count, into: base)
    }
}

extension [UInt32] {
    /// The first index whose element satisfies the predicate, which none before and all after do.
    fileprivate func partitioningIndex(_ predicate: (UInt32) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
