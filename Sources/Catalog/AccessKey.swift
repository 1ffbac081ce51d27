// An access key, and the JSON that the catalog keeps of it (docs/formats/catalog.md): a key beside
// the project's own three that opens only what it says.

internal import Base
internal import Crypto
package import JSON
package import Model

/// What a key may open.
package enum Permission: String, Sendable, Hashable, CaseIterable {
    case writes, queries
    case savedQueries = "saved_queries"
    case cachedQueries = "cached_queries"
    case datasets, schema
}

/// A key with permissions of its own.
package struct AccessKey: Sendable, Equatable {
    package var project: ProjectID
    /// What requests carry.
    package var key: String
    /// What people call it.
    package var name: String
    /// A key that is not opens nothing.
    package var isActive: Bool
    /// In the order in which they were given.
    package var permitted: [Permission]
    /// As they were given; `rules` says what they mean.
    package private(set) var options: JSONObject
    package private(set) var rules: AccessRules
    package var created: Timestamp
    package var modified: Timestamp

    /// Throws if `options` are not what options may be.
    package init(
        project: ProjectID, key: String, name: String, isActive: Bool, permitted: [Permission],
        options: JSONObject, created: Timestamp, modified: Timestamp
    ) throws(MalformedRecord) {
        self.project = project
        self.key = key
        self.name = name
        self.isActive = isActive
        self.permitted = permitted
        self.options = options
        rules = try AccessRules(options)
        self.created = created
        self.modified = modified
    }

    /// A fresh random key: 64 upper-case hexadecimal digits.
    package static func randomKey() -> String { hexadecimal(secureRandomBytes(32)).uppercased() }

    /// The options are a function of their text.
    package static func == (left: AccessKey, right: AccessKey) -> Bool {
        left.encoded == right.encoded && left.project == right.project
    }
}

extension AccessKey: ProjectRecord {
    package static let kind = "key"
    package static let catalogMax = Limits.catalogAccessKeysMax
    package var recordName: String { key }

    package static func isName(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x46).contains($0) }
    }

    package init(project: ProjectID, name: String, value: [UInt8]) throws(MalformedRecord) {
        guard value.count <= Limits.accessKeyBytesMax else {
            throw MalformedRecord(reason: "the access key is too large")
        }
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue(parsing: value) } catch {
            throw MalformedRecord(reason: "no json: \(error)")
        }
        guard let label = json["name"]?.string, let isActive = json["is_active"]?.bool else {
            throw MalformedRecord(reason: "name or is_active is missing")
        }
        guard let permitted = json["permitted"]?.array, let options = json["options"]?.object
        else { throw MalformedRecord(reason: "permitted is no list or options is no object") }
        guard let created = json.instant("created"), let modified = json.instant("modified") else {
            throw MalformedRecord(reason: "created or modified is no time")
        }
        try self.init(
            project: project, key: name, name: label, isActive: isActive,
            // A permission of a newer version opens what this one does not have.
            permitted: permitted.compactMap { $0.string.flatMap { Permission(rawValue: $0) } },
            options: options, created: created, modified: modified)
    }

    package var encoded: [UInt8] {
        let json: JSONValue = [
            "name": .string(name), "is_active": .bool(isActive),
            "permitted": .array(permitted.map { .string($0.rawValue) }),
            "options": .object(options), "created": .string(created.description),
            "modified": .string(modified.description),
        ]
        return json.encoded
    }
}
