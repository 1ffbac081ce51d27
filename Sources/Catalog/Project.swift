// A project and its keys, and the JSON that the catalog keeps of it (docs/formats/catalog.md).

internal import Base
internal import Crypto
internal import JSON
package import Model

/// A project: what events belong to, and the keys that open it.
package struct Project: Sendable, Hashable {
    package var id: ProjectID
    /// What people call it; any text, also none.
    package var name: String
    /// Opens everything.
    package var masterKey: String
    /// Opens the writing of events.
    package var writeKey: String
    /// Opens queries and schemas.
    package var readKey: String
    package var created: Timestamp

    package init(
        id: ProjectID, name: String, masterKey: String, writeKey: String, readKey: String,
        created: Timestamp
    ) {
        self.id = id
        self.name = name
        self.masterKey = masterKey
        self.writeKey = writeKey
        self.readKey = readKey
        self.created = created
    }

    /// A project with fresh random keys of 64 upper-case hexadecimal digits, and, unless one is
    /// given, a fresh random id of 24 lower-case ones.
    package static func new(id: ProjectID?, name: String, now: Timestamp) -> Project {
        Project(
            id: id ?? .random(), name: name, masterKey: randomKey(), writeKey: randomKey(),
            readKey: randomKey(), created: now)
    }

    private static func randomKey() -> String { hexadecimal(secureRandomBytes(32)).uppercased() }
}

extension ProjectID {
    fileprivate static func random() -> ProjectID {
        do throws(InvalidName) { return try ProjectID(hexadecimal(secureRandomBytes(12))) } catch {
            preconditionFailure("24 hexadecimal digits are an id: \(error.message)")
        }
    }
}

extension Project {
    /// Reads a record's value. Members that it does not know belong to newer versions.
    init(id: ProjectID, value: [UInt8]) throws(MalformedRecord) {
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue(parsing: value) } catch {
            throw MalformedRecord(reason: "no json: \(error)")
        }
        guard json["id"]?.string == id.name else {
            throw MalformedRecord(reason: "the id is not that of the record's key")
        }
        guard let name = json["name"]?.string else {
            throw MalformedRecord(reason: "there is no name")
        }
        guard let created = json["created"]?.string,
            let instant = Timestamp(iso8601: created.utf8)
        else { throw MalformedRecord(reason: "created is no time") }
        self.init(
            id: id, name: name, masterKey: try Self.key("master_key", of: json),
            writeKey: try Self.key("write_key", of: json),
            readKey: try Self.key("read_key", of: json), created: instant)
    }

    /// An empty key would open the project to everybody.
    private static func key(_ name: String, of json: JSONValue) throws(MalformedRecord) -> String {
        guard let key = json[name]?.string, (1...Limits.apiKeyBytesMax).contains(key.utf8.count),
            key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw MalformedRecord(reason: "\(name) is no key") }
        return key
    }

    /// The value of the record that keeps this project.
    var encoded: [UInt8] {
        let json: JSONValue = [
            "id": .string(id.name), "name": .string(name), "master_key": .string(masterKey),
            "write_key": .string(writeKey), "read_key": .string(readKey),
            "created": .string(created.description),
        ]
        return json.encoded
    }
}
