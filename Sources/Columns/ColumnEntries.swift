// The values of one column while a block is being built: only rows that have one, so that ten
// thousand rare properties cost what their values cost and not ten thousand times the rows. Most
// columns have a value of one kind in every row; these keep neither row numbers nor tags.

/// One column under construction. Rows ascend; a row appears at most once.
struct ColumnEntries: Sendable {
    /// Whether the rows are 0, 1, 2 and so on, and not in `listedRows`.
    private(set) var isDense = true
    /// The tag of every value, raw; `missing` when tags are mixed and in `listedTags`.
    private(set) var uniformTag = Tag.missing.rawValue
    private var listedRows: [UInt32] = []
    private var listedTags: [UInt8] = []
    /// Bits of the integer or double, or the code of the text in `strings` or `documents`.
    private(set) var payloads: [UInt64] = []
    private(set) var strings = ByteInterner()
    private(set) var documents = ByteInterner()
    /// Whether `strings` has its texts in the order of the rows, each used.
    private(set) var textsAreInOrder = true

    var count: Int { payloads.count }
    var isUniform: Bool { listedTags.isEmpty }

    /// Row, tag and payload of one value.
    static let entryByteCount = 13

    /// Bytes held, roughly.
    var approximateByteCount: Int {
        count * Self.entryByteCount + strings.byteCount + documents.byteCount
    }

    /// The number of the row of the value at `index`.
    func row(at index: Int) -> UInt32 { isDense ? UInt32(index) : listedRows[index] }

    /// Numbers of all rows that have a value.
    var rows: [UInt32] { isDense ? (0..<UInt32(count)).map { $0 } : listedRows }

    /// Raw tags of all values; empty if they are all `uniformTag`.
    var mixedTags: [UInt8] { listedTags }

    private var lastRow: UInt32? {
        count == 0 ? nil : isDense ? UInt32(count - 1) : listedRows[count - 1]
    }

    /// Makes room for as many values in all, in a column that has one in every row so far.
    mutating func reserve(rows: Int) {
        if isDense, payloads.capacity < rows { payloads.reserveCapacity(rows) }
    }

    // MARK: Single values

    /// Sets the row's value. A second value for the same row replaces the first, as the last of
    /// two equal names wins in JSON.
    @inline(__always)
    mutating func set(row: UInt32, tag: Tag, payload: UInt64) {
        if isDense, tag.rawValue == uniformTag, Int(row) == payloads.count {
            payloads.append(payload)
        } else if isDense, !listedTags.isEmpty, Int(row) == payloads.count {
            listedTags.append(tag.rawValue)
            payloads.append(payload)
        } else {
            setSlowly(row: row, tag: tag.rawValue, payload: payload)
        }
    }

    private mutating func setSlowly(row: UInt32, tag: UInt8, payload: UInt64) {
        if row == lastRow {
            textsAreInOrder = false
            setTag(tag, at: count - 1)
            payloads[count - 1] = payload
            return
        }
        appendTags(tag, count: 1)
        appendRows(row..<row + 1)
        payloads.append(payload)
    }

    @inline(__always)
    mutating func set(row: UInt32, string bytes: UnsafeBufferPointer<UInt8>) {
        let code = strings.intern(bytes)
        set(row: row, tag: .string, payload: UInt64(code))
    }

    mutating func set(row: UInt32, document bytes: UnsafeBufferPointer<UInt8>) {
        let code = documents.intern(bytes)
        set(row: row, tag: .json, payload: UInt64(code))
    }

    private mutating func setTag(_ tag: UInt8, at index: Int) {
        if isUniform {
            guard tag != uniformTag else { return }
            listTags()
        }
        listedTags[index] = tag
    }

    private mutating func listTags() {
        listedTags = [UInt8](repeating: uniformTag, count: count)
        uniformTag = Tag.missing.rawValue
    }

    /// To be called before the payloads are added.
    private mutating func appendTags(_ tag: UInt8, count more: Int) {
        if count == 0, listedTags.isEmpty { uniformTag = tag }
        if isUniform, tag == uniformTag { return }
        if isUniform { listTags() }
        if more == 1 {
            listedTags.append(tag)
        } else {
            listedTags.append(contentsOf: repeatElement(tag, count: more))
        }
    }

    /// To be called before the payloads are added.
    private mutating func appendRows(_ rows: Range<UInt32>) {
        if isDense, Int(rows.lowerBound) == count { return }
        if isDense {
            listedRows = self.rows
            isDense = false
        }
        if rows.count == 1 {
            listedRows.append(rows.lowerBound)
        } else {
            listedRows.append(contentsOf: rows)
        }
    }

    // MARK: Whole columns

    /// Appends a decoded column of another block, whose first row becomes `firstRow`; with
    /// `targets`, each row becomes the one named there, or none if that is `UInt32.max`.
    mutating func append(_ column: DecodedColumn, firstRow: UInt32, targets: [UInt32]? = nil) {
        let codes = intern(column.dictionary)
        textsAreInOrder = false
        let rows = firstRow..<firstRow + UInt32(column.rowCount)
        switch column.tags {
        case .uniform(let tag) where targets == nil:
            guard tag != .missing, !rows.isEmpty else { return }
            appendTags(tag.rawValue, count: rows.count)
            appendRows(rows)
            appendPayloads(of: column, tag: tag, codes: codes)
        case .mixed(let tags) where targets == nil && !tags.contains(Tag.missing.rawValue):
            if isUniform { listTags() }
            listedTags.append(contentsOf: tags)
            appendRows(rows)
            payloads.makeRoom(rows.count)
            for (row, tag) in tags.enumerated() {
                payloads.append(Self.payload(of: column, row, tag, codes))
            }
        default:
            payloads.makeRoom(column.rowCount)
            for row in 0..<column.rowCount {
                let tag = column.rawTag(at: row)
                guard tag != Tag.missing.rawValue else { continue }
                let target = targets?[row] ?? firstRow + UInt32(row)
                guard target != .max else { continue }
                appendTags(tag, count: 1)
                appendRows(target..<target + 1)
                payloads.append(Self.payload(of: column, row, tag, codes))
            }
        }
    }

    @inline(__always)
    private static func payload(
        of column: DecodedColumn, _ row: Int, _ tag: UInt8, _ codes: [UInt32]
    ) -> UInt64 {
        switch tag {
        case Tag.int.rawValue: UInt64(bitPattern: column.ints[row])
        case Tag.double.rawValue: column.doubles[row].bitPattern
        case Tag.string.rawValue, Tag.json.rawValue: UInt64(codes[Int(column.codes[row])])
        default: 0
        }
    }

    /// Appends a value of every row.
    private mutating func appendPayloads(of column: DecodedColumn, tag: Tag, codes: [UInt32]) {
        switch tag {
        case .int:
            column.ints.withUnsafeBytes {
                payloads.append(contentsOf: $0.bindMemory(to: UInt64.self))
            }
        case .double:
            column.doubles.withUnsafeBytes {
                payloads.append(contentsOf: $0.bindMemory(to: UInt64.self))
            }
        case .string, .json:
            // The codes of a decoded column are all in its dictionary.
            codes.withUnsafeBufferPointer { codes in
                column.codes.withUnsafeBufferPointer { source in
                    payloads.append(count: source.count) { target in
                        for row in 0..<source.count {
                            target[row] = UInt64(codes[Int(source[row])])
                        }
                    }
                }
            }
        default: payloads.append(contentsOf: repeatElement(0, count: column.rowCount))
        }
    }

    /// The code here of every text of `dictionary`.
    private mutating func intern(_ dictionary: StringDictionary) -> [UInt32] {
        let (offsets, stringCount) = (dictionary.offsets, dictionary.stringCount)
        let codes = strings.intern(dictionary.bytes, offsets: offsets[...stringCount])
        guard stringCount < dictionary.count else { return codes }
        return codes + documents.intern(dictionary.bytes, offsets: offsets[stringCount...])
    }

    // MARK: Another order

    /// The same values with every row `r` moved to `rowMap[r]`, again in ascending order.
    func reordered(by rowMap: [UInt32]) -> ColumnEntries {
        var result = self
        result.textsAreInOrder = false
        if isDense, count == rowMap.count {
            result.payloads = payloads.scattered(to: rowMap)
            if !isUniform { result.listedTags = listedTags.scattered(to: rowMap) }
            return result
        }
        var order = (0..<count).map { UInt64(rowMap[Int(row(at: $0))]) << 32 | UInt64($0) }
        order.sort()
        let indexes = order.map { Int($0 & 0xFFFF_FFFF) }
        result.isDense = false
        result.listedRows = order.map { UInt32($0 >> 32) }
        if !isUniform { result.listedTags = indexes.map { listedTags[$0] } }
        result.payloads = indexes.map { payloads[$0] }
        return result
    }
}

extension Array where Element: BitwiseCopyable {
    /// The same elements, each at the place that `places` names for it; these are a permutation.
    fileprivate func scattered(to places: [UInt32]) -> [Element] {
        precondition(places.count == count, "places for other elements")
        return [Element](unsafeUninitializedCapacity: count) { target, filled in
            filled = count
            withUnsafeBufferPointer { source in
                places.withUnsafeBufferPointer { places in
                    for index in 0..<source.count { target[Int(places[index])] = source[index] }
                }
            }
        }
    }
}
