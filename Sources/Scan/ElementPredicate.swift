// Conditions on arrays, which columns keep as JSON text: evaluated once for each distinct text of a
// block.

internal import Columns
internal import JSON
internal import Model
internal import Plan

/// Holds for an array with one of these values among its elements, and for the texts themselves.
struct ElementPredicate {
    /// Canonical.
    var elements: Set<Value>
    /// Whole texts that match, beside arrays that contain an element.
    var wholes: Set<Value> = []
    /// Instead of elements: whether the array is a place in this circle.
    var circle: GeoCircle?

    /// As `TextPredicate.evaluate`, for the codes of JSON texts.
    func evaluate(
        _ dictionary: StringDictionary, with parser: JSONParser, into table: inout [UInt8]
    ) -> Int {
        var found = 0
        for code in dictionary.stringCount..<dictionary.count
        where holds(dictionary, code, parser) {
            table[code] = 1
            found += 1
        }
        return found
    }

    private func holds(_ dictionary: StringDictionary, _ code: Int, _ parser: JSONParser) -> Bool {
        if !wholes.isEmpty, wholes.contains(.json(dictionary.text(of: code))) { return true }
        return dictionary.withBytes(of: code) { bytes in
            // The text was written from a parsed event. Should a block hold anything else, it has
            // no elements.
            guard let tape = try? parser.parse(UnsafeRawBufferPointer(bytes)) else { return false }
            if let circle { return Self.isPlace(tape.root, in: circle) }
            return tape.root.elements.contains { elements.contains(Value($0)) }
        }
    }
}

extension ElementPredicate {
    /// Whether the first two elements are degrees east and north, inside the circle.
    private static func isPlace(_ array: JSONNode, in circle: GeoCircle) -> Bool {
        let degrees = array.elements.prefix(2).map { Value($0).number }
        guard degrees.count == 2, let east = degrees[0], let north = degrees[1] else {
            return false
        }
        return circle.contains(longitude: east, latitude: north)
    }
}

extension Value {
    /// An element of an array; arrays and objects inside are their compact JSON text.
    fileprivate init(_ node: JSONNode) {
        switch node.kind {
        case .null: self = .null
        case .bool: self = .bool(node.bool ?? false)
        case .int: self = .int(node.int ?? 0)
        case .double: self = Value(canonical: node.double ?? 0)
        case .string: self = .string(node.string?.text ?? "")
        case .array, .object:
            self = .json(String(decoding: JSONValue(node).encoded, as: UTF8.self))
        }
    }
}
