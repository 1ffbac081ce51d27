// Answers of analyses as tables: a row for each bucket, group or both, columns for the bucket's
// ends, the groups and the figures. Made of the JSON answer, so it says the same.

internal import JSON
package import Model

/// The table that an analysis gives.
package struct AnswerTable: Sendable {
    private enum Shape: Sendable {
        case figures(columns: [String], hasIntervals: Bool, hasGroups: Bool)
        case funnel
        case retention
    }

    private let shape: Shape

    /// Throws as the analysis itself would.
    package init(
        _ analysis: AnalysisName, _ parameters: Parameters, _ project: ProjectID, zones: ZoneLookup
    ) throws(QueryError) {
        guard analysis.hasIntervals else {
            shape = analysis == .retention ? .retention : .funnel
            return
        }
        let request = try QueryRequest(
            analysis: analysis, project: project, parameters: parameters, zones: zones)
        var columns = request.groupBy.map(\.text)
        for figure in request.figures {
            guard let percentiles = figure.percentiles, percentiles.isList else {
                columns.append(figure.label)
                continue
            }
            columns += percentiles.hundredths.map { "\(figure.label).\(Percentiles.name($0))" }
        }
        shape = .figures(
            columns: columns, hasIntervals: request.interval != nil,
            hasGroups: !request.groupBy.isEmpty)
    }

    /// The answer's table. What stands beside `result` is left out.
    package func csv(_ answer: [UInt8]) throws(QueryError) -> [UInt8] {
        let json: JSONValue
        do { json = try JSONValue(parsing: answer) } catch {
            throw QueryError(.internalError, "the answer is no JSON")
        }
        let result = json["result"] ?? .null
        var writer = CSVWriter()
        switch shape {
        case .figures(let columns, let hasIntervals, let hasGroups):
            let times = hasIntervals ? ["timeframe.start", "timeframe.end"] : []
            writer.row((times + columns).map { .string($0) })
            for record in hasIntervals ? result.array ?? [] : [result] {
                let frame = record["timeframe"]
                let edges = hasIntervals ? [frame?["start"], frame?["end"]] : []
                let value = hasIntervals ? record["value"] ?? .null : record
                for cells in Self.rows(value, columns, hasGroups, isAlone: !hasIntervals) {
                    writer.row(edges + cells)
                }
            }
        case .funnel:
            writer.row(["step", "event_collection", "result"])
            for (index, count) in (result.array ?? []).enumerated() {
                let step = json["steps"]?.array?[index]
                writer.row([.int(Int64(index + 1)), step?["event_collection"], count])
            }
        case .retention:
            let records = result.array ?? []
            let width = records.map { $0["value"]?["returned"]?.array?.count ?? 0 }.max() ?? 0
            writer.row(
                ["timeframe.start", "timeframe.end", "actors"]
                    + (0..<width).map { .string("returned.\($0)") })
            for record in records {
                let returned = (record["value"]?["returned"]?.array ?? []).map(Optional.some)
                writer.row(
                    [
                        record["timeframe"]?["start"], record["timeframe"]?["end"],
                        record["value"]?["actors"],
                    ] + returned + [JSONValue?](repeating: nil, count: width - returned.count))
            }
        }
        return writer.bytes
    }

    /// The rows of a value without its bucket. A list that is the whole answer has a row for each
    /// of its values.
    private static func rows(
        _ value: JSONValue, _ columns: [String], _ hasGroups: Bool, isAlone: Bool
    ) -> [[JSONValue?]] {
        if hasGroups { return (value.array ?? []).map { cells($0, columns) } }
        if isAlone, let list = value.array { return list.map { [$0] } }
        if columns.count == 1, value.object == nil { return [[value]] }
        return [cells(value, columns)]
    }

    /// The members of a record by their names. A percentile of several stands in an object, under
    /// the name before the column's last point or, alone, in the value itself.
    private static func cells(_ record: JSONValue, _ columns: [String]) -> [JSONValue?] {
        columns.map { column in
            if let value = record[column] { return value }
            for place in column.indices where column[place] == "." {
                let rest = String(column[column.index(after: place)...])
                if let value = record[String(column[..<place])]?[rest] { return value }
            }
            return column.hasPrefix("result.") ? record[String(column.dropFirst(7))] : nil
        }
    }
}
