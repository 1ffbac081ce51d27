// Numbers the values of one property over a whole scan. Blocks have codes of their own; this is
// where equal values of different blocks become equal, once for each distinct value of a block.

internal import Aggregate
internal import Columns
internal import Kernels
internal import Model

/// A value's number within one interner: its kind in the top three bits, its number among the
/// values of that kind in the others.
struct ValueCode: Hashable {
    let bits: UInt32

    enum Kind: UInt32 {
        case null = 0
        case bool, int, double, string, json
    }

    init(_ kind: Kind, _ number: UInt32) { bits = kind.rawValue << 29 | number }
    init(bits: UInt32) { self.bits = bits }

    static let null = ValueCode(.null, 0)
    var kind: Kind { Kind(rawValue: bits >> 29) ?? .null }
    var number: Int { Int(bits & 0x1FFF_FFFF) }
}

/// The distinct values of one property, numbers in their one representation. Limits on groups and
/// distinct values keep each kind far below 2^29 values.
struct ValueInterner {
    var ints: WordTable
    var doubles: WordTable
    var strings = BytesTable()
    var documents = BytesTable()

    init(seed: UInt64) {
        ints = WordTable(seed: seed)
        doubles = WordTable(seed: seed)
    }

    func code(_ value: Bool) -> ValueCode { ValueCode(.bool, value ? 1 : 0) }

    mutating func code(_ value: Int64) -> ValueCode {
        ValueCode(.int, ints.number(of: UInt64(bitPattern: value)))
    }

    /// For doubles that are not 64-bit integers.
    mutating func code(fraction value: Double) -> ValueCode {
        ValueCode(.double, doubles.number(of: value.bitPattern))
    }

    /// For any canonical value.
    mutating func code(value: Value) -> ValueCode {
        switch value {
        case .null: .null
        case .bool(let value): code(value)
        case .int, .double: code(number: value)
        case .string(let text): ValueCode(.string, strings.number(of: text))
        case .json(let text): ValueCode(.json, documents.number(of: text))
        }
    }

    /// For a canonical number; anything else is null.
    mutating func code(number: Value) -> ValueCode {
        switch number {
        case .int(let value): code(value)
        case .double(let value): code(fraction: value)
        default: .null
        }
    }

    /// The codes of texts of a dictionary, given by their local codes, written over them.
    mutating func encode(
        texts: inout [UInt32], isJSON: Bool, of dictionary: StringDictionary
    ) {
        let wanted = texts
        let count = wanted.count
        dictionary.bytes.withUnsafeBytes { bytes in
            // Without any byte every text is empty, and the address does not matter.
            let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
            guard count > 0, let base else { return }
            if isJSON {
                documents.numbers(
                    of: wanted, count: count, in: base, offsets: dictionary.offsets, into: &texts)
            } else {
                strings.numbers(
                    of: wanted, count: count, in: base, offsets: dictionary.offsets, into: &texts)
            }
        }
        let kind = ValueCode(isJSON ? .json : .string, 0).bits
        for index in texts.indices { texts[index] |= kind }
    }

    /// The set of some values, each once.
    func set(of codes: ArraySlice<UInt32>) -> DistinctValues {
        var (hasFalse, hasTrue) = (false, false)
        var (ints, fractions) = ([Int64](), [Int64]())
        var (strings, documents) = (BytesTable(), BytesTable())
        for bits in codes {
            let code = ValueCode(bits: bits)
            switch code.kind {
            case .null: break
            case .bool:
                hasFalse = hasFalse || code.number == 0
                hasTrue = hasTrue || code.number == 1
            case .int: ints.append(Int64(bitPattern: self.ints.words[code.number]))
            case .double:
                let number = Double(bitPattern: doubles.words[code.number])
                fractions.append(OrderedDouble.key(number))
            case .string: self.strings.withText(code.number) { _ = strings.number(of: $0) }
            case .json: self.documents.withText(code.number) { _ = documents.number(of: $0) }
            }
        }
        RadixSort.sort(&ints)
        RadixSort.sort(&fractions)
        return DistinctValues(
            hasFalse: hasFalse, hasTrue: hasTrue, ints: ints, fractions: fractions,
            strings: TextSet(strings), documents: TextSet(documents))
    }

    /// Bytes of all texts together.
    var textByteCount: Int { strings.byteCount + documents.byteCount }

    func value(of code: ValueCode) -> Value {
        switch code.kind {
        case .null: .null
        case .bool: .bool(code.number == 1)
        case .int: .int(Int64(bitPattern: ints.words[code.number]))
        case .double: .double(Double(bitPattern: doubles.words[code.number]))
        case .string: .string(strings.string(code.number))
        case .json: .json(documents.string(code.number))
        }
    }
}
