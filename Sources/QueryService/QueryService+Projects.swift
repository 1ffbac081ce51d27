// Projects as their owners see them.

internal import Access
internal import Base
internal import Catalog
internal import HTTP
internal import JSON
internal import Model

extension QueryService {
    /// `GET /3.0/projects` and `GET /3.0/projects/P`, with a master key;
    /// `GET /3.0/projects/P/organization-usage`, with a read key.
    func mountProjects(on router: inout Router) {
        serve(.get, ResourcePath.projects, on: &router) { try await $0.projects($1) }
        serve(.get, ResourcePath.projects + "/:project", on: &router) {
            let project = try $0.project($1, for: .master)
            return .json(try await $0.json(project, $1).encoded)
        }
        serve(.get, ResourcePath.projects + "/:project/organization-usage", on: &router) {
            .json(try $0.usage($1).encoded)
        }
    }

    /// What Keen's explorer asks before it offers to cache another query. Organizations are not
    /// known here: each project has its own bound.
    private func usage(_ context: QueryContext) throws -> JSONValue {
        let project = try project(context, for: .read).id
        let queries = try catalogState().savedQueries[project, default: [:]].values
        return [
            "cached_queries": [
                "limited": true, "limit": .int(Int64(Limits.cachedQueriesPerProjectMax)),
                "current_usage": .int(Int64(queries.count(where: \.isCached))),
            ]
        ]
    }

    /// The projects that the key is the master key of: one, unless keys were chosen by hand.
    private func projects(_ context: QueryContext) async throws -> HTTPResponse {
        var list: [JSONValue] = []
        for project in try ownProjects(context).prefix(Limits.projectsListedMax) {
            list.append(try await json(project, context))
        }
        return .json(JSONValue.array(list).encoded)
    }

    private func ownProjects(_ context: QueryContext) throws -> [Project] {
        let state = try catalogState()
        let key = context.request.key
        var found: [Project] = []
        var refusal: any Error = QueryFailure(
            status: 401, code: "InvalidApiKeyError", message: "the API key does not allow this",
            outcome: .invalid)
        for id in state.projects.keys.sorted() {
            do throws(AccessError) {
                found.append(
                    try authorize(project: id.name, key: key, for: .master, in: state).project)
            } catch {
                // Of all refusals the one that says most: that the key is one, but a lesser one.
                if error.code == "AdminOnlyEndpointError" { refusal = error }
            }
        }
        guard !found.isEmpty else { throw refusal }
        return found
    }

    private func json(_ project: Project, _ context: QueryContext) async throws -> JSONValue {
        let schemas = try await cluster.schema(project: project.id, until: context.deadline)
        return [
            "id": .string(project.id.name), "name": .string(project.name),
            "api_key": .string(project.masterKey),
            "url": .string(ResourcePath.project(project.id)),
            "events": .array(schemas.map { .object($0.reference(of: project.id)) }),
            "events_url": .string(ResourcePath.events(of: project.id)),
            "queries_url": .string(ResourcePath.queries(of: project.id)), "saved_queries": [],
        ]
    }
}
