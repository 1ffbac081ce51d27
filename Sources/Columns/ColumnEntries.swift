// The values of one column while a block is being built: only rows that have one, so that ten
// thousand rare properties cost what their values cost and not ten thousand times the rows.

/// One column under construction. Rows ascend; a row appears at most once.
struct ColumnEntries: Sendable {
    private(set) var rows: [UInt32] = []
    /// Raw values of `Tag`, never `missing`.
    private(set) var tags: [UInt8] = []
    /// Bits of the integer or double, or the code of the text in `strings` or `documents`.
    private(set) var payloads: [UInt64] = []
    private(set) var strings = ByteInterner()
    private(set) var documents = ByteInterner()

    var count: Int { rows.count }

    /// Row, tag and payload of one value.
    static let entryByteCount = 13

    init() {}

    private init(
        rows: [UInt32], tags: [UInt8], payloads: [UInt64], strings: ByteInterner,
        documents: ByteInterner
    ) {
        self.rows = rows
        self.tags = tags
        self.payloads = payloads
        self.strings = strings
        self.documents = documents
    }

    /// Sets the row's value. A second value for the same row replaces the first, as the last of
    /// two equal names wins in JSON.
    mutating func set(row: UInt32, tag: Tag, payload: UInt64) {
        if let last = rows.last, last == row {
            tags[tags.count - 1] = tag.rawValue
            payloads[payloads.count - 1] = payload
            return
        }
        rows.append(row)
        tags.append(tag.rawValue)
        payloads.append(payload)
    }

    mutating func set(row: UInt32, string bytes: UnsafeBufferPointer<UInt8>) {
        let code = strings.intern(bytes)
        set(row: row, tag: .string, payload: UInt64(code))
    }

    mutating func set(row: UInt32, document bytes: UnsafeBufferPointer<UInt8>) {
        let code = documents.intern(bytes)
        set(row: row, tag: .json, payload: UInt64(code))
    }

    /// Appends a decoded column of another block, whose first row becomes `firstRow`; with
    /// `targets`, each row becomes the one named there, or none if that is `UInt32.max`.
    mutating func append(_ column: DecodedColumn, firstRow: UInt32, targets: [UInt32]? = nil) {
        let codes = intern(column.dictionary)
        rows.reserveCapacity(rows.count + column.rowCount)
        tags.reserveCapacity(tags.count + column.rowCount)
        payloads.reserveCapacity(payloads.count + column.rowCount)
        for row in 0..<column.rowCount {
            let tag = column.rawTag(at: row)
            guard tag != Tag.missing.rawValue else { continue }
            let target = targets?[row] ?? firstRow + UInt32(row)
            guard target != .max else { continue }
            rows.append(target)
            tags.append(tag)
            switch tag {
            case Tag.int.rawValue: payloads.append(UInt64(bitPattern: column.ints[row]))
            case Tag.double.rawValue: payloads.append(column.doubles[row].bitPattern)
            case Tag.string.rawValue, Tag.json.rawValue:
                payloads.append(UInt64(codes[Int(column.codes[row])]))
            default: payloads.append(0)
            }
        }
    }

    /// The code here of every text of `dictionary`.
    private mutating func intern(_ dictionary: StringDictionary) -> [UInt32] {
        var codes: [UInt32] = []
        codes.reserveCapacity(dictionary.count)
        for code in 0..<dictionary.count {
            codes.append(
                dictionary.withBytes(of: code) { bytes in
                    code < dictionary.stringCount
                        ? strings.intern(bytes) : documents.intern(bytes)
                })
        }
        return codes
    }

    /// The same values with every row `r` moved to `rowMap[r]`, again in ascending order.
    func reordered(by rowMap: [UInt32]) -> ColumnEntries {
        var order = [UInt64](repeating: 0, count: count)
        if count == rowMap.count {
            for index in 0..<count { order[Int(rowMap[Int(rows[index])])] = UInt64(index) }
        } else {
            for index in 0..<count {
                order[index] = UInt64(rowMap[Int(rows[index])]) << 32 | UInt64(index)
            }
            order.sort()
        }
        let indexes = order.map { Int($0 & 0xFFFF_FFFF) }
        return ColumnEntries(
            rows: indexes.map { rowMap[Int(rows[$0])] }, tags: indexes.map { tags[$0] },
            payloads: indexes.map { payloads[$0] }, strings: strings, documents: documents)
    }
}
