// Events as rows of a table. Its columns are known before the first row, so that rows can leave as
// they are read: those that were asked for, out of all that the collection has.

internal import JSON
package import Model
package import Plan

/// Writes the events of one extraction.
package struct EventTable: Sendable {
    private let columns: [String]
    private let places: [String: Int]

    /// `known` are the properties of the collection, ascending. A property that was asked for and
    /// that no event has is an empty column.
    package init(_ plan: ExtractionPlan, known: [PropertyPath]) {
        var columns = plan.properties.isEmpty ? known : []
        for wanted in plan.properties {
            let below = known.filter {
                PropertyPath.covers(wanted, $0.text.utf8) && !columns.contains($0)
            }
            columns += below.isEmpty && !columns.contains(wanted) ? [wanted] : below
        }
        self.columns = columns.map(\.text)
        places = Dictionary(uniqueKeysWithValues: zip(self.columns, columns.indices))
    }

    package var header: [UInt8] {
        var writer = CSVWriter()
        writer.row(columns.map { .string($0) })
        return writer.bytes
    }

    package func rows(_ events: [ExtractedEvent]) throws(QueryError) -> [UInt8] {
        var writer = CSVWriter()
        for event in events {
            let json: JSONValue
            do { json = try JSONValue(parsing: event.json) } catch {
                throw QueryError(.internalError, "a shard's event is no JSON")
            }
            var cells = [JSONValue?](repeating: nil, count: columns.count)
            fill(&cells, with: json, at: "")
            writer.row(cells)
        }
        return writer.bytes
    }

    private func fill(_ cells: inout [JSONValue?], with value: JSONValue, at path: String) {
        if let place = places[path] { cells[place] = value }
        guard let object = value.object else { return }
        if !object.isEmpty, let place = places[path] { cells[place] = nil }
        for (name, member) in object {
            fill(&cells, with: member, at: path.isEmpty ? name : "\(path).\(name)")
        }
    }
}
