// Schema reads: which collections a project has, and what their events look like.
//
//   GET /3.0/projects/P/events                       every collection with its properties
//   GET /3.0/projects/P/events/C                     one collection
//   GET /3.0/projects/P/events/C/properties          its properties as a list
//   GET /3.0/projects/P/events/C/properties/NAME     one of them
//
// A collection's name may hold slashes, which some clients send as they are. So whatever is no
// property list is a name; one that ends in `/properties` has to come with its slashes encoded.

internal import Access
internal import Catalog
internal import HTTP
internal import JSON
internal import Model
internal import Query

extension QueryService {
    func mountSchemas(on router: inout Router) {
        let events = "/3.0/projects/:project/events"
        let reads: @Sendable (HTTPRequest) -> Bool = { $0.query.first(named: "data") == nil }
        serve(.get, events, on: &router) { try await $0.collections($1) }
        serve(.get, events + "/:collection/properties", on: &router, where: reads) {
            try await $0.properties($1)
        }
        serve(.get, events + "/:collection/properties/*property", on: &router, where: reads) {
            try await $0.property($1)
        }
        serve(.get, events + "/*collection", on: &router, where: reads) {
            try await $0.collection($1)
        }
    }

    private func collections(_ context: QueryContext) async throws -> HTTPResponse {
        let project = try project(context, for: .permission(.schema)).id
        let schemas = try await cluster.schema(project: project, until: context.deadline)
        return .json(JSONValue.array(schemas.map { $0.json(of: project) }).encoded)
    }

    private func collection(_ context: QueryContext) async throws -> HTTPResponse {
        let (project, schema) = try await schema(context)
        return .json(schema.json(of: project).encoded)
    }

    private func properties(_ context: QueryContext) async throws -> HTTPResponse {
        let (project, schema) = try await schema(context)
        let list = schema.properties.map { $0.json(in: schema.collection, of: project) }
        return .json(JSONValue.array(list).encoded)
    }

    private func property(_ context: QueryContext) async throws -> HTTPResponse {
        let (project, schema) = try await schema(context)
        let name = context.part("property")
        guard let property = schema.properties.first(where: { $0.path.text == name }) else {
            throw QueryError(.notFound, "Resource not found: no event has this property")
        }
        return .json(property.json(in: schema.collection, of: project).encoded)
    }

    /// The collection that the path names. One without events does not exist.
    private func schema(
        _ context: QueryContext
    ) async throws -> (project: ProjectID, schema: CollectionSchema) {
        let project = try project(context, for: .permission(.schema)).id
        let name: CollectionName
        do { name = try CollectionName(context.part("collection")) } catch {
            throw QueryError(.collectionName, error.message)
        }
        let schemas = try await cluster.schema(
            project: project, collection: name, until: context.deadline)
        guard let schema = schemas.first(where: { $0.collection == name }) else {
            throw QueryError(.notFound, "Resource not found: the collection has no events")
        }
        return (project, schema)
    }
}

extension CollectionSchema {
    /// `{"name", "url"}`.
    func reference(of project: ProjectID) -> JSONObject {
        JSONObject([
            (key: "name", value: .string(collection.name)),
            (key: "url", value: .string(ResourcePath.collection(collection, of: project))),
        ])
    }

    /// `{"name", "url", "properties": {"a.b": "num"}}`.
    fileprivate func json(of project: ProjectID) -> JSONValue {
        var object = reference(of: project)
        object["properties"] = .object(
            JSONObject(properties.map { (key: $0.path.text, value: .string($0.type.name)) }))
        return .object(object)
    }
}

extension PropertySchema {
    /// `{"property_name", "type", "url"}`.
    fileprivate func json(in collection: CollectionName, of project: ProjectID) -> JSONValue {
        [
            "property_name": .string(path.text), "type": .string(type.name),
            "url": .string(ResourcePath.property(path, collection, of: project)),
        ]
    }
}
