// A dataset, and the JSON that the catalog keeps of it (docs/formats/catalog.md): a query with an
// interval that is asked for one value of an index at a time.

internal import Base
package import JSON
package import Model

/// A query that a project keeps for dashboards.
package struct Dataset: Sendable, Equatable {
    package var project: ProjectID
    /// Letters, digits, `_` and `-`.
    package var name: String
    package var displayName: String
    /// The analysis' parameters, `analysis_type` among them.
    package var query: JSONObject
    /// The properties whose values are asked for, at least one.
    package var indexBy: [String]
    package var created: Timestamp
    package var modified: Timestamp

    package init(
        project: ProjectID, name: String, displayName: String, query: JSONObject,
        indexBy: [String], created: Timestamp, modified: Timestamp
    ) {
        self.project = project
        self.name = name
        self.displayName = displayName
        self.query = query
        self.indexBy = indexBy
        self.created = created
        self.modified = modified
    }
}

extension Dataset: ProjectRecord {
    package static let kind = "dataset"
    package static let catalogMax = Limits.catalogDatasetsMax
    package var recordName: String { name }

    package static func isName(_ text: String) -> Bool { SavedQuery.isName(text) }

    package init(project: ProjectID, name: String, value: [UInt8]) throws(MalformedRecord) {
        guard value.count <= Limits.savedQueryBytesMax else {
            throw MalformedRecord(reason: "the dataset is too large")
        }
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue(parsing: value) } catch {
            throw MalformedRecord(reason: "no json: \(error)")
        }
        guard json["name"]?.string == name else {
            throw MalformedRecord(reason: "the name is not that of the record's key")
        }
        guard let displayName = json["display_name"]?.string, let query = json["query"]?.object
        else { throw MalformedRecord(reason: "display_name is no text or query is no object") }
        let indexBy = (json["index_by"]?.array ?? []).map(\.string)
        guard !indexBy.isEmpty, !indexBy.contains(nil) else {
            throw MalformedRecord(reason: "index_by is no list of properties")
        }
        guard let created = json.instant("created"), let modified = json.instant("modified") else {
            throw MalformedRecord(reason: "created or modified is no time")
        }
        self.init(
            project: project, name: name, displayName: displayName, query: query,
            indexBy: indexBy.compactMap(\.self), created: created, modified: modified)
    }

    package var encoded: [UInt8] {
        let json: JSONValue = [
            "name": .string(name), "display_name": .string(displayName), "query": .object(query),
            "index_by": .array(indexBy.map { .string($0) }),
            "created": .string(created.description), "modified": .string(modified.description),
        ]
        return json.encoded
    }
}
