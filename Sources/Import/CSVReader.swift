// CSV with a header as events: the first row names the properties, each further row is an event.

internal import Base

/// Turns bytes into events, row by row.
struct CSVReader: RecordReader {
    private var rows = CSVSplitter()
    private var header: CSVHeader?
    private let textColumns: Set<String>

    init(textColumns: Set<String>) { self.textColumns = textColumns }

    mutating func append(_ bytes: [UInt8]) { rows.append(bytes) }

    /// The next record, or nil when more bytes are needed. A header that makes no sense throws.
    mutating func next() throws(ImportError) -> InputRecord? {
        while let row = rows.next() {
            if let record = try record(row) { return record }
        }
        return nil
    }

    /// The last record, if the input does not end with a line end.
    mutating func finish() throws(ImportError) -> InputRecord? {
        guard let row = rows.finish() else { return nil }
        return try record(row)
    }

    private mutating func record(_ row: CSVRow) throws(ImportError) -> InputRecord? {
        guard let header else {
            header = try CSVHeader(row, text: textColumns)
            return nil
        }
        if let fault = row.fault { return reject(row, fault) }
        guard row.fields.count == header.columnCount else {
            return reject(
                row, "the row has \(row.fields.count) fields, the header \(header.columnCount)")
        }
        guard let json = header.event(row.fields) else {
            return reject(row, "the row is not UTF-8")
        }
        return .event(line: row.line, json: json)
    }

    private func reject(_ row: CSVRow, _ reason: String) -> InputRecord {
        .rejected(RejectedLine(line: row.line, reason: reason, text: row.text))
    }
}
