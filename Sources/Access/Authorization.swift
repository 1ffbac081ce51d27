// Who may do what: a project's keys, its access keys, and the scoped keys that clients make,
// against what a route asks for.

package import Catalog
internal import Crypto
internal import Model

/// What a route asks for. The master key is accepted wherever another is, the write key for writes
/// and the read key for all that only reads.
package enum AccessNeed: Sendable {
    /// The master key and no other.
    case master
    case permission(Permission)
    /// The master key, or an access key with the permission, but not the project's other keys.
    case masterOr(Permission)
    /// One of several permissions; which one opens what, the route says.
    case anyOf([Permission])

    package static let write = AccessNeed.permission(.writes)
    package static let read = AccessNeed.permission(.queries)
}

/// What a request may do.
package struct Grant: Sendable {
    package let project: Project
    /// What narrows it; nil: one of the project's own keys, which nothing does.
    package var rules: AccessRules?
    /// nil: everything that such a key opens.
    fileprivate var permitted: [Permission]?
    /// Whether nobody has looked at its filters: they were made elsewhere.
    package var isScoped = false

    fileprivate init(_ project: Project) { self.project = project }

    /// Whether it may do something else too.
    package func permits(_ permission: Permission) -> Bool {
        permitted?.contains(permission) ?? true
    }
}

/// Why a request is refused, as its answer says it.
package struct AccessError: Error, Sendable, Equatable {
    /// The answer's `error_code`.
    package let code: String
    package let message: String
    /// The HTTP status.
    package let status: Int

    static let unknownProject = AccessError(
        code: "ResourceNotFoundError", message: "Resource not found", status: 404)
    static let missingKey = AccessError(
        code: "InvalidApiKeyError",
        message: "an API key is needed, in the header Authorization or the parameter api_key",
        status: 401)
    static let wrongKey = AccessError(
        code: "InvalidApiKeyError", message: "the API key does not allow this", status: 401)
    static let revokedKey = AccessError(
        code: "InvalidApiKeyError", message: "the API key has been revoked", status: 401)
    static let notMaster = AccessError(
        code: "AdminOnlyEndpointError", message: "this needs the project's master key", status: 401)

    /// The key allows such things, but not this one.
    package static func forbidden(_ what: String) -> AccessError {
        AccessError(
            code: "RequestForbiddenError", message: "the API key does not allow \(what)",
            status: 403)
    }
}

/// The key that a request carries: bare in the header `Authorization`, else as the parameter
/// `api_key`. Nil when both are missing or empty.
package func apiKey(authorization: String?, parameter: String?) -> String? {
    if let authorization, !authorization.isEmpty { return authorization }
    guard let parameter, !parameter.isEmpty else { return nil }
    return parameter
}

/// What `key` allows in the project, if that is enough. An unknown project is said before the key
/// is looked at. The project's own keys are compared in a time that does not depend on what they
/// have in common; access keys are found by a hash whose seed nobody knows.
package func authorize(
    project name: String, key: String?, for need: AccessNeed, in state: CatalogState
) throws(AccessError) -> Grant {
    guard let project = find(name, in: state) else { throw .unknownProject }
    guard let key, !key.isEmpty else { throw .missingKey }
    let given = Array(key.utf8)
    let isMaster = constantTimeEqual(given, Array(project.masterKey.utf8))
    let isWrite = constantTimeEqual(given, Array(project.writeKey.utf8))
    let isRead = constantTimeEqual(given, Array(project.readKey.utf8))
    if isMaster { return Grant(project) }
    if isWrite || isRead {
        try check(need, reads: isRead, writes: isWrite)
        return Grant(project)
    }
    if let accessKey = state.accessKeys[project.id]?[key] {
        return try authorize(project, accessKey, need)
    }
    // No scoped key is a master key. Whoever looks for the projects of a key tries it on all.
    if case .master = need { throw .wrongKey }
    guard let scoped = try ScopedKey(key, masterKey: project.masterKey) else { throw .wrongKey }
    return try authorize(project, scoped, need)
}

/// Whether what is needed is reading or writing, and that is allowed.
private func check(_ need: AccessNeed, reads: Bool, writes: Bool) throws(AccessError) {
    switch need {
    case .master, .masterOr: throw .notMaster
    case .permission(.writes): guard writes else { throw .wrongKey }
    case .permission, .anyOf: guard reads else { throw .wrongKey }
    }
}

private func authorize(
    _ project: Project, _ key: AccessKey, _ need: AccessNeed
) throws(AccessError) -> Grant {
    guard key.isActive else { throw .revokedKey }
    switch need {
    case .master: throw .notMaster
    case .permission(let permission), .masterOr(let permission):
        guard key.permitted.contains(permission) else { throw .wrongKey }
    case .anyOf(let permissions):
        guard key.permitted.contains(where: permissions.contains) else { throw .wrongKey }
    }
    var grant = Grant(project)
    grant.rules = key.rules
    grant.permitted = key.permitted
    return grant
}

/// A scoped key is a read or write key with filters.
private func authorize(
    _ project: Project, _ key: ScopedKey, _ need: AccessNeed
) throws(AccessError) -> Grant {
    try check(
        need, reads: key.operations.contains(.read), writes: key.operations.contains(.write))
    if case .permission(.writes) = need, key.autofill == nil {
        throw .forbidden("writing: one of its filters is no eq with a value that can be filled in")
    }
    var grant = Grant(project)
    grant.rules = key.rules
    grant.isScoped = true
    // What was worked out for everybody has nobody's filters.
    if !key.filters.isEmpty {
        grant.permitted = [.queries, .savedQueries, .datasets, .schema, .writes]
    }
    return grant
}

private func find(_ name: String, in state: CatalogState) -> Project? {
    guard let id = try? ProjectID(name) else { return nil }
    return state.projects[id]
}
