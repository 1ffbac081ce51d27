// What a client sends to keep a query under a name:
//
//   {"query": {"analysis_type": "count", ...}, "refresh_rate": 0, "metadata": {...},
//    "query_name": "another-name"}
//
// Members that only the server writes are passed over: clients send back what they were given.

internal import Base
package import JSON

/// The body of a saved query, checked but for the query's own parameters.
package struct SavedQueryRequest: Sendable {
    package let analysis: AnalysisName
    /// The analysis' parameters as they are kept: nothing that is null.
    package let query: JSONObject
    package let metadata: JSONObject
    /// Seconds between two runs; 0: it runs when its result is asked for.
    package let refreshSeconds: Int
    /// The name that it is to have from now on; nil: the one of the path.
    package let newName: String?

    package init(body: [UInt8]) throws(QueryError) {
        guard body.count <= Limits.savedQueryBytesMax else {
            throw QueryError(
                .tooLarge, "a saved query has at most \(Limits.savedQueryBytesMax) bytes")
        }
        let parameters = try Parameters(pairs: [], body: body)
        guard let written = parameters.value("query") else {
            throw QueryError(.missingParameter, "a saved query needs a query")
        }
        guard let object = written.object else {
            throw QueryError(.invalidParameter, "query must be an object, not \(written.kindName)")
        }
        query = JSONObject(object.filter { !$0.value.isNull })
        analysis = try AnalysisName(savedQuery: query)
        metadata = try parameters.metadata()
        refreshSeconds = try parameters.refreshSeconds()
        guard refreshSeconds == 0 || Parameters(query).isKeepable else {
            throw QueryError(
                .invalidParameter, "a query with allow_partial or explain has refresh_rate 0")
        }
        newName = try parameters.string("query_name")
    }
}

extension AnalysisName {
    /// The analysis that a saved query is.
    package init(savedQuery query: JSONObject) throws(QueryError) {
        guard let written = query["analysis_type"] else {
            throw QueryError(.missingParameter, "the query needs an analysis_type")
        }
        guard let analysis = written.string.flatMap({ AnalysisName(rawValue: $0) }) else {
            throw QueryError(.invalidParameter, "the query's analysis_type is no analysis")
        }
        self = analysis
    }
}

extension Parameters {
    fileprivate func metadata() throws(QueryError) -> JSONObject {
        guard let value = value("metadata") else { return JSONObject() }
        guard let object = value.object else {
            throw QueryError(.invalidParameter, "metadata must be an object, not \(value.kindName)")
        }
        return object
    }

    fileprivate func refreshSeconds() throws(QueryError) -> Int {
        guard let value = value("refresh_rate") else { return 0 }
        let seconds = (value.integral ?? value.string.flatMap { Int64($0) }).map {
            Int(clamping: $0)
        }
        guard let seconds, seconds == 0 || Limits.refreshSecondsRange.contains(seconds) else {
            let range = Limits.refreshSecondsRange
            throw QueryError(
                .invalidParameter,
                "refresh_rate is 0 or from \(range.lowerBound) to \(range.upperBound) seconds")
        }
        return seconds
    }

    /// How old an answer may be, in seconds; nil: it is to be worked out now.
    package func maxAge() throws(QueryError) -> Int? {
        guard let value = value("max_age") else { return nil }
        let seconds = value.integral ?? value.string.flatMap { Int64($0) }
        guard let seconds, (0...Int64(Limits.maxAgeSecondsMax)).contains(seconds) else {
            throw QueryError(
                .invalidParameter, "max_age is from 0 to \(Limits.maxAgeSecondsMax) seconds")
        }
        return seconds == 0 || !isKeepable ? nil : Int(seconds)
    }

    /// Whether an answer is worth giving again: not if it may lack something, or is about this very
    /// run.
    fileprivate var isKeepable: Bool {
        ["allow_partial", "explain"].allSatisfy { name in
            value(name).map { $0.lenientBool == false } ?? true
        }
    }

    /// The same bytes for the same parameters in whatever order, those apart that do not change the
    /// answer.
    package var normalized: [UInt8] {
        let passedOver: Set = ["api_key", "max_age", "analysis_type"]
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        for (name, entry) in entries.sorted(by: { $0.key < $1.key })
        where !passedOver.contains(name) {
            json.key(name)
            json.value(entry.value)
        }
        json.endObject()
        return json.bytes
    }
}
