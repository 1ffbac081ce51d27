// What a client sends to define a dataset, and to ask for its results:
//
//   {"display_name": "D", "query": {"analysis_type": "count", …, "interval": "daily"},
//    "index_by": "customer.id"}                                      or a list of properties
//   index_by=93   index_by=["93"]   index_by={"customer.id": "93"}   timeframe=this_2_days

internal import Base
package import JSON
internal import Model

/// The body of a dataset, checked but for the query's own parameters.
package struct DatasetRequest: Sendable {
    package let displayName: String?
    package let analysis: AnalysisName
    /// The analysis' parameters as they are kept: nothing that is null.
    package let query: JSONObject
    package let indexBy: [String]

    package init(body: [UInt8]) throws(QueryError) {
        guard body.count <= Limits.savedQueryBytesMax else {
            throw QueryError(.tooLarge, "a dataset has at most \(Limits.savedQueryBytesMax) bytes")
        }
        let parameters = try Parameters(pairs: [], body: body)
        displayName = try parameters.string("display_name")
        guard let written = parameters.value("query")?.object else {
            throw QueryError(.missingParameter, "a dataset needs a query, which is an object")
        }
        // Definitions that clients send back say in it whose it is.
        query = JSONObject(written.filter { !$0.value.isNull && $0.key != "project_id" })
        analysis = try AnalysisName(savedQuery: query)
        guard analysis.hasIntervals else {
            throw QueryError(
                .invalidParameter, "a dataset cannot be made of '\(analysis.rawValue)'")
        }
        for name in ["interval", "timeframe"] where query[name] == nil {
            throw QueryError(.missingParameter, "the query of a dataset needs \(name)")
        }
        indexBy = try parameters.indexProperties()
    }
}

/// What results are asked for.
package struct DatasetQuestion: Sendable {
    /// A value for each of the dataset's indexes.
    package let index: [(property: String, value: JSONValue)]
    /// As it was written; the dataset's own if nothing was.
    package let timeframe: JSONValue
    /// Those of the query that answers it.
    package let parameters: Parameters

    package init(
        _ request: Parameters, query: JSONObject, indexBy: [String]
    ) throws(QueryError) {
        let index = try request.indexValues(of: indexBy)
        let timeframe = request.value("timeframe") ?? query["timeframe"] ?? .null
        let filters = index.map { property, value in Self.filter(property, value) }
        var parameters = Parameters(query).restricted(by: filters, in: .count)
        parameters.set("timeframe", timeframe)
        self.index = index
        self.timeframe = timeframe
        self.parameters = parameters
    }

    /// Values come in addresses, where a number looks like a text: a text that reads as a number or
    /// a bool stands for either.
    private static func filter(_ property: String, _ value: JSONValue) -> JSONValue {
        var values = [value]
        if let text = value.string, let other = try? JSONValue(parsing: text) {
            switch other {
            case .int, .double, .bool: values.append(other)
            default: break
            }
        }
        return [
            "property_name": .string(property), "operator": "in", "property_value": .array(values),
        ]
    }
}

extension Parameters {
    fileprivate func indexProperties() throws(QueryError) -> [String] {
        guard let value = value("index_by") else {
            throw QueryError(.missingParameter, "a dataset needs index_by")
        }
        let elements = value.array ?? [value]
        guard !elements.isEmpty, elements.count <= Limits.queryGroupByMax else {
            throw QueryError(
                .invalidParameter,
                "index_by is a property or a list of 1 to \(Limits.queryGroupByMax) of them")
        }
        var properties: [String] = []
        for element in elements {
            guard let text = element.string else {
                throw QueryError(
                    .invalidParameter,
                    "index_by is a property or a list of them, not \(element.kindName)")
            }
            guard !(try PropertyPath(parameter: text)).isTime else {
                throw QueryError(.invalidParameter, "'\(text)' is no index: a timeframe chooses")
            }
            guard !properties.contains(text) else {
                throw QueryError(.invalidParameter, "index_by names '\(text.shortened)' twice")
            }
            properties.append(text)
        }
        return properties
    }

    fileprivate func indexValues(
        of properties: [String]
    ) throws(QueryError) -> [(property: String, value: JSONValue)] {
        guard let value = value("index_by") else {
            throw QueryError(.missingParameter, "the results of a dataset need index_by")
        }
        var values: [JSONValue] = []
        if let object = value.object {
            let unknown = object.names.first { !properties.contains($0) }
            if let unknown {
                throw QueryError(
                    .invalidParameter, "'\(unknown.shortened)' is no index of this dataset")
            }
            values = properties.compactMap { object[$0] }
        } else {
            values = value.array ?? [value]
        }
        guard values.count == properties.count else {
            throw QueryError(
                .invalidParameter,
                "index_by needs a value for each of: \(properties.joined(separator: ", "))")
        }
        guard values.allSatisfy({ $0.array == nil && $0.object == nil }) else {
            throw QueryError(
                .invalidParameter, "the values of index_by are strings, numbers or bools")
        }
        return zip(properties, values).map { (property: $0, value: $1) }
    }
}
