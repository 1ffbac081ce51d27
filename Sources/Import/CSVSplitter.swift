// Cuts CSV that comes in pieces into rows of fields, by RFC 4180. Pure.
//
//     row    = field *("," field) (LF / CRLF)
//     field  = *(any but comma, quote, CR, LF)
//            / quote *(any but quote / quote quote) quote
//
// A quoted field may hold commas and line ends. What breaks these rules spoils its row, never the
// next: a row that is too long (a quote that is never closed) ends where its line ends.

internal import Base

/// One field of a row.
struct CSVField: Equatable {
    var bytes: [UInt8]
    var isQuoted = false
}

/// One row of a CSV file.
struct CSVRow: Equatable {
    /// Of its first line, counted from 1.
    var line: Int
    var fields: [CSVField]
    /// The row as it stands in the file, without its line end.
    var text: [UInt8]
    /// Why the row cannot be understood.
    var fault: String?
}

/// A state machine over bytes.
struct CSVSplitter {
    private enum State {
        case fieldStart, plain, quoted
        /// After a quote inside a quoted field: the end of the field, or half of a doubled quote.
        case quote
        /// The row is beyond saving; its line end is waited for.
        case skipping
    }

    private let rowBytesMax: Int
    private var state = State.fieldStart
    private var piece: ArraySlice<UInt8> = []
    private var field = CSVField(bytes: [])
    private var row = CSVRow(line: 1, fields: [], text: [])
    private var line = 1

    init(rowBytesMax: Int = Limits.importLineBytesMax) { self.rowBytesMax = rowBytesMax }

    /// Gives the next piece, after `next` has returned nil.
    mutating func append(_ bytes: [UInt8]) { piece = bytes[...] }

    /// The next whole row, or nil when more bytes are needed. Empty lines are passed over.
    mutating func next() -> CSVRow? {
        while let byte = piece.popFirst() {
            if let row = take(byte) { return row }
        }
        return nil
    }

    /// The last row, if the input does not end with a line end.
    mutating func finish() -> CSVRow? {
        if state == .quoted { spoil("a quoted field is not closed") }
        return row.text.isEmpty ? nil : endRow()
    }

    private mutating func take(_ byte: UInt8) -> CSVRow? {
        if byte == UInt8(ascii: "\n") {
            line += 1
            if state != .quoted { return endRow() }
        }
        row.text.append(byte)
        guard row.text.count <= rowBytesMax || state == .skipping else {
            spoil("the row is longer than \(rowBytesMax) bytes")
            return byte == UInt8(ascii: "\n") ? endRow() : nil
        }
        switch state {
        case .fieldStart where byte == UInt8(ascii: "\""):
            state = .quoted
            field.isQuoted = true
        case .fieldStart, .plain: takePlain(byte)
        case .quoted:
            if byte == UInt8(ascii: "\"") { state = .quote } else { field.bytes.append(byte) }
        case .quote: takeAfterQuote(byte)
        case .skipping: row.text.removeLast(row.text.count > Self.keptBytes ? 1 : 0)
        }
        return nil
    }

    /// What a spoilt row keeps for the file of rejected lines.
    private static let keptBytes = 1024

    private mutating func takePlain(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: ","): endField()
        case UInt8(ascii: "\""): spoil("a quote stands inside an unquoted field")
        default:
            state = .plain
            field.bytes.append(byte)
        }
    }

    private mutating func takeAfterQuote(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""):
            state = .quoted
            field.bytes.append(byte)
        case UInt8(ascii: ","): endField()
        // Part of a CRLF, or else a fault that the next byte shows.
        case UInt8(ascii: "\r"): break
        default: spoil("text follows a closing quote")
        }
    }

    private mutating func spoil(_ fault: String) {
        row.fault = fault
        row.text.removeLast(max(row.text.count - Self.keptBytes, 0))
        state = .skipping
    }

    private mutating func endField() {
        row.fields.append(field)
        field = CSVField(bytes: [])
        state = .fieldStart
    }

    /// Ends the row; nil if it was an empty line.
    private mutating func endRow() -> CSVRow? {
        if row.text.last == UInt8(ascii: "\r") {
            row.text.removeLast()
            if !field.isQuoted, field.bytes.last == UInt8(ascii: "\r") { field.bytes.removeLast() }
        }
        endField()
        defer { row = CSVRow(line: line, fields: [], text: []) }
        if row.fault != nil { row.fields = [] }
        return row.text.isEmpty ? nil : row
    }
}
