// One event on its way into a row. Nearly every event is scanned: its text is read once, and each
// name is held against the one that came there last time. What the scanner does not know is parsed.

internal import Base
internal import Columns
internal import JSON
internal import Model

/// The values of one event, found and checked, and not in the builder yet: an event that turns out
/// to be none has left nothing behind. Owns its memory, and is used for one event after another.
///
/// Collectors refuse what is refused here; from others it would make columns that no query
/// could name, or blocks a thousand times as large as the event.
struct EventRow: ~Copyable {
    private let propertiesMax = Limits.propertiesPerEventMax
    /// Room for a value of every property that an event may have.
    private let buffer = UnsafeMutableBufferPointer<Cell>.allocate(
        capacity: Limits.propertiesPerEventMax)
    private var cellCount = 0
    private var propertyCount = 0
    /// What `keen.timestamp` says; of repeated names the last one counts.
    private(set) var time: Timestamp?
    private let scratch = JSONScratch()
    private var times = TimeReader()
    /// Texts of arrays that the parser has read, until the next event.
    private var documents: [UnsafeMutableBufferPointer<UInt8>] = []

    deinit {
        buffer.deallocate()
        for document in documents { document.deallocate() }
    }

    /// What is good for as long as the event's text is.
    var cells: UnsafeBufferPointer<Cell> { UnsafeBufferPointer(rebasing: buffer[..<cellCount]) }

    private mutating func begin() {
        cellCount = 0
        propertyCount = 0
        time = nil
        for document in documents { document.deallocate() }
        documents.removeAll(keepingCapacity: true)
    }

    /// A value of a property that has been counted.
    @inline(__always)
    private mutating func append(_ cell: Cell) {
        buffer[cellCount] = cell
        cellCount += 1
    }

    @inline(__always)
    private mutating func append(
        string text: UnsafeBufferPointer<UInt8>, kind: PropertyTree.Kind, to column: ColumnIndex
    ) {
        switch kind {
        case .plain: break
        case .timestamp: time = times.time(text)
        case .createdAt:
            if let time = times.time(text) {
                return append(
                    Cell(column, .int, bits: UInt64(bitPattern: time.milliseconds)))
            }
        }
        append(Cell(column, .string, text))
    }

    // MARK: Scanned

    /// Reads an event's text; false if that must be parsed. The text must stay where it is as long
    /// as the cells are used.
    mutating func scan(
        _ document: [UInt8], _ tree: PropertyTree, _ rows: inout BlockBuilder
    ) -> Bool {
        begin()
        return document.withUnsafeBytes { document in
            guard var scanner = JSONScanner(document, scratch: scratch),
                scanner.peek() == UInt8(ascii: "{"),
                scan(&scanner, below: 0, depth: 0, tree, &rows)
            else { return false }
            return scanner.isAtEnd()
        }
    }

    /// Scans the members of the object that begins here, whose name is the node `parent`. It has at
    /// least one.
    private mutating func scan(
        _ scanner: inout JSONScanner, below parent: Int32, depth: Int, _ tree: PropertyTree,
        _ rows: inout BlockBuilder
    ) -> Bool {
        guard depth < JSONScanner.depthMax else { return false }
        var before: Int32 = 0
        repeat {
            scanner.skip()
            guard scanner.peek() == UInt8(ascii: "\"") else { return false }
            if let known = tree.node(&scanner, parent: parent, before: before) {
                before = known
            } else {
                guard let name = scanner.string(),
                    let node = tree.node(
                        UnsafeRawBufferPointer(name), parent: parent, before: before)
                else { return false }
                before = node
            }
            propertyCount += 1
            guard propertyCount <= propertiesMax, scanner.peek() == UInt8(ascii: ":") else {
                return false
            }
            scanner.skip()
            guard scanValue(&scanner, at: before, depth: depth, tree, &rows) else { return false }
        } while scanner.peek() == UInt8(ascii: ",")
        guard scanner.peek() == UInt8(ascii: "}") else { return false }
        scanner.skip()
        return true
    }

    @inline(__always)
    private mutating func scanValue(
        _ scanner: inout JSONScanner, at node: Int32, depth: Int, _ tree: PropertyTree,
        _ rows: inout BlockBuilder
    ) -> Bool {
        let kind = tree.kind(of: node)
        let first = scanner.peek()
        if first == UInt8(ascii: "\"") {
            guard let text = scanner.string() else { return false }
            append(string: text, kind: kind, to: tree.column(of: node, in: &rows))
            return true
        }
        if kind == .timestamp { time = nil }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            guard let number = scanner.number() else { return false }
            let column = tree.column(of: node, in: &rows)
            switch number {
            case .int(let value): append(Cell(column, .int, bits: UInt64(bitPattern: value)))
            case .double(let value): append(Cell(column, .double, bits: value.bitPattern))
            }
        case UInt8(ascii: "t"):
            guard scanner.take("true") else { return false }
            append(Cell(tree.column(of: node, in: &rows), .true))
        case UInt8(ascii: "f"):
            guard scanner.take("false") else { return false }
            append(Cell(tree.column(of: node, in: &rows), .false))
        case UInt8(ascii: "n"):
            guard scanner.take("null") else { return false }
            append(Cell(tree.column(of: node, in: &rows), .null))
        case UInt8(ascii: "{"):
            if !scanner.isEmptyObject() {
                return scan(&scanner, below: node, depth: depth + 1, tree, &rows)
            }
            fallthrough
        case UInt8(ascii: "["):
            guard let text = scanner.document() else { return false }
            append(Cell(tree.column(of: node, in: &rows), .json, text))
        default: return false
        }
        return true
    }

    // MARK: Parsed

    /// Reads a parsed event, which must stay parsed as long as the cells are used.
    mutating func read(
        _ root: JSONNode, _ tree: PropertyTree, _ rows: inout BlockBuilder
    ) throws(Rejection) {
        begin()
        try read(root, below: 0, tree, &rows)
    }

    /// Reads the members of an object whose name is the node `parent`. Depth is bounded by the
    /// parser's own limit.
    private mutating func read(
        _ object: JSONNode, below parent: Int32, _ tree: PropertyTree, _ rows: inout BlockBuilder
    ) throws(Rejection) {
        var before: Int32 = 0
        for (name, value) in object.members {
            guard
                let node = tree.node(
                    UnsafeRawBufferPointer(name.bytes), parent: parent, before: before)
            else {
                throw Rejection(
                    reason: "a property has an empty name, or names of more than "
                        + "\(Limits.propertyPathBytesMax) bytes down to it")
            }
            before = node
            propertyCount += 1
            guard propertyCount <= propertiesMax else {
                throw Rejection(reason: "the event has more than \(propertiesMax) properties")
            }
            let kind = tree.kind(of: node)
            if kind == .timestamp { time = nil }
            if value.kind == .object, value.childCount > 0 {
                try read(value, below: node, tree, &rows)
            } else {
                append(value, kind: kind, to: tree.column(of: node, in: &rows))
            }
        }
    }

    private mutating func append(
        _ value: JSONNode, kind: PropertyTree.Kind, to column: ColumnIndex
    ) {
        switch value.kind {
        case .null: append(Cell(column, .null))
        case .bool: append(Cell(column, value.bool == true ? .true : .false))
        case .int: append(Cell(column, .int, bits: UInt64(bitPattern: value.int ?? 0)))
        case .double: append(Cell(column, .double, bits: (value.double ?? 0).bitPattern))
        case .string:
            guard let text = value.string?.bytes else { return }
            append(string: text, kind: kind, to: column)
        case .array, .object:
            var writer = JSONWriter()
            writer.value(value)
            let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: writer.bytes.count)
            _ = text.initialize(from: writer.bytes)
            documents.append(text)
            append(Cell(column, .json, UnsafeBufferPointer(text)))
        }
    }
}
