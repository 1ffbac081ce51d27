// Where things are under the API: relative URLs as answers name them.

internal import Model

enum ResourcePath {
    static let projects = "/3.0/projects"

    static func project(_ project: ProjectID) -> String { "\(projects)/\(encoded(project.name))" }
    static func queries(of id: ProjectID) -> String { project(id) + "/queries" }

    static func savedQuery(_ name: String, of id: ProjectID) -> String {
        "\(queries(of: id))/saved/\(encoded(name))"
    }

    static func datasets(of id: ProjectID) -> String { project(id) + "/datasets" }

    static func events(of id: ProjectID) -> String { project(id) + "/events" }

    static func collection(_ collection: CollectionName, of id: ProjectID) -> String {
        "\(events(of: id))/\(encoded(collection.name))"
    }

    static func property(
        _ path: PropertyPath, _ collection: CollectionName, of id: ProjectID
    ) -> String {
        "\(self.collection(collection, of: id))/properties/\(encoded(path.text))"
    }

    /// One segment of a path: everything but RFC 3986's unreserved characters percent-encoded,
    /// slashes too.
    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
