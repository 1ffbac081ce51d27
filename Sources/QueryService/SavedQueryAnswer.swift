// Saved queries as clients see them: the definition, and the definition with a result.

internal import Catalog
internal import JSON
internal import Model
internal import Query

/// Writes one saved query.
struct SavedQueryAnswer {
    let query: SavedQuery
    /// Its last run, if it is a cached query that ran here.
    let run: CachedQueries.Run?

    /// The definition. `created` stays out unless it was just made.
    func definition(created: Bool = false) -> JSONObject {
        var json: JSONObject = JSONObject([
            (key: "query_name", value: .string(query.name)),
            (key: "refresh_rate", value: .int(Int64(query.refreshSeconds))),
            (key: "query", value: .object(parameters)),
            (key: "metadata", value: .object(query.metadata)),
            (key: "created_date", value: .string(Self.date(query.created))),
            (key: "last_modified_date", value: .string(Self.date(query.modified))),
            (key: "user_last_modified_date", value: .string(Self.date(query.modified))),
            (key: "run_information", value: runInformation),
        ])
        let url = ResourcePath.savedQuery(query.name, of: query.project)
        json["urls"] = [
            "cached_query_url": .string(url), "cached_query_results_url": .string(url + "/result"),
        ]
        if created { json["created"] = true }
        return json
    }

    /// The definition with the members of an analysis' answer. A funnel's answer is the result as a
    /// whole, as it was in the original.
    func result(_ answer: [UInt8], _ analysis: AnalysisName) -> [UInt8] {
        var bytes = JSONValue.object(definition()).encoded
        bytes.removeLast()
        if analysis.isFunnel {
            bytes += Array(#","result":"#.utf8) + answer + [UInt8(ascii: "}")]
        } else {
            bytes.append(UInt8(ascii: ","))
            bytes += answer.dropFirst()
        }
        return bytes
    }

    /// What every client may look for is there, if only as null.
    private var parameters: JSONObject {
        var parameters = query.query
        if let group = parameters["group_by"], group.array == nil {
            parameters["group_by"] = [group]
        }
        if parameters["filters"] == nil { parameters["filters"] = [] }
        for name in ["group_by", "interval", "timezone"] where parameters[name] == nil {
            parameters[name] = .null
        }
        return parameters
    }

    private var runInformation: JSONValue {
        guard let run else { return .null }
        return [
            "last_run_date": .string(Self.date(run.last)),
            "last_run_status": run.failure == nil ? "success" : "failure",
            "last_run_message": run.failure.map { .string($0) } ?? .null,
            "next_run_date": .string(Self.date(CachedQueries.next(run, query))),
        ]
    }

    /// `2020-05-01T10:00:00.123000+00:00`
    private static func date(_ time: Timestamp) -> String {
        time.description.dropLast() + "000+00:00"
    }
}
