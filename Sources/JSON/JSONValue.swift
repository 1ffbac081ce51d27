// A JSON document as a tree: for requests, settings and answers. Hot paths walk the tape instead.

/// One JSON value. Integers outside Int64 are doubles.
package indirect enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Parses with a parser of its own; whoever parses often keeps a `JSONParser`.
    package init(parsing bytes: [UInt8]) throws(JSONError) {
        let parser = JSONParser()
        self.init(try parser.parse(bytes).root)
        // The tape lives in the parser, which must not go away before the tree is built.
        withExtendedLifetime(parser) {}
    }

    /// Parses a text.
    package init(parsing text: String) throws(JSONError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// A copy of what a tape holds.
    package init(_ node: JSONNode) {
        switch node.kind {
        case .null: self = .null
        case .bool: self = .bool(node.bool ?? false)
        case .int: self = .int(node.int ?? 0)
        case .double: self = .double(node.double ?? 0)
        case .string: self = .string(node.stringUnchecked.text)
        case .array: self = .array(node.elements.map { JSONValue($0) })
        case .object: self = .object(JSONObject(node.members))
        }
    }

    /// Compact UTF-8.
    package var encoded: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// A member of an object; nil for other kinds and for names that it does not have.
    package subscript(name: String) -> JSONValue? { object?[name] }

    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var int: Int64? { if case .int(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    package var isNull: Bool { self == .null }

    /// Any number.
    package var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}

/// An object's members in the order in which they were written, each name once.
package struct JSONObject: Sendable, Equatable, Sequence {
    package typealias Member = (key: String, value: JSONValue)

    // Parallel, of equal size.
    private var keys: [String] = []
    private var values: [JSONValue] = []

    package init() {}

    package init(_ members: some Sequence<Member>) {
        for member in members { self[member.key] = member.value }
    }

    /// Of repeated names the last value counts, at the place of the first.
    init(_ members: JSONMembers) {
        var places: [String: Int] = [:]
        for member in members {
            let key = member.key.text
            if let place = places[key] {
                values[place] = JSONValue(member.value)
            } else {
                places[key] = keys.count
                keys.append(key)
                values.append(JSONValue(member.value))
            }
        }
    }

    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }
    package var names: [String] { keys }

    /// A member's value. Setting nil takes the member out.
    package subscript(name: String) -> JSONValue? {
        get { keys.firstIndex(of: name).map { values[$0] } }
        set {
            switch (keys.firstIndex(of: name), newValue) {
            case (let place?, let value?): values[place] = value
            case (let place?, nil):
                keys.remove(at: place)
                values.remove(at: place)
            case (nil, let value?):
                keys.append(name)
                values.append(value)
            case (nil, nil): break
            }
        }
    }

    package func makeIterator() -> some IteratorProtocol<Member> {
        zip(keys, values).lazy.map { (key: $0, value: $1) }.makeIterator()
    }
}

extension JSONWriter {
    /// A tree.
    package mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .int(let value): int(value)
        case .double(let value): double(value)
        case .string(let value): string(value)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for (name, value) in object {
                key(name)
                self.value(value)
            }
            endObject()
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(JSONObject(members.map { (key: $0.0, value: $0.1) }))
    }
}
