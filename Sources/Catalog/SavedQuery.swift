// A saved query, and the JSON that the catalog keeps of it (docs/formats/catalog.md).

internal import Base
package import JSON
package import Model

/// A query that a project keeps under a name.
package struct SavedQuery: Sendable, Equatable {
    package var project: ProjectID
    /// Letters, digits, `_` and `-`.
    package var name: String
    /// Seconds between two runs; 0: it runs when its result is asked for.
    package var refreshSeconds: Int
    /// The analysis' parameters, `analysis_type` among them.
    package var query: JSONObject
    /// Whatever its owner wants to keep with it.
    package var metadata: JSONObject
    package var created: Timestamp
    package var modified: Timestamp

    package init(
        project: ProjectID, name: String, refreshSeconds: Int, query: JSONObject,
        metadata: JSONObject, created: Timestamp, modified: Timestamp
    ) {
        self.project = project
        self.name = name
        self.refreshSeconds = refreshSeconds
        self.query = query
        self.metadata = metadata
        self.created = created
        self.modified = modified
    }

    /// Whether its result is kept and refreshed.
    package var isCached: Bool { refreshSeconds > 0 }

    /// Whether a text may name a saved query, or a dataset.
    package static func isName(_ text: String) -> Bool {
        (1...Limits.savedQueryNameBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0)
                    || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
    }
}

extension SavedQuery: ProjectRecord {
    package static let kind = "query"
    package static let catalogMax = Limits.catalogSavedQueriesMax
    package var recordName: String { name }

    package init(project: ProjectID, name: String, value: [UInt8]) throws(MalformedRecord) {
        guard value.count <= Limits.savedQueryBytesMax else {
            throw MalformedRecord(reason: "the saved query is too large")
        }
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue(parsing: value) } catch {
            throw MalformedRecord(reason: "no json: \(error)")
        }
        guard json["name"]?.string == name else {
            throw MalformedRecord(reason: "the name is not that of the record's key")
        }
        guard let refresh = json["refresh_rate"]?.int,
            refresh == 0 || Limits.refreshSecondsRange.contains(Int(clamping: refresh))
        else { throw MalformedRecord(reason: "refresh_rate is out of range") }
        guard let query = json["query"]?.object, let metadata = json["metadata"]?.object else {
            throw MalformedRecord(reason: "query or metadata is no object")
        }
        guard let created = json.instant("created"), let modified = json.instant("modified") else {
            throw MalformedRecord(reason: "created or modified is no time")
        }
        self.init(
            project: project, name: name, refreshSeconds: Int(refresh), query: query,
            metadata: metadata, created: created, modified: modified)
    }

    package var encoded: [UInt8] {
        let json: JSONValue = [
            "name": .string(name), "refresh_rate": .int(Int64(refreshSeconds)),
            "query": .object(query), "metadata": .object(metadata),
            "created": .string(created.description), "modified": .string(modified.description),
        ]
        return json.encoded
    }
}

extension JSONValue {
    /// A member that is a time in ISO 8601.
    func instant(_ name: String) -> Timestamp? {
        self[name]?.string.flatMap { Timestamp(iso8601: $0.utf8) }
    }
}
