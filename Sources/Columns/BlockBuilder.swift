// Collects events row by row and encodes them as one column block.

internal import Kernels
internal import Model

/// Where a path's column is in a builder.
@usableFromInline package struct ColumnIndex: Sendable, Hashable {
    @usableFromInline package let number: Int

    @inlinable package init(number: Int) { self.number = number }
}

/// A value on its way into a row. A text is where it was read; it must stay there until then.
@usableFromInline package struct Cell {
    @usableFromInline let column: Int32
    @usableFromInline let tag: Tag
    /// Bytes of a text.
    @usableFromInline let count: UInt32
    /// Bits of a number, address of a text.
    @usableFromInline let bits: UInt64

    /// A number, by its bits, or a value that its tag says all about.
    @inlinable package init(_ column: ColumnIndex, _ tag: Tag, bits: UInt64 = 0) {
        self.column = Int32(truncatingIfNeeded: column.number)
        self.tag = tag
        count = 0
        self.bits = bits
    }

    /// A string, or the compact JSON text of an array or an empty object.
    @inlinable package init(_ column: ColumnIndex, _ tag: Tag, _ text: UnsafeBufferPointer<UInt8>) {
        self.column = Int32(truncatingIfNeeded: column.number)
        self.tag = tag
        count = UInt32(truncatingIfNeeded: text.count)
        bits = UInt64(UInt(bitPattern: text.baseAddress))
    }

    var text: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(
            start: UnsafePointer(bitPattern: UInt(truncatingIfNeeded: bits)), count: Int(count))
    }
}

/// Builds a block. Use: `beginRow`, any number of `append...`, `endRow`, and at the end `encode`.
/// A value type, meant to be owned by one task and passed `inout`.
package struct BlockBuilder: Sendable {
    private var paths = ByteInterner()
    private var columns: [ColumnEntries] = []
    /// The path asked for last: events of one collection tend to have the same order of names.
    private var lastPath = 0
    private var row: UInt32 = 0
    /// Rows that the builder is going to have, if that is known.
    private let rowsExpected: Int
    /// Columns of a block whose room is made at once for all rows: with more of them they may turn
    /// out to be too many for the memory of a merge. A choice.
    private static let reservedColumnsMax = 256

    package init(rowsExpected: Int = 0) {
        self.rowsExpected = rowsExpected
        let index = column(PropertyPath.timestamp.text)
        precondition(index.number == 0, "the timestamp is the first column of every builder")
    }

    /// A builder without rows that has the columns of `template` at the same numbers. Columns that
    /// stay empty are not encoded.
    package init(like template: BlockBuilder) {
        rowsExpected = 0
        paths = template.paths
        columns = [ColumnEntries](repeating: ColumnEntries(), count: template.columnCount)
    }

    /// Rows ended so far.
    package var rowCount: Int { Int(row) }
    /// Distinct paths so far, `keen.timestamp` included.
    package var columnCount: Int { columns.count }

    /// Bytes held, roughly: what callers compare with `Limits.blockBytesMax` and their own bounds.
    package var approximateByteCount: Int {
        columns.reduce(paths.byteCount) { $0 + $1.approximateByteCount }
    }

    // MARK: Rows

    /// Begins an event with its time; it becomes the column `keen.timestamp`.
    package mutating func beginRow(timestamp: Int64) {
        columns[0].set(row: row, tag: .int, payload: UInt64(bitPattern: timestamp))
    }

    /// Ends the event that `beginRow` began.
    package mutating func endRow() {
        precondition(columns[0].count == Int(row) + 1, "endRow without beginRow")
        row += 1
    }

    /// Appends an event: its time and its cells, which may be in any order; of two for one column
    /// the last one counts. Those of `keen.timestamp` are ignored.
    package mutating func appendRow(timestamp: Int64, _ cells: UnsafeBufferPointer<Cell>) {
        let row = row
        columns.withUnsafeMutableBufferPointer { columns in
            columns[0].set(row: row, tag: .int, payload: UInt64(bitPattern: timestamp))
            for cell in cells where cell.column > 0 {
                let number = Int(cell.column)
                precondition(number < columns.count, "a cell of another builder")
                switch cell.tag {
                case .string: columns[number].set(row: row, string: cell.text)
                case .json: columns[number].set(row: row, document: cell.text)
                default: columns[number].set(row: row, tag: cell.tag, payload: cell.bits)
                }
            }
        }
        self.row = row + 1
    }

    // MARK: Columns

    /// The column of a dotted path, made at its first appearance.
    package mutating func column(_ path: UnsafeBufferPointer<UInt8>) -> ColumnIndex {
        let guess = lastPath + 1
        if guess < columns.count, paths.equals(guess, path) {
            lastPath = guess
            return ColumnIndex(number: guess)
        }
        let number = Int(paths.intern(path))
        if number == columns.count { columns.append(ColumnEntries()) }
        lastPath = number
        return ColumnIndex(number: number)
    }

    package mutating func column(_ path: String) -> ColumnIndex {
        var path = path
        return path.withUTF8 { column($0) }
    }

    // MARK: Values of the row begun last. What is appended to `keen.timestamp` is ignored, because
    // `beginRow` has said it.

    package mutating func appendInt(_ value: Int64, to column: ColumnIndex) {
        append(.int, UInt64(bitPattern: value), to: column)
    }

    /// Appends a finite number.
    package mutating func appendDouble(_ value: Double, to column: ColumnIndex) {
        append(.double, value.bitPattern, to: column)
    }

    package mutating func appendBool(_ value: Bool, to column: ColumnIndex) {
        append(value ? .true : .false, 0, to: column)
    }

    package mutating func appendNull(to column: ColumnIndex) { append(.null, 0, to: column) }

    /// Appends UTF-8 bytes.
    package mutating func appendString(
        _ bytes: UnsafeBufferPointer<UInt8>, to column: ColumnIndex
    ) {
        guard column.number > 0 else { return }
        columns[column.number].set(row: row, string: bytes)
    }

    package mutating func appendString(_ text: String, to column: ColumnIndex) {
        var text = text
        text.withUTF8 { appendString($0, to: column) }
    }

    /// Appends the compact JSON text of an array or an empty object.
    package mutating func appendJSON(
        _ bytes: UnsafeBufferPointer<UInt8>, to column: ColumnIndex
    ) {
        guard column.number > 0 else { return }
        columns[column.number].set(row: row, document: bytes)
    }

    package mutating func appendJSON(_ text: String, to column: ColumnIndex) {
        var text = text
        text.withUTF8 { appendJSON($0, to: column) }
    }

    private mutating func append(_ tag: Tag, _ payload: UInt64, to column: ColumnIndex) {
        guard column.number > 0 else { return }
        columns[column.number].set(row: row, tag: tag, payload: payload)
    }

    /// Appends every row of another block that has not been taken out of it. After an error the
    /// builder is of no more use.
    package mutating func append(_ block: Block) throws(BlockError) {
        guard block.rowCount == 0 || block.column(.timestamp)?.kinds == .int else {
            throw BlockError(
                code: .invalid, column: PropertyPath.timestamp.text, offset: 0,
                message: "not every event has a time")
        }
        let targets = block.edits.live.map { Self.targets($0, firstRow: row) }
        for number in block.visibleColumns {
            let chunk = block.column(at: number)
            let column = chunk.withPathBytes { self.column($0) }
            if chunk.missingCount == 0, block.columnCount <= Self.reservedColumnsMax {
                columns[column.number].reserve(rows: rowsExpected)
            }
            columns[column.number].append(try chunk.decode(), firstRow: row, targets: targets)
        }
        row += UInt32(block.rowCount - block.edits.deletedCount)
    }

    /// Where each row goes; `UInt32.max` for a row that is gone.
    private static func targets(_ live: [UInt8], firstRow: UInt32) -> [UInt32] {
        var next = firstRow
        return live.map { flag in
            guard flag != 0 else { return .max }
            defer { next += 1 }
            return next
        }
    }

    // MARK: The end

    /// The block's bytes. The builder stays as it is.
    package func encode(
        sortByTimestamp: Bool = true, form: BlockForm = .fresh
    ) -> [UInt8] {
        precondition(columns[0].count == rowCount, "a row was begun and not ended")
        let times = columns[0].payloads.map { Int64(bitPattern: $0) }
        var (least, greatest) = (times.first ?? 0, times.first ?? 0)
        var isSorted = true
        for time in times {
            isSorted = isSorted && time >= greatest
            least = min(least, time)
            greatest = max(greatest, time)
        }
        let rowMap =
            sortByTimestamp && !isSorted
            ? Self.sortedPositions(times, least: least, greatest: greatest) : nil
        var encoder = BlockEncoder(rowCount: rowCount, form: form)
        for number in sortedColumns() {
            let entries = columns[number]
            let ordered = rowMap.map { entries.reordered(by: $0) } ?? entries
            encoder.append(path: paths[number], entries: ordered)
        }
        return encoder.finish(
            isSorted: isSorted || sortByTimestamp, minTimestamp: least, maxTimestamp: greatest)
    }

    /// The block itself.
    package func finish(
        sortByTimestamp: Bool = true, form: BlockForm = .fresh
    ) throws(BlockError) -> Block {
        try Block(encode(sortByTimestamp: sortByTimestamp, form: form))
    }

    /// Columns that have a value, by the bytes of their paths. The timestamp is always there.
    private func sortedColumns() -> [Int] {
        columns.indices.filter { $0 == 0 || columns[$0].count > 0 }
            .sorted { paths[$0].lexicographicallyPrecedes(paths[$1]) }
    }

    /// Where each row goes in the order of time; equal times keep their order.
    private static func sortedPositions(
        _ times: [Int64], least: Int64, greatest: Int64
    ) -> [UInt32] {
        let spread = UInt64(bitPattern: greatest &- least)
        var positions = [UInt32](repeating: 0, count: times.count)
        guard times.count < 1 << 24, BitPacking.width(of: spread) <= 40 else {
            let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
            for (position, row) in order.enumerated() { positions[row] = UInt32(position) }
            return positions
        }
        // Time and row in one number sort several times faster than through a comparison.
        var keys: [UInt64] = []
        keys.reserveCapacity(times.count)
        for (row, time) in times.enumerated() {
            keys.append(UInt64(bitPattern: time &- least) << 24 | UInt64(row))
        }
        keys.sort()
        for (position, key) in keys.enumerated() {
            positions[Int(key & 0xFF_FFFF)] = UInt32(position)
        }
        return positions
    }
}
