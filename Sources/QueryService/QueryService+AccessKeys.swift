// Access keys; all with the master key.
//
//   GET    /3.0/projects/P/keys                  all, or with `name` those of that name
//   POST   /3.0/projects/P/keys                  makes one
//   GET    /3.0/projects/P/keys/KEY
//   POST   /3.0/projects/P/keys/KEY              changes it
//   POST   /3.0/projects/P/keys/KEY/revoke       and unrevoke
//   DELETE /3.0/projects/P/keys/KEY

internal import Access
internal import Base
internal import Catalog
internal import HTTP
internal import JSON
internal import Model
internal import Query

extension QueryService {
    func mountAccessKeys(on router: inout Router) {
        let keys = "/3.0/projects/:project/keys"
        serve(.get, keys, on: &router) { try $0.accessKeys($1) }
        serve(.post, keys, on: &router) { try await $0.makeAccessKey($1) }
        serve(.get, keys + "/:key", on: &router) { .json(try $0.accessKey($1).json.encoded) }
        for method in [HTTPMethod.post, .put] {
            serve(method, keys + "/:key", on: &router) { try await $0.changeAccessKey($1) }
        }
        serve(.post, keys + "/:key/revoke", on: &router) {
            try await $0.setActive(false, $1)
        }
        serve(.post, keys + "/:key/unrevoke", on: &router) {
            try await $0.setActive(true, $1)
        }
        serve(.delete, keys + "/:key", on: &router) { try await $0.deleteAccessKey($1) }
    }

    private func accessKeys(_ context: QueryContext) throws -> HTTPResponse {
        let project = try project(context, for: .master).id
        let name = context.request.query.first(named: "name")
        let keys = try catalogState().accessKeys[project, default: [:]].values
            .filter { name == nil || $0.name == name }
            .sorted { ($0.created, $0.key) < ($1.created, $1.key) }
        return .json(JSONValue.array(keys.map(\.json)).encoded)
    }

    /// The key that the path names; whatever its case, for clients that lower it.
    private func accessKey(_ context: QueryContext) throws -> AccessKey {
        let project = try project(context, for: .master).id
        let key = try catalogState().accessKeys[project]?[context.part("key").uppercased()]
        guard let key else {
            throw QueryError(.notFound, "Resource not found: there is no such access key")
        }
        return key
    }

    private func makeAccessKey(_ context: QueryContext) async throws -> HTTPResponse {
        let project = try project(context, for: .master).id
        try admit(.change, project)
        let request = try AccessKeyRequest(body: context.request.body)
        guard let name = request.name else {
            throw QueryError(.missingParameter, "an access key needs a name")
        }
        let now = configuration.now()
        let made = AccessKey.Content(
            name: name, isActive: true, permitted: [], options: JSONObject())
        let key = try AccessKey(
            project, AccessKey.randomKey(), request.applied(to: made), created: now,
            modified: now)
        let count = try catalogState().accessKeys[project]?.count ?? 0
        guard count < Limits.accessKeysPerProjectMax else {
            throw QueryError(
                .tooLarge, "a project has at most \(Limits.accessKeysPerProjectMax) access keys")
        }
        try await put(key)
        return .json(status: 201, key.json.encoded)
    }

    private func changeAccessKey(_ context: QueryContext) async throws -> HTTPResponse {
        let key = try accessKey(context)
        let request = try AccessKeyRequest(body: context.request.body)
        return try await change(key, to: request.applied(to: key.content))
    }

    private func setActive(_ isActive: Bool, _ context: QueryContext) async throws -> HTTPResponse {
        let key = try accessKey(context)
        var content = key.content
        content.isActive = isActive
        return try await change(key, to: content)
    }

    private func change(
        _ key: AccessKey, to content: AccessKey.Content
    ) async throws -> HTTPResponse {
        try admit(.change, key.project)
        let changed = try AccessKey(
            key.project, key.key, content, created: key.created,
            modified: later(than: key.modified))
        try await put(changed)
        return .json(changed.json.encoded)
    }

    private func put(_ key: AccessKey) async throws {
        guard key.encoded.count <= Limits.accessKeyBytesMax else {
            throw QueryError(
                .tooLarge, "an access key has at most \(Limits.accessKeyBytesMax) bytes")
        }
        try await publish(CatalogRecord(putting: key))
        await untilKnown { state in
            state.accessKeys[key.project]?[key.key].map { $0.modified >= key.modified } ?? false
        }
    }

    private func deleteAccessKey(_ context: QueryContext) async throws -> HTTPResponse {
        let key = try accessKey(context)
        try admit(.change, key.project)
        try await publish(CatalogRecord(removing: key))
        await untilKnown { $0.accessKeys[key.project]?[key.key] == nil }
        return HTTPResponse(status: 204)
    }
}

extension AccessKey {
    /// What its owner says about it.
    fileprivate struct Content {
        var name: String
        var isActive: Bool
        var permitted: [Permission]
        var options: JSONObject
    }

    fileprivate var content: Content {
        Content(name: name, isActive: isActive, permitted: permitted, options: options)
    }

    fileprivate init(
        _ project: ProjectID, _ key: String, _ content: Content, created: Timestamp,
        modified: Timestamp
    ) throws(QueryError) {
        do throws(MalformedRecord) {
            try self.init(
                project: project, key: key, name: content.name, isActive: content.isActive,
                permitted: content.permitted, options: content.options, created: created,
                modified: modified)
        } catch { throw QueryError(.invalidParameter, "options: \(error.reason)") }
        for filters in [rules.queryFilters, rules.savedFilters] {
            try AccessKeyRequest.check(filters: filters)
        }
        try AccessKeyRequest.check(autofill: rules.autofill)
    }

    /// As clients see it: every family of options is there, if only as null.
    fileprivate var json: JSONValue {
        var options = options
        for family in ["queries", "writes", "saved_queries", "cached_queries", "datasets"]
        where options[family] == nil {
            options[family] = .null
        }
        return [
            "key": .string(key), "name": .string(name), "is_active": .bool(isActive),
            "permitted": .array(permitted.map { .string($0.rawValue) }),
            "project_id": .string(project.name), "options": .object(options),
        ]
    }
}

extension AccessKeyRequest {
    /// What the request does not say stays as it was.
    fileprivate func applied(
        to content: AccessKey.Content
    ) throws(QueryError) -> AccessKey.Content {
        var permissions: [Permission] = []
        for name in permitted ?? content.permitted.map(\.rawValue) {
            guard let permission = Permission(rawValue: name) else {
                let known = Permission.allCases.map(\.rawValue).joined(separator: ", ")
                throw QueryError(
                    .invalidParameter, "permitted lists '\(name)', and not only these: \(known)")
            }
            if !permissions.contains(permission) { permissions.append(permission) }
        }
        return AccessKey.Content(
            name: name ?? content.name, isActive: isActive ?? content.isActive,
            permitted: permissions, options: options ?? content.options)
    }
}
