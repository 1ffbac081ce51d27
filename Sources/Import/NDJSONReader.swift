// Newline-delimited JSON: every line an object. Each line is parsed here, so that one bad line does
// not spoil the batch it would travel in.

internal import Base
internal import JSON

/// Turns bytes into events, line by line. Empty lines are passed over.
struct NDJSONReader: RecordReader {
    private var lines = LineSplitter()
    private let parser = JSONParser()

    mutating func append(_ bytes: [UInt8]) { lines.append(bytes) }

    /// The next record, or nil when more bytes are needed.
    mutating func next() -> InputRecord? {
        while let line = lines.next() {
            if let record = record(line) { return record }
        }
        return nil
    }

    /// The last record, if the input does not end with a line end.
    mutating func finish() -> InputRecord? { lines.finish().flatMap { record($0) } }

    private func record(_ line: Line) -> InputRecord? {
        if line.isTooLong {
            return reject(line, "the line is longer than \(Limits.importLineBytesMax) bytes")
        }
        if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return nil }
        do throws(JSONError) {
            guard try parser.parse(line.bytes).root.kind == .object else {
                return reject(line, "the line is not a JSON object")
            }
        } catch { return reject(line, "the line is not JSON: \(error)") }
        return .event(line: line.number, json: line.bytes)
    }

    private func reject(_ line: Line, _ reason: String) -> InputRecord {
        .rejected(RejectedLine(line: line.number, reason: reason, text: line.bytes))
    }
}
