// Deletes, and how long a collection keeps its events; all with the master key.
//
//   DELETE /3.0/projects/P/events/C                     the collection, or the events of `filters`
//                                                       and `timeframe`
//   DELETE /3.0/projects/P/events/C/properties/NAME     a property and what lies below it
//   PUT    /3.0/projects/P/events/C                     {"retention_days": 90}, or null
//
// Each becomes a control record in every partition; the shards apply it at its offset.

internal import Access
internal import Base
internal import Catalog
internal import HTTP
internal import JSON
internal import LogClient
internal import Model
internal import Query
internal import RPC
internal import Wire

extension QueryService {
    func mountDeletes(on router: inout Router) {
        let events = "/3.0/projects/:project/events"
        serve(.delete, events + "/:collection/properties/*property", on: &router) {
            try await $0.deleteProperty($1)
        }
        serve(.delete, events + "/*collection", on: &router) { try await $0.deleteEvents($1) }
        serve(.put, events + "/*collection", on: &router) { try await $0.putCollection($1) }
    }

    private func deleteEvents(_ context: QueryContext) async throws -> HTTPResponse {
        let collection = try await existingCollection(context).id
        let parameters = try Parameters(
            pairs: context.request.query.pairs, body: context.request.body)
        let choice = try EventChoice(
            parameters: parameters, now: configuration.now(), zones: zones)
        let command: ControlCommand =
            choice.isEverything
            ? .deleteCollection
            : .deleteEvents(timeframe: choice.timeframe, filters: choice.filters)
        try await send(command, collection, context)
        return HTTPResponse(status: 204)
    }

    private func deleteProperty(_ context: QueryContext) async throws -> HTTPResponse {
        let (collection, schema) = try await existingCollection(context)
        let path = try PropertyPath(parameter: context.part("property"))
        guard !PropertyPath.covers(.keen, path.text.utf8) else {
            throw QueryError(.propertyName, "the properties of 'keen' cannot be deleted")
        }
        guard schema.properties.contains(where: { PropertyPath.covers(path, $0.path.text.utf8) })
        else { throw QueryError(.notFound, "Resource not found: no event has this property") }
        try await send(.deleteProperty(path), collection, context)
        return HTTPResponse(status: 204)
    }

    private func putCollection(_ context: QueryContext) async throws -> HTTPResponse {
        let project = try project(context, for: .master).id
        let collection = CollectionID(project: project, collection: try collectionName(context))
        let json: JSONValue
        do { json = try JSONValue(parsing: context.request.body) } catch {
            throw QueryError(.invalidJSON, "the body is not valid JSON: \(error)")
        }
        guard let value = json["retention_days"] else {
            throw QueryError(.missingParameter, "the body needs retention_days")
        }
        let dayMilliseconds: Int64 = 86_400_000
        let daysMax = ControlCommand.keptMillisecondsMax / dayMilliseconds
        guard value.isNull || (1...daysMax).contains(value.int ?? 0) else {
            throw QueryError(
                .invalidParameter, "retention_days is null or a number from 1 to \(daysMax)")
        }
        let kept = value.int.map { $0 * dayMilliseconds }
        try await send(.keep(milliseconds: kept), collection, context)
        return .json(JSONValue.object(JSONObject([(key: "retention_days", value: value)])).encoded)
    }

    // MARK: Steps

    private func collectionName(_ context: QueryContext) throws -> CollectionName {
        do { return try CollectionName(context.part("collection")) } catch {
            throw QueryError(.collectionName, error.message)
        }
    }

    private func existingCollection(
        _ context: QueryContext
    ) async throws -> (id: CollectionID, schema: CollectionSchema) {
        let project = try project(context, for: .master).id
        try admit(.delete, project)
        let name = try collectionName(context)
        let schemas = try await cluster.schema(
            project: project, collection: name, until: context.deadline)
        guard let schema = schemas.first(where: { $0.collection == name }) else {
            throw QueryError(.notFound, "Resource not found: the collection has no events")
        }
        return (CollectionID(project: project, collection: name), schema)
    }

    /// Returns when the log has the records and, unless that takes long, the shards have applied
    /// them.
    private func send(
        _ command: ControlCommand, _ collection: CollectionID, _ context: QueryContext
    ) async throws {
        guard let publish = configuration.publishControl else {
            throw QueryError(.notSupported, "this server cannot write to the log")
        }
        let count = cluster.partitionCount
        guard count > 0 else { throw PartitionsUnknown() }
        let control = CollectionControl(collection: collection, bytes: command.encoded)
        let offsets: [ShardID: Int64]
        do { offsets = try await publish(control, count) } catch let error as LogError {
            throw QueryFailure.logUnavailable("\(error)")
        }
        await cluster.waitUntilApplied(offsets, for: Self.appliedPatience)
    }

    /// Workers that are behind must not make a client wait for ever: the delete is in the log.
    private static let appliedPatience = Duration.seconds(5)
}
