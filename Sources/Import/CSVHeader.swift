// The first row of a CSV file: which property each column is. `carrier.code` is the property `code`
// of the object `carrier`.

internal import JSON

/// The tree of properties that a header names, and how a row becomes an event of that shape.
struct CSVHeader: Equatable {
    /// A property: a column, or an object of further properties.
    private indirect enum Shape: Equatable {
        case column(Int)
        case object([Member])
    }

    private struct Member: Equatable {
        var name: String
        var shape: Shape
    }

    private var root: [Member] = []
    /// Columns whose values stay text, whatever they look like.
    private var textColumns: Set<Int> = []
    let columnCount: Int

    /// Reads the header row; `text` names the columns that stay text.
    init(_ row: CSVRow, text: Set<String>) throws(ImportError) {
        columnCount = row.fields.count
        if let fault = row.fault { throw ImportError(.input, "the CSV header: \(fault)") }
        var left = text
        for (index, field) in row.fields.enumerated() {
            guard let name = String(validating: field.bytes, as: UTF8.self) else {
                throw ImportError(.input, "column \(index + 1) of the CSV header is not UTF-8")
            }
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard !parts.contains("") else {
                throw ImportError(
                    .input, "column \(index + 1) of the CSV header, '\(name)', names no property")
            }
            guard Self.insert(parts.map(String.init), index, into: &root) else {
                throw ImportError(
                    .input, "column \(index + 1) of the CSV header, '\(name)', is there already")
            }
            if left.remove(name) != nil { textColumns.insert(index) }
        }
        if let unknown = left.min() {
            throw ImportError(.input, "the CSV header has no column '\(unknown)'")
        }
    }

    /// False if the name, or one that it would have to contain or be part of, is taken.
    private static func insert(_ path: [String], _ index: Int, into members: inout [Member]) -> Bool
    {
        let rest = Array(path.dropFirst())
        guard let place = members.firstIndex(where: { $0.name == path[0] }) else {
            var inner: [Member] = []
            let shape: Shape
            if rest.isEmpty {
                shape = .column(index)
            } else {
                guard insert(rest, index, into: &inner) else { return false }
                shape = .object(inner)
            }
            members.append(Member(name: path[0], shape: shape))
            return true
        }
        guard case .object(var inner) = members[place].shape, !rest.isEmpty,
            insert(rest, index, into: &inner)
        else { return false }
        members[place].shape = .object(inner)
        return true
    }

    /// A row as JSON; nil if a field is not UTF-8. `fields` must have `columnCount` elements.
    func event(_ fields: [CSVField]) -> [UInt8]? {
        precondition(fields.count == columnCount, "a row of another width")
        guard fields.allSatisfy({ String(validating: $0.bytes, as: UTF8.self) != nil }) else {
            return nil
        }
        var writer = JSONWriter(capacity: 256)
        write(root, fields, &writer)
        return writer.bytes
    }

    private func write(_ members: [Member], _ fields: [CSVField], _ writer: inout JSONWriter) {
        writer.beginObject()
        for member in members where isPresent(member.shape, fields) {
            writer.key(member.name)
            switch member.shape {
            case .column(let index):
                CSVValue(fields[index], isText: textColumns.contains(index)).write(&writer)
            case .object(let inner): write(inner, fields, &writer)
            }
        }
        writer.endObject()
    }

    /// Whether a property has a value: an empty field has none, nor has an object without any.
    private func isPresent(_ shape: Shape, _ fields: [CSVField]) -> Bool {
        switch shape {
        case .column(let index):
            CSVValue(fields[index], isText: textColumns.contains(index)) != .absent
        case .object(let inner): inner.contains { isPresent($0.shape, fields) }
        }
    }
}
