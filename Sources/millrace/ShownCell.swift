// A cell as a line of text or JSON.

import Base
import JSON
import Model

/// A cell with its key in the notation of its table.
struct ShownCell {
    private let cell: TableCell
    private let key: String

    init(_ cell: TableCell, _ table: NamedTable, _ shard: ShardID?) {
        self.cell = cell
        key = table.show(cell.key, shard)
    }

    func text(json: Bool) -> String {
        json ? String(decoding: object.encoded, as: UTF8.self) : "\(key)\t\(value)"
    }

    /// What the value means, or the value itself: a text if it is one, else its bytes.
    private var value: String {
        guard cell.fields.isEmpty else {
            return cell.fields.map { "\($0.name)=\($0.value.shown)" }.joined(separator: " ")
        }
        let rest = cell.byteCount - cell.value.count
        let more = rest > 0 ? " (\(rest) bytes more)" : ""
        return (plainText ?? "0x" + hexadecimal(cell.value)) + more
    }

    /// A value must not be able to steer a terminal or forge a line.
    private var plainText: String? {
        guard let text = String(validating: cell.value, as: UTF8.self),
            text.unicodeScalars.allSatisfy({
                $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
            })
        else { return nil }
        return text
    }

    private var object: JSONValue {
        var object = JSONObject([
            ("key", .string(key)), ("bytes", .int(Int64(cell.byteCount))),
        ])
        if !cell.fields.isEmpty {
            object["fields"] = .object(
                JSONObject(cell.fields.map { ($0.name, $0.value.json) }))
        } else if let text = String(validating: cell.value, as: UTF8.self) {
            object["text"] = .string(text)
        } else {
            object["hex"] = .string(hexadecimal(cell.value))
        }
        return .object(object)
    }
}

extension Value {
    fileprivate var shown: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let text), .json(let text): text
        }
    }

    fileprivate var json: JSONValue {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .double(let value): .double(value)
        case .string(let text), .json(let text): .string(text)
        }
    }
}
