// The keys of the catalog's records: `kind/name`.

internal import Model

/// What a record is about.
enum CatalogKey: Equatable {
    case project(ProjectID)
    case savedQuery(ProjectID, name: String)
    /// A kind that belongs to a newer version.
    case unknown

    private static let projectPrefix = "project/"
    private static let savedQueryPrefix = "query/"

    var bytes: [UInt8] {
        switch self {
        case .project(let id): Array((Self.projectPrefix + id.name).utf8)
        case .savedQuery(let id, let name):
            Array("\(Self.savedQueryPrefix)\(id.name)/\(name)".utf8)
        case .unknown: []
        }
    }

    init(_ bytes: [UInt8]) throws(MalformedRecord) {
        guard bytes.contains(UInt8(ascii: "/")) else {
            throw MalformedRecord(reason: "the key is not kind/name")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if text.hasPrefix(Self.projectPrefix) {
            self = .project(try Self.id(text.dropFirst(Self.projectPrefix.count)))
        } else if text.hasPrefix(Self.savedQueryPrefix) {
            let parts = text.dropFirst(Self.savedQueryPrefix.count)
                .split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, SavedQuery.isName(String(parts[1])) else {
                throw MalformedRecord(reason: "the key names no saved query")
            }
            self = .savedQuery(try Self.id(parts[0]), name: String(parts[1]))
        } else {
            self = .unknown
        }
    }

    private static func id(_ name: Substring) throws(MalformedRecord) -> ProjectID {
        do throws(InvalidName) { return try ProjectID(String(name)) } catch {
            throw MalformedRecord(reason: error.message)
        }
    }
}
