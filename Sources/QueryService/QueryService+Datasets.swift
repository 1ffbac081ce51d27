// Datasets: queries with an interval that are asked for one value of an index at a time. Their
// results are worked out when they are asked for, so they are never behind.
//
//   GET    /3.0/projects/P/datasets                 the definitions; master or access key
//   GET    /3.0/projects/P/datasets/NAME            one of them; read key
//   GET    /3.0/projects/P/datasets/NAME/results    read key
//   PUT    /3.0/projects/P/datasets/NAME            makes or replaces; master or access key
//   DELETE /3.0/projects/P/datasets/NAME            master or access key

internal import Access
internal import Base
internal import Catalog
internal import HTTP
internal import JSON
internal import Model
internal import Query

extension QueryService {
    func mountDatasets(on router: inout Router) {
        let sets = "/3.0/projects/:project/datasets"
        serve(.get, sets, on: &router) { try $0.datasets($1) }
        serve(.get, sets + "/:name", on: &router) {
            let dataset = try $0.dataset($1, for: .retrieve).dataset
            return .json(JSONValue.object($0.definition(dataset)).encoded)
        }
        serve(.get, sets + "/:name/results", on: &router) { try await $0.datasetResults($1) }
        serve(.put, sets + "/:name", on: &router) { try await $0.putDataset($1) }
        serve(.delete, sets + "/:name", on: &router) { try await $0.deleteDataset($1) }
    }

    /// What the request's key allows, if it allows such an operation at all.
    private func grant(
        _ context: QueryContext, for operation: DatasetOperation
    ) throws -> Grant {
        let isRead = operation == .read || operation == .retrieve
        let grant = try grant(
            context, for: isRead ? .permission(.datasets) : .masterOr(.datasets))
        guard grant.rules?.datasets.allows(operation) ?? true else {
            throw AccessError.forbidden("the operation '\(operation.rawValue)' of datasets")
        }
        return grant
    }

    private func dataset(
        _ context: QueryContext, for operation: DatasetOperation
    ) throws -> (dataset: Dataset, grant: Grant) {
        let grant = try grant(context, for: operation)
        let name = context.part("name")
        guard grant.rules?.datasets.allows(name) ?? true else {
            throw AccessError.forbidden("this dataset")
        }
        guard let dataset = try catalogState().datasets[grant.project.id]?[name] else {
            throw QueryError(.notFound, "Resource not found: there is no dataset of that name")
        }
        return (dataset, grant)
    }

    /// A page of definitions by name, and where the next one is.
    private func datasets(_ context: QueryContext) throws -> HTTPResponse {
        let grant = try grant(context, for: .list)
        let project = grant.project.id
        let query = context.request.query
        let after = query.first(named: "after_name") ?? ""
        let wanted = query.first(named: "limit").flatMap { Int($0) } ?? Limits.datasetsPageMax
        guard wanted > 0 else {
            throw QueryError(.invalidParameter, "limit must be a positive integer")
        }
        let limit = min(wanted, Limits.datasetsPageMax)
        let rest = try catalogState().datasets[project, default: [:]].values
            .filter { $0.name > after && grant.rules?.datasets.allows($0.name) ?? true }
            .sorted { $0.name < $1.name }
        let page = rest.prefix(limit)
        var next = JSONValue.null
        if rest.count > limit, let last = page.last {
            let path = ResourcePath.datasets(of: project)
            next = .string(
                "\(path)?limit=\(limit)&after_name=\(ResourcePath.encoded(last.name))")
        }
        let json: JSONValue = [
            "datasets": .array(page.map { .object(definition($0)) }), "next_page_url": next,
        ]
        return .json(json.encoded)
    }

    /// As clients see it. What is worked out on demand is up to date.
    private func definition(_ dataset: Dataset) -> JSONObject {
        var query = JSONObject([(key: "project_id", value: .string(dataset.project.name))])
        for (name, value) in dataset.query { query[name] = value }
        if query["filters"] == nil { query["filters"] = [] }
        for name in ["timezone", "group_by"] where query[name] == nil { query[name] = .null }
        let now = JSONValue.string(configuration.now().description)
        return JSONObject([
            (key: "project_id", value: .string(dataset.project.name)),
            (key: "organization_id", value: .null),
            (key: "dataset_name", value: .string(dataset.name)),
            (key: "display_name", value: .string(dataset.displayName)),
            (key: "query", value: .object(query)),
            (key: "index_by", value: .array(dataset.indexBy.map { .string($0) })),
            (key: "last_scheduled_date", value: now),
            (key: "latest_subtimeframe_available", value: now),
            (key: "milliseconds_behind", value: 0),
        ])
    }

    private func datasetResults(_ context: QueryContext) async throws -> HTTPResponse {
        let (dataset, grant) = try dataset(context, for: .read)
        let analysis = try AnalysisName(savedQuery: dataset.query)
        let body = try await measured(analysis, context.time) {
            let question = try DatasetQuestion(
                Parameters(pairs: context.request.query.pairs), query: dataset.query,
                indexBy: dataset.indexBy)
            guard grant.rules?.datasets.allows(dataset.name, question.index) ?? true else {
                throw AccessError.forbidden("this index of the dataset")
            }
            let parameters = question.parameters
                .restricted(by: grant.rules?.datasets.filters ?? [], in: analysis)
            let answer = try await answer(analysis, parameters, dataset.project, context.time)
            let metadata: JSONValue = [
                "dataset": .object(definition(dataset)),
                "request": [
                    "index_by": .object(
                        JSONObject(question.index.map { (key: $0.property, value: $0.value) })),
                    "timeframe": question.timeframe,
                ],
            ]
            return answer.dropLast() + Array(#","metadata":"#.utf8) + metadata.encoded
                + [UInt8(ascii: "}")]
        }
        return .json(Array(body))
    }

    // MARK: Changes

    private func putDataset(_ context: QueryContext) async throws -> HTTPResponse {
        let grant = try grant(context, for: .create)
        let project = grant.project.id
        try admit(.change, project)
        let name = context.part("name")
        guard Dataset.isName(name) else {
            throw QueryError(
                .invalidParameter,
                "a dataset's name has 1 to \(Limits.savedQueryNameBytesMax) letters, digits, '_' "
                    + "or '-'")
        }
        guard grant.rules?.datasets.allows(name) ?? true else {
            throw AccessError.forbidden("this dataset")
        }
        let request = try DatasetRequest(body: context.request.body)
        try check(request.analysis, Parameters(request.query), project)
        let known = try catalogState().datasets[project, default: [:]]
        guard known[name] != nil || known.count < Limits.datasetsPerProjectMax else {
            throw QueryError(
                .tooLarge, "a project has at most \(Limits.datasetsPerProjectMax) datasets")
        }
        let dataset = Dataset(
            project: project, name: name, displayName: request.displayName ?? name,
            query: request.query, indexBy: request.indexBy,
            created: known[name]?.created ?? configuration.now(),
            modified: later(than: known[name]?.modified))
        guard dataset.encoded.count <= Limits.savedQueryBytesMax else {
            throw QueryError(.tooLarge, "a dataset has at most \(Limits.savedQueryBytesMax) bytes")
        }
        try await publish(CatalogRecord(putting: dataset))
        await untilKnown { state in
            state.datasets[project]?[name].map { $0.modified >= dataset.modified } ?? false
        }
        return .json(
            status: known[name] == nil ? 201 : 200,
            JSONValue.object(definition(dataset)).encoded)
    }

    private func deleteDataset(_ context: QueryContext) async throws -> HTTPResponse {
        let dataset = try dataset(context, for: .delete).dataset
        try admit(.change, dataset.project)
        try await publish(CatalogRecord(removing: dataset))
        await untilKnown { $0.datasets[dataset.project]?[dataset.name] == nil }
        return HTTPResponse(status: 204)
    }
}
