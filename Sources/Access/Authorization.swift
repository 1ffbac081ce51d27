// Who may do what: a project's keys against what a route asks for.

package import Catalog
internal import Crypto
internal import Model

/// What a route asks for. The master key is accepted wherever another is.
package enum KeyKind: Sendable { case write, read, master }

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
    static let notMaster = AccessError(
        code: "AdminOnlyEndpointError", message: "this needs the project's master key", status: 401)
}

/// The key that a request carries: bare in the header `Authorization`, else as the parameter
/// `api_key`. Nil when both are missing or empty.
package func apiKey(authorization: String?, parameter: String?) -> String? {
    if let authorization, !authorization.isEmpty { return authorization }
    guard let parameter, !parameter.isEmpty else { return nil }
    return parameter
}

/// The project, if `key` allows what `kind` says. An unknown project is said before the key is
/// looked at. Keys are compared in a time that does not depend on what they have in common.
package func authorize(
    project name: String, key: String?, for kind: KeyKind, in state: CatalogState
) throws(AccessError) -> Project {
    guard let project = find(name, in: state) else { throw .unknownProject }
    guard let key, !key.isEmpty else { throw .missingKey }
    let given = Array(key.utf8)
    let isMaster = constantTimeEqual(given, Array(project.masterKey.utf8))
    let isWrite = constantTimeEqual(given, Array(project.writeKey.utf8))
    let isRead = constantTimeEqual(given, Array(project.readKey.utf8))
    let isEnough =
        switch kind {
        case .master: isMaster
        case .write: isMaster || isWrite
        case .read: isMaster || isRead
        }
    guard isEnough else {
        throw kind == .master && (isWrite || isRead) ? .notMaster : .wrongKey
    }
    return project
}

private func find(_ name: String, in state: CatalogState) -> Project? {
    guard let id = try? ProjectID(name) else { return nil }
    return state.projects[id]
}
