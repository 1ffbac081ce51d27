// One column of a block, ready for loops: one element a row in every array that exists.

package import Model

/// Which tag each row has.
package enum RowTags: Sendable {
    case uniform(Tag)
    /// Raw values of `Tag`, one a row.
    case mixed([UInt8])
}

/// A column's values by row. `ints`, `doubles` and `codes` are empty if no row has that kind, and
/// hold 0 at rows of other kinds.
package struct DecodedColumn: Sendable {
    package let rowCount: Int
    package internal(set) var tags: RowTags
    package internal(set) var ints: [Int64] = []
    package internal(set) var doubles: [Double] = []
    /// Code of the row's text in `dictionary`. Codes below `dictionary.stringCount` are strings,
    /// the others JSON texts, so that a code alone tells the two apart.
    package internal(set) var codes: [UInt32] = []
    package internal(set) var dictionary = StringDictionary()

    init(rowCount: Int, tags: RowTags) {
        self.rowCount = rowCount
        self.tags = tags
    }

    package func rawTag(at row: Int) -> UInt8 {
        switch tags {
        case .uniform(let tag): tag.rawValue
        case .mixed(let tags): tags[row]
        }
    }

    package func tag(at row: Int) -> Tag { Tag(rawValue: rawTag(at: row)) ?? .missing }

    /// The row's value, nil if missing. For results and tests; loops use the arrays.
    package func value(at row: Int) -> Value? {
        switch tag(at: row) {
        case .missing: nil
        case .null: .null
        case .false: .bool(false)
        case .true: .bool(true)
        case .int: .int(ints[row])
        case .double: .double(doubles[row])
        case .string: .string(dictionary.text(of: Int(codes[row])))
        case .json: .json(dictionary.text(of: Int(codes[row])))
        }
    }
}

/// The distinct texts of a column.
package struct StringDictionary: Sendable {
    /// All texts one after the other.
    package let bytes: [UInt8]
    /// Where each begins in `bytes`; one more than there are texts.
    package let offsets: [UInt32]
    /// Texts with a code below this are strings, the others JSON.
    package let stringCount: Int

    package init() { self.init(bytes: [], offsets: [0], stringCount: 0) }

    init(bytes: [UInt8], offsets: [UInt32], stringCount: Int) {
        self.bytes = bytes
        self.offsets = offsets
        self.stringCount = stringCount
    }

    package var count: Int { offsets.count - 1 }

    /// Calls `body` with the UTF-8 of one text, valid during the call.
    package func withBytes<Result>(
        of code: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        let range = Int(offsets[code])..<Int(offsets[code + 1])
        return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    package func text(of code: Int) -> String {
        withBytes(of: code) { String(decoding: $0, as: UTF8.self) }
    }
}
