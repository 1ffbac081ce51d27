// Codes of one column's values at the selected rows of one block: dense numbers from 0, equal for
// equal values. A column of strings has them already; numbers get theirs by their distance from the
// least, or by hashing where they are far apart.
//
//     0 ..< textCount            the dictionary's codes
//     textCount ..< intBase      null or missing, false, true; nothing in columns of one kind
//     intBase ..< doubleBase     integers, and doubles that are integers
//     doubleBase ..< cardinality other doubles

internal import Columns
internal import Kernels

/// Codes of selected rows, and what each code stands for.
struct LocalCodes {
    /// One a position; empty if all positions have the code 0 (`isConstant`).
    private(set) var codes: [UInt32] = []
    private(set) var cardinality = 1
    private(set) var dictionary = StringDictionary()
    private(set) var textCount = 0
    private(set) var intBase = 3
    private(set) var doubleBase = 3
    private(set) var ints = IntCodes.words([])
    private(set) var fractions: [UInt64] = []

    enum IntCodes {
        /// Code i is `least + i`.
        case dense(least: Int64)
        /// Code i is word i.
        case words([UInt64])
    }

    var isConstant: Bool { codes.isEmpty }

    /// Nil: missing in every row.
    init(_ column: DecodedColumn?, _ rows: SelectedRows, seed: UInt64) {
        guard let column else { return }
        switch column.tags {
        case .uniform(.missing), .uniform(.null): return
        case .uniform(.string), .uniform(.json):
            dictionary = column.dictionary
            textCount = dictionary.count
            intBase = textCount
            doubleBase = textCount
            cardinality = textCount
            codes = rows.pick(column.codes)
        case .uniform(.int):
            intBase = 0
            let codes = number(rows.pick(column.ints), seed)
            doubleBase = cardinality
            self.codes = codes
        case .uniform(let tag):
            let tags = [UInt8](repeating: tag.rawValue, count: rows.count)
            fillMixed(column, rows, tags, seed)
        case .mixed(let tags): fillMixed(column, rows, rows.pick(tags), seed)
        }
    }

    /// Columns of several kinds, and the rare ones of one kind.
    private mutating func fillMixed(
        _ column: DecodedColumn, _ rows: SelectedRows, _ tags: [UInt8], _ seed: UInt64
    ) {
        dictionary = column.dictionary
        textCount = dictionary.count
        intBase = textCount + 3
        codes =
            column.codes.isEmpty
            ? [UInt32](repeating: 0, count: rows.count) : rows.pick(column.codes)
        let special = UInt32(textCount)
        let offsets = [special, special, special + 1, special + 2, 0, 0, 0, 0]
        CodeLoops.addOffsets(offsets, ofTags: tags, count: rows.count, to: &codes)
        var (intPlaces, intValues) = (Scan.positions(of: .int, in: tags), [Int64]())
        if !intPlaces.isEmpty { intValues = pick(rows.pick(column.ints), at: intPlaces) }
        var (places, values) = (Scan.positions(of: .double, in: tags), [Double]())
        if !places.isEmpty {
            values = pick(rows.pick(column.doubles), at: places)
            let rest = CodeLoops.splitIntegral(
                &values, positions: &places, integers: &intValues, integerPositions: &intPlaces)
            values.removeLast(values.count - rest)
        }
        let base = UInt32(intBase)
        cardinality = intBase
        let numbers = number(intValues, seed)
        CodeLoops.scatter(
            numbers, base: base, positions: intPlaces, count: intPlaces.count, into: &codes)
        doubleBase = cardinality
        addFractions(values, at: places, seed)
    }

    private mutating func addFractions(_ values: [Double], at places: [UInt32], _ seed: UInt64) {
        guard !values.isEmpty else { return }
        var table = WordTable(seed: seed)
        let numbers: [UInt32] = filled(values.count) {
            table.numbers(of: values, count: values.count, into: $0)
        }
        CodeLoops.scatter(
            numbers, base: UInt32(doubleBase), positions: places, count: values.count, into: &codes)
        fractions = table.words
        cardinality = doubleBase + fractions.count
    }

    /// Numbers integers from 0 and sets `cardinality` to follow `intBase`.
    private mutating func number(_ values: [Int64], _ seed: UInt64) -> [UInt32] {
        let (least, greatest) = ExtremeLoops.extremes(values, count: values.count)
        guard !values.isEmpty else { return [] }
        let span = UInt64(bitPattern: greatest &- least)
        // Tables of this size are still small beside the rows themselves.
        if span < UInt64(values.count) + 64 {
            ints = .dense(least: least)
            cardinality = intBase + Int(span) + 1
            return filled(values.count) {
                CodeLoops.subtract(least, from: values, count: values.count, into: $0)
            }
        }
        var table = WordTable(seed: seed)
        let numbers: [UInt32] = filled(values.count) {
            table.numbers(of: values, count: values.count, into: $0)
        }
        ints = .words(table.words)
        cardinality = intBase + table.count
        return numbers
    }

    private func pick(_ values: [Int64], at places: [UInt32]) -> [Int64] {
        filled(places.count) {
            GatherLoops.gather(values, rows: places, count: places.count, into: $0)
        }
    }

    private func pick(_ values: [Double], at places: [UInt32]) -> [Double] {
        filled(places.count) {
            GatherLoops.gather(values, rows: places, count: places.count, into: $0)
        }
    }

    /// The numbers of the values of `wanted` codes in the whole scan, as bits of `ValueCode`.
    func globals(of wanted: [UInt32], in interner: inout ValueInterner) -> [UInt32] {
        if let codes = globals(ofTexts: wanted, in: &interner) { return codes }
        var known = [UInt32](repeating: .max, count: cardinality)
        var strings: [UInt32] = []
        var documents: [UInt32] = []
        let stringCount = UInt32(dictionary.stringCount)
        let textCount = UInt32(textCount)
        for code in wanted where known[Int(code)] == .max {
            // Texts are numbered together below; until then anything but `.max` will do.
            known[Int(code)] = 0
            if code >= textCount {
                known[Int(code)] = global(Int(code), in: &interner).bits
            } else if code < stringCount {
                strings.append(code)
            } else {
                documents.append(code)
            }
        }
        for (texts, isJSON) in [(strings, false), (documents, true)] where !texts.isEmpty {
            var codes = texts
            interner.encode(texts: &codes, isJSON: isJSON, of: dictionary)
            for (text, code) in zip(texts, codes) { known[Int(text)] = code }
        }
        return wanted.map { known[Int($0)] }
    }

    /// The same for strings alone that are each wanted once; nil for anything else.
    private func globals(
        ofTexts wanted: [UInt32], in interner: inout ValueInterner
    ) -> [UInt32]? {
        guard let last = wanted.last, Int(last) < dictionary.stringCount,
            CodeLoops.ascends(wanted, count: wanted.count)
        else { return nil }
        var codes = wanted
        interner.encode(texts: &codes, isJSON: false, of: dictionary)
        return codes
    }

    /// The same for one code that is not a text's.
    private func global(_ code: Int, in interner: inout ValueInterner) -> ValueCode {
        if code >= doubleBase {
            guard code - doubleBase < fractions.count else { return .null }
            return interner.code(fraction: Double(bitPattern: fractions[code - doubleBase]))
        }
        if code >= intBase { return interner.code(int(Int64(code - intBase))) }
        return code == textCount ? .null : interner.code(code == textCount + 2)
    }

    /// The integer of a code, counted from the first of an integer.
    func int(_ code: Int64) -> Int64 {
        switch ints {
        case .dense(let least): least &+ code
        case .words(let words): Int64(bitPattern: words[Int(code)])
        }
    }
}
