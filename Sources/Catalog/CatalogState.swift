// What the catalog says: a pure fold over the records of its topic, the same in every process.

internal import Base
package import Model

/// What one record did to the catalog.
package enum CatalogChange: Sendable, Equatable {
    /// A project is new, or has changed.
    case put(ProjectID)
    /// A project is gone, if it was there at all.
    case removed(ProjectID)
    /// What a project keeps under a name is new, or has changed.
    case putRecord(kind: String, ProjectID, name: String)
    /// It is gone, if it was there at all.
    case removedRecord(kind: String, ProjectID, name: String)
    /// A record of a kind that belongs to a newer version.
    case unknownKind
    /// The record was passed over; what its key held before stays.
    case malformed(reason: String)
}

/// The catalog at one moment. Copies are cheap.
package struct CatalogState: Sendable {
    package private(set) var projects: [ProjectID: Project] = [:]
    private var queries = RecordTable<SavedQuery>()
    private var keys = RecordTable<AccessKey>()
    private var sets = RecordTable<Dataset>()
    /// Records that were passed over because they are not what they should be.
    package private(set) var malformedCount = 0

    package init() {}

    // Each by name, also those of projects that are gone.
    package var savedQueries: [ProjectID: [String: SavedQuery]] { queries.records }
    package var accessKeys: [ProjectID: [String: AccessKey]] { keys.records }
    package var datasets: [ProjectID: [String: Dataset]] { sets.records }

    /// Takes one record in; nil is a tombstone. Applying a stretch of records again ends in the
    /// same state, but for the count of malformed ones.
    @discardableResult
    package mutating func apply(key: [UInt8], value: [UInt8]?) -> CatalogChange {
        do throws(MalformedRecord) {
            switch try CatalogKey(key) {
            case .project(let id): return try apply(id, value)
            case .record(SavedQuery.kind, let id, let name):
                return try queries.apply(id, name, value)
            case .record(AccessKey.kind, let id, let name):
                return try keys.apply(id, name, value)
            case .record(Dataset.kind, let id, let name): return try sets.apply(id, name, value)
            case .record, .unknown: return .unknownKind
            }
        } catch {
            malformedCount += 1
            return .malformed(reason: error.reason)
        }
    }

    private mutating func apply(
        _ id: ProjectID, _ value: [UInt8]?
    ) throws(MalformedRecord) -> CatalogChange {
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
    }
}
