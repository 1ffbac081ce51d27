// The second half of an extraction: the chosen rows of a block become JSON objects again, dotted
// paths become nested objects. A column at a time, so that what is held is the text of the rows and
// one column, however many properties there are.

internal import Base
package import Columns
internal import JSON
package import Model
internal import Plan

/// Writes events of blocks as JSON.
package struct EventRenderer {
    /// Empty: everything.
    private let properties: Set<PropertyPath>
    private let byteCountMax: Int
    private var byteCount = 0

    /// `byteCountMax` bounds the text of all rows together.
    package init(properties: [PropertyPath], byteCountMax: Int) {
        self.properties = Set(properties)
        self.byteCountMax = byteCountMax
    }

    /// The JSON text of some rows of a block, in the order given. Calls `checkpoint` before each
    /// column. Throws `BlockError`, `ExtractionTooLarge` or what `checkpoint` throws.
    package mutating func render(
        _ block: Block, rows: [UInt32], checkpoint: () throws -> Void
    ) throws -> [[UInt8]] {
        var columns: [RenderedColumn] = []
        for position in block.visibleColumns {
            let column = try RenderedColumn(block.column(at: position))
            if isWanted(column.path) { columns.append(column) }
        }
        var texts = [RowText](repeating: RowText(), count: rows.count)
        for index in columns.indices {
            try checkpoint()
            let values = try columns[index].chunk.decode()
            let below = try rowsBelow(index, columns, rows)
            var step = PathStep()
            var cells = CellText(values, isTime: columns[index].isTime)
            for (position, row) in rows.enumerated() where below?[position] != true {
                guard let value = cells.text(at: Int(row)) else { continue }
                let before = texts[position].lastColumn
                let added = step.text(from: before, to: index, columns)
                byteCount += added.count + value.count
                guard byteCount <= byteCountMax else {
                    throw ExtractionTooLarge.bytes(max: byteCountMax)
                }
                texts[position].append(added, value, of: index)
            }
        }
        return texts.map { $0.finish(columns) }
    }

    /// Whether the path, or one that it lies below, was asked for.
    private func isWanted(_ path: PropertyPath) -> Bool {
        if properties.isEmpty || properties.contains(path) { return true }
        return properties.contains { PropertyPath.covers($0, path.text.utf8) }
    }

    /// Rows that have a value below the column's path too: names that an event repeated, once with
    /// an object. The object is shown. Nil if no column lies below.
    private func rowsBelow(
        _ index: Int, _ columns: [RenderedColumn], _ rows: [UInt32]
    ) throws(BlockError) -> [Bool]? {
        let path = columns[index].path
        var found: [Bool]?
        for other in columns[(index + 1)...] {
            // All paths that begin with ours are neighbours in the order of paths.
            guard other.path.text.utf8.starts(with: path.text.utf8) else { break }
            guard PropertyPath.covers(path, other.path.text.utf8) else { continue }
            let values = try other.chunk.decode()
            var flags = found ?? [Bool](repeating: false, count: rows.count)
            for (position, row) in rows.enumerated() where values.tag(at: Int(row)) != .missing {
                flags[position] = true
            }
            found = flags
        }
        return found
    }
}

/// A column that is written, with its path in parts.
private struct RenderedColumn {
    let chunk: ColumnChunk
    let path: PropertyPath
    let parts: [String]

    init(_ chunk: ColumnChunk) throws(BlockError) {
        self.chunk = chunk
        do { path = try PropertyPath(chunk.path) } catch {
            throw BlockError(
                code: .invalid, column: chunk.path, offset: 0, message: error.message)
        }
        parts = path.text.split(separator: ".", omittingEmptySubsequences: false)
            .map(String.init)
    }

    var isTime: Bool { path == .timestamp || path == .createdAt }
}

/// The text of one event so far.
private struct RowText {
    private var bytes: [UInt8] = []
    /// The column written last; -1 before the first.
    private(set) var lastColumn = -1

    mutating func append(_ step: [UInt8], _ value: [UInt8], of column: Int) {
        bytes.append(contentsOf: step)
        bytes.append(contentsOf: value)
        lastColumn = column
    }

    func finish(_ columns: [RenderedColumn]) -> [UInt8] {
        guard lastColumn >= 0 else { return Array("{}".utf8) }
        let depth = columns[lastColumn].parts.count
        return bytes + [UInt8](repeating: UInt8(ascii: "}"), count: depth)
    }
}

/// What stands between the values of two columns: brackets, a comma, names. Most rows of a column
/// come from the same one, so the last text is kept.
private struct PathStep {
    private var from = Int.min
    private var bytes: [UInt8] = []

    mutating func text(from: Int, to: Int, _ columns: [RenderedColumn]) -> [UInt8] {
        guard from != self.from else { return bytes }
        self.from = from
        let target = columns[to].parts
        var shared = 0
        bytes = []
        if from < 0 {
            bytes.append(UInt8(ascii: "{"))
        } else {
            let last = columns[from].parts
            while shared < min(last.count, target.count) - 1,
                Self.areSame(last[shared], target[shared])
            {
                shared += 1
            }
            bytes.append(
                contentsOf: repeatElement(UInt8(ascii: "}"), count: last.count - 1 - shared))
            bytes.append(UInt8(ascii: ","))
        }
        for part in target[shared..<target.count - 1] {
            append(name: part)
            bytes.append(UInt8(ascii: "{"))
        }
        append(name: target[target.count - 1])
        return bytes
    }

    /// Byte for byte: Swift's own equality takes two spellings of an accented letter for one.
    private static func areSame(_ left: String, _ right: String) -> Bool {
        left.utf8.elementsEqual(right.utf8)
    }

    private mutating func append(name: String) {
        var json = JSONWriter()
        json.string(name)
        bytes.append(contentsOf: json.bytes)
        bytes.append(UInt8(ascii: ":"))
    }
}

/// The JSON text of a column's values. Texts of a dictionary are quoted once.
private struct CellText {
    private let values: DecodedColumn
    private let isTime: Bool
    private var texts: [[UInt8]?]

    init(_ values: DecodedColumn, isTime: Bool) {
        self.values = values
        self.isTime = isTime
        texts = [[UInt8]?](repeating: nil, count: values.dictionary.count)
    }

    /// Nil if the row misses the property.
    mutating func text(at row: Int) -> [UInt8]? {
        var json = JSONWriter()
        switch values.tag(at: row) {
        case .missing: return nil
        case .null: json.null()
        case .false: json.bool(false)
        case .true: json.bool(true)
        case .int: writeInteger(values.ints[row], &json)
        case .double: json.double(values.doubles[row])
        case .string: return text(ofCode: Int(values.codes[row])) { $1.string(utf8: $0) }
        case .json: return text(ofCode: Int(values.codes[row])) { $1.raw($0) }
        }
        return json.bytes
    }

    private func writeInteger(_ number: Int64, _ json: inout JSONWriter) {
        let instant = Timestamp(milliseconds: number)
        // Years that four digits cannot say stay numbers.
        guard isTime, instant >= Timestamp.earliest, instant < Timestamp.latest else {
            return json.int(number)
        }
        json.string(utf8: instant.iso8601)
    }

    private mutating func text(
        ofCode code: Int, _ write: ([UInt8], inout JSONWriter) -> Void
    ) -> [UInt8] {
        if let known = texts[code] { return known }
        var json = JSONWriter()
        write(values.dictionary.withBytes(of: code) { Array($0) }, &json)
        texts[code] = json.bytes
        return json.bytes
    }
}

extension Timestamp {
    /// The start of year 1, and the end of year 9999.
    fileprivate static let earliest = Timestamp(milliseconds: -62_135_596_800_000)
    fileprivate static let latest = Timestamp(milliseconds: 253_402_300_800_000)
}
