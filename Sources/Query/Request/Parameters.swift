// The parameters of a request, however they were spelled: pairs of a URL's query whose values are
// JSON or bare text, members of a JSON body, or both, the body winning. Unknown names are kept and
// never looked at; null, and nothing after the equals sign, are as good as absent.

package import JSON

/// Named values with the types that the analysis language asks for.
package struct Parameters: Sendable {
    struct Entry: Sendable {
        var value: JSONValue
        /// The text as it stood in the URL; nil for a member of a body.
        var text: String?
    }

    private(set) var entries: [String: Entry] = [:]

    /// `pairs` are decoded already; of repeated names the first counts.
    package init(pairs: some Sequence<(name: String, value: String)>, body: [UInt8] = [])
        throws(QueryError)
    {
        for (name, text) in pairs where !text.isEmpty && entries[name] == nil {
            entries[name] = Entry(value: Parameters.value(of: text), text: text)
        }
        for (name, value) in try Parameters.members(of: body) where value != .null {
            entries[name] = Entry(value: value, text: nil)
        }
    }

    package init(_ object: JSONObject) {
        for (name, value) in object where value != .null {
            entries[name] = Entry(value: value, text: nil)
        }
    }

    /// Puts a value in place of whatever was sent under that name.
    mutating func set(_ name: String, _ value: JSONValue) {
        entries[name] = Entry(value: value, text: nil)
    }

    mutating func remove(_ name: String) { entries[name] = nil }

    /// A JSON object, array or quoted string means itself, anything else is the text as it stands.
    private static func value(of text: String) -> JSONValue {
        guard let first = text.utf8.first(where: { $0 != 0x20 }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || first == UInt8(ascii: "\"")
        else { return .string(text) }
        // Text that only looks like JSON is somebody's bare text; if a list or an object was
        // wanted, its reader says so.
        return (try? JSONValue(parsing: text)) ?? .string(text)
    }

    private static func members(of body: [UInt8]) throws(QueryError) -> JSONObject {
        guard body.contains(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }) else {
            return JSONObject()
        }
        let value: JSONValue
        do { value = try JSONValue(parsing: body) } catch {
            throw QueryError(.invalidJSON, "the body is not valid JSON: \(error)")
        }
        guard let object = value.object else {
            throw QueryError(.invalidJSON, "the body must be a JSON object")
        }
        return object
    }
}

// As they are kept in a file.
extension Parameters {
    /// What was sent, and how it was written where that counts.
    package var kept: JSONValue {
        let sorted = entries.sorted { $0.key < $1.key }
        return [
            "values": .object(JSONObject(sorted.map { (key: $0.key, value: $0.value.value) })),
            "texts": .object(
                JSONObject(
                    sorted.compactMap { name, entry in
                        entry.text.map { (key: name, value: .string($0)) }
                    })),
        ]
    }

    /// nil: this is not what `kept` gave.
    package init?(kept: JSONValue) {
        guard let values = kept["values"]?.object, let texts = kept["texts"]?.object else {
            return nil
        }
        for (name, value) in values {
            entries[name] = Entry(value: value, text: texts[name]?.string)
        }
    }
}

extension Parameters {
    /// Any value; nil when absent. The bare text `null` is absent too.
    func value(_ name: String) -> JSONValue? {
        guard let entry = entries[name], entry.text != "null" else { return nil }
        return entry.value
    }

    /// A value that is a name chosen by a customer, so that bare text means itself whatever it
    /// looks like, unless it is a JSON string.
    func name(_ name: String) throws(QueryError) -> String? {
        guard let entry = entries[name] else { return nil }
        if let text = entry.value.string ?? entry.text { return text }
        throw QueryError(.invalidParameter, "\(name) must be a string")
    }

    func string(_ name: String) throws(QueryError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string else {
            throw QueryError(.invalidParameter, "\(name) must be a string")
        }
        return text
    }

    /// `true` or `false`, also as text.
    func bool(_ name: String) throws(QueryError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let bool = value.lenientBool else {
            throw QueryError(.invalidParameter, "\(name) must be true or false")
        }
        return bool
    }

    /// A positive integer, also as text.
    func positiveInteger(_ name: String) throws(QueryError) -> Int? {
        guard let value = value(name) else { return nil }
        let number =
            value.string.flatMap { Int(positiveDigits: $0) } ?? value.integral.map { Int($0) }
        guard let number, number > 0 else {
            throw QueryError(.invalidParameter, "\(name) must be a positive integer")
        }
        return number
    }
}

extension JSONValue {
    /// A bool, or the texts `true` and `false`.
    var lenientBool: Bool? {
        switch self {
        case .bool(let value): value
        case .string("true"), .string("True"): true
        case .string("false"), .string("False"): false
        default: nil
        }
    }

    /// An integer, also when it was written with a point.
    var integral: Int64? {
        switch self {
        case .int(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// What kind of value it is, for error messages.
    var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a bool"
        case .int, .double: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
