// Tables as RFC 4180 has them: commas, quotes where a cell needs them, CRLF. Null and what is not
// there are empty cells, an empty text is `""`; lists and empty objects are their JSON.

internal import JSON

/// Writes rows.
struct CSVWriter {
    private(set) var bytes: [UInt8] = []

    /// What has been written since the last call.
    mutating func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    mutating func row(_ cells: [JSONValue?]) {
        for (index, cell) in cells.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            switch cell {
            case nil, .null?: break
            case .string(let text)?: append(text)
            case .double(let number)?:
                var json = JSONWriter()
                json.number(number)
                bytes += json.bytes
            case let value?: append(String(decoding: value.encoded, as: UTF8.self))
            }
        }
        bytes += [0x0D, 0x0A]
    }

    private mutating func append(_ text: String) {
        let needsQuotes =
            text.isEmpty
            || text.utf8.contains {
                $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0D || $0 == 0x0A
            }
        guard needsQuotes else { return bytes.append(contentsOf: text.utf8) }
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
