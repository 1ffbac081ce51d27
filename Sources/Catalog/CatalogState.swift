// What the catalog says: a pure fold over the records of its topic, the same in every process.

internal import Base
package import Model

/// What one record did to the catalog.
package enum CatalogChange: Sendable, Equatable {
    /// A project is new, or has changed.
    case put(ProjectID)
    /// A project is gone, if it was there at all.
    case removed(ProjectID)
    /// A saved query is new, or has changed.
    case putQuery(ProjectID, name: String)
    /// A saved query is gone, if it was there at all.
    case removedQuery(ProjectID, name: String)
    /// A record of a kind that belongs to a newer version.
    case unknownKind
    /// The record was passed over; what its key held before stays.
    case malformed(reason: String)
}

/// The catalog at one moment. Copies are cheap.
package struct CatalogState: Sendable {
    package private(set) var projects: [ProjectID: Project] = [:]
    /// Saved queries by name, also those of projects that are gone.
    package private(set) var savedQueries: [ProjectID: [String: SavedQuery]] = [:]
    private var savedQueryCount = 0
    /// Records that were passed over because they are not what they should be.
    package private(set) var malformedCount = 0

    package init() {}

    /// Takes one record in; nil is a tombstone. Applying a stretch of records again ends in the
    /// same state, but for the count of malformed ones.
    @discardableResult
    package mutating func apply(key: [UInt8], value: [UInt8]?) -> CatalogChange {
        do throws(MalformedRecord) {
            switch try CatalogKey(key) {
            case .project(let id): return try apply(id, value)
            case .savedQuery(let id, let name): return try apply(id, name, value)
            case .unknown: return .unknownKind
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

    private mutating func apply(
        _ id: ProjectID, _ name: String, _ value: [UInt8]?
    ) throws(MalformedRecord) -> CatalogChange {
        let isNew = savedQueries[id]?[name] == nil
        guard let value else {
            savedQueries[id]?[name] = nil
            if savedQueries[id]?.isEmpty == true { savedQueries[id] = nil }
            if !isNew { savedQueryCount -= 1 }
            return .removedQuery(id, name: name)
        }
        let query = try SavedQuery(project: id, name: name, value: value)
        guard !isNew || savedQueryCount < Limits.catalogSavedQueriesMax else {
            throw MalformedRecord(reason: "there are too many saved queries")
        }
        savedQueries[id, default: [:]][name] = query
        if isNew { savedQueryCount += 1 }
        return .putQuery(id, name: name)
    }
}
