// The keys of the catalog's records: `kind/name`, or `kind/project/name`.

internal import Model

/// What a record is about.
enum CatalogKey: Equatable {
    case project(ProjectID)
    /// What a project keeps under a name. Whether the kind is known is seen by whoever keeps it.
    case record(kind: String, ProjectID, name: String)
    /// A kind that belongs to a newer version.
    case unknown

    private static let projectKind = "project"
    private static let recordKinds = [SavedQuery.kind, AccessKey.kind, Dataset.kind]

    var bytes: [UInt8] {
        switch self {
        case .project(let id): Array("\(Self.projectKind)/\(id.name)".utf8)
        case .record(let kind, let id, let name): Array("\(kind)/\(id.name)/\(name)".utf8)
        case .unknown: []
        }
    }

    init(_ bytes: [UInt8]) throws(MalformedRecord) {
        let parts = String(decoding: bytes, as: UTF8.self)
            .split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1 else { throw MalformedRecord(reason: "the key is not kind/name") }
        let kind = String(parts[0])
        if kind == Self.projectKind {
            self = .project(try Self.id(parts.dropFirst().joined(separator: "/")))
        } else if Self.recordKinds.contains(kind) {
            guard parts.count == 3 else {
                throw MalformedRecord(reason: "the key is not \(kind)/project/name")
            }
            self = .record(kind: kind, try Self.id(String(parts[1])), name: String(parts[2]))
        } else {
            self = .unknown
        }
    }

    private static func id(_ name: String) throws(MalformedRecord) -> ProjectID {
        do throws(InvalidName) { return try ProjectID(name) } catch {
            throw MalformedRecord(reason: error.message)
        }
    }
}
