// What the catalog says: a pure fold over the records of its topic, the same in every process.

internal import Base
package import Model

/// What one record did to the catalog.
package enum CatalogChange: Sendable, Equatable {
    /// A project is new, or has changed.
    case put(ProjectID)
    /// A project is gone, if it was there at all.
    case removed(ProjectID)
    /// A record of a kind that belongs to a newer version.
    case unknownKind
    /// The record was passed over; what its key held before stays.
    case malformed(reason: String)
}

/// The catalog at one moment. Copies are cheap.
package struct CatalogState: Sendable {
    package private(set) var projects: [ProjectID: Project] = [:]
    /// Records that were passed over because they are not what they should be.
    package private(set) var malformedCount = 0

    package init() {}

    /// Takes one record in; nil is a tombstone. Applying a stretch of records again ends in the
    /// same state, but for the count of malformed ones.
    @discardableResult
    package mutating func apply(key: [UInt8], value: [UInt8]?) -> CatalogChange {
        do throws(MalformedRecord) {
            guard let id = try CatalogKey.projectID(of: key) else { return .unknownKind }
            guard let value else {
                projects[id] = nil
                return .removed(id)
            }
            let project = try Project(id: id, value: value)
            guard projects[id] != nil || projects.count < Limits.catalogProjectsMax else {
                throw MalformedRecord(reason: "there are too many projects")
            }
            projects[id] = project
            return .put(id)
        } catch {
            malformedCount += 1
            return .malformed(reason: error.reason)
        }
    }
}

/// The keys of the catalog's records: `kind/name`.
enum CatalogKey {
    private static let projectPrefix = Array("project/".utf8)

    static func project(_ id: ProjectID) -> [UInt8] { projectPrefix + Array(id.name.utf8) }

    /// The project that a key names; nil for other kinds of records.
    static func projectID(of key: [UInt8]) throws(MalformedRecord) -> ProjectID? {
        guard key.contains(UInt8(ascii: "/")) else {
            throw MalformedRecord(reason: "the key is not kind/name")
        }
        guard key.starts(with: projectPrefix) else { return nil }
        let name = String(decoding: key.dropFirst(projectPrefix.count), as: UTF8.self)
        do throws(InvalidName) { return try ProjectID(name) } catch {
            throw MalformedRecord(reason: error.message)
        }
    }
}
