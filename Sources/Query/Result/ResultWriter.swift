// Answers in the shapes of the Keen API:
//
//   plain               {"result": 42}
//   interval            {"result": [{"value": 3, "timeframe": {"start": ..., "end": ...}}, ...]}
//   group_by            {"result": [{"plan": "free", "result": 9}, ...]}
//   interval, group_by  {"result": [{"timeframe": {...}, "value": [{"plan": "free", "result":
//   2}]}]}
//
// A multi_analysis has its labels in place of `result`, and an object of them in place of a value.
// Group properties come under their dotted names in the order of the request, then `result`.
// Groups ascend with null last. Every bucket is there, also an empty one, and every bucket has the
// same groups, unless order_by and limit choose among them bucket by bucket.

internal import Aggregate
internal import Base
internal import JSON
internal import Model
internal import Plan

/// Writes one answer.
struct ResultWriter {
    private let query: PreparedQuery
    private let request: QueryRequest
    private var json = JSONWriter(capacity: 256)

    init(query: PreparedQuery) {
        self.query = query
        request = query.request
    }

    mutating func answer(
        _ partial: PartialResult, elapsed: Duration, missing: [MissingShards]
    ) throws(QueryError) -> [UInt8] {
        json.beginObject()
        json.key("result")
        switch (request.interval != nil, !request.groupBy.isEmpty) {
        case (false, false): writeValue(figures(of: partial.count > 0 ? 0 : nil, partial))
        case (false, true): writeGroups(partial.keys, partial) { $0 }
        case (true, false): writeBuckets(partial)
        case (true, true): try writeGroupedBuckets(partial)
        }
        if partial.isApproximate {
            json.key("approximate")
            json.bool(true)
        }
        if request.includesMetadata { writeMetadata(partial.statistics, elapsed: elapsed) }
        if request.explains { json.writeExplanation(partial.statistics, elapsed: elapsed) }
        if request.allowsPartial { json.writeMissing(missing) }
        json.endObject()
        return json.bytes
    }

    /// A group's figures, or what they are of no events.
    private func figures(of group: Int?, _ partial: PartialResult) -> [FigureValue] {
        request.figures.indices.map { figure($0, of: group, partial) }
    }

    private func figure(_ index: Int, of group: Int?, _ partial: PartialResult) -> FigureValue {
        let place = query.places[index]
        let state =
            group.map { partial.states[place][$0] } ?? AggregateState(empty: query.kinds[place])
        guard case .numbers(let numbers) = state, let wanted = request.figures[index].percentiles
        else { return .single(state.result) }
        let results = wanted.hundredths.map { numbers.percentile(hundredths: $0) }
        return wanted.isList ? .several(results) : .single(results[0])
    }

    private mutating func writeBuckets(_ partial: PartialResult) {
        var byBucket: [Int: Int] = [:]
        for (group, bucket) in partial.keys.buckets.enumerated() { byBucket[Int(bucket)] = group }
        json.beginArray()
        for bucket in 0..<query.bucketCount {
            json.beginObject()
            json.key("value")
            writeValue(figures(of: byBucket[bucket], partial))
            json.writeTimeframe(query.plan.boundaries, bucket, request.zone)
            json.endObject()
        }
        json.endArray()
    }

    private mutating func writeGroupedBuckets(_ partial: PartialResult) throws(QueryError) {
        let (keys, places) = partial.keys.withoutBuckets
        guard keys.count * query.bucketCount <= Limits.queryCellsMax else {
            throw QueryError(
                .tooLarge,
                "the answer would have more than \(Limits.queryCellsMax) cells: "
                    + "\(query.bucketCount) intervals of \(keys.count) groups")
        }
        let buckets = partial.keys.buckets
        var next = 0
        json.beginArray()
        for bucket in 0..<query.bucketCount {
            // Groups ascend by bucket.
            var groups = [Int?](repeating: nil, count: keys.count)
            while next < buckets.count, Int(buckets[next]) == bucket {
                groups[Int(places[next])] = next
                next += 1
            }
            json.beginObject()
            json.writeTimeframe(query.plan.boundaries, bucket, request.zone)
            json.key("value")
            writeGroups(keys, partial) { groups[$0] }
            json.endObject()
        }
        json.endArray()
    }

    /// The groups that the request wants to see, in its order. `place` gives where in `partial` a
    /// group is, if it is there.
    private mutating func writeGroups(
        _ keys: GroupKeys, _ partial: PartialResult, _ place: (Int) -> Int?
    ) {
        let chosen =
            request.orderBy.isEmpty || keys.count == 0
            ? keys.answerOrder
            : keys.first(
                request.limit ?? .max,
                by: request.orderBy.map { ordering($0, keys, partial, place) })
        json.beginArray()
        for group in chosen {
            json.beginObject()
            for (place, column) in keys.columns.enumerated() {
                let value = column.value(at: Int(group))
                json.key(request.groupBy[place].text)
                if case .int(let range) = value, case .ranges = request.groupings[place] {
                    json.string(request.rangeNames[place][Int(range)])
                } else {
                    write(value, isTime: request.groupBy[place].isTime)
                }
            }
            writeMembers(figures(of: place(Int(group)), partial))
            json.endObject()
        }
        json.endArray()
    }

    private func ordering(
        _ ordering: Ordering, _ keys: GroupKeys, _ partial: PartialResult, _ place: (Int) -> Int?
    ) -> GroupOrdering {
        let key: GroupOrdering.Key
        switch ordering.key {
        case .group(let column): key = .values(column: column)
        case .figure(let index):
            let isWhole = keys.count == partial.count && request.interval == nil
            if isWhole, request.figures[index].percentiles == nil {
                key = .figures(partial.states[query.places[index]].figures)
            } else {
                key = .figures(
                    (0..<keys.count).map { group in
                        switch figure(index, of: place(group), partial) {
                        case .single(let result): Extreme(result)
                        case .several: .none
                        }
                    })
            }
        }
        return GroupOrdering(key, isDescending: ordering.isDescending)
    }
}

/// What a figure comes to.
private enum FigureValue {
    case single(AggregateResult)
    /// Of several percentiles, in the order of the request.
    case several([AggregateResult])
}

extension ResultWriter {
    /// The one figure itself, or an object of those of a multi_analysis.
    private mutating func writeValue(_ figures: [FigureValue]) {
        guard request.analysis == .multiAnalysis else {
            return write(figures[0], of: request.figures[0])
        }
        json.beginObject()
        writeMembers(figures)
        json.endObject()
    }

    private mutating func writeMembers(_ figures: [FigureValue]) {
        for (figure, value) in zip(request.figures, figures) {
            json.key(figure.label)
            write(value, of: figure)
        }
    }

    private mutating func write(_ value: FigureValue, of figure: Figure) {
        switch value {
        case .single(let result): write(result, of: figure)
        case .several(let results):
            json.beginObject()
            for (hundredths, result) in zip(figure.percentiles?.hundredths ?? [], results) {
                json.key(Percentiles.name(hundredths))
                write(result, of: figure)
            }
            json.endObject()
        }
    }

    private mutating func write(_ result: AggregateResult, of figure: Figure) {
        let isTime = figure.target?.isTime ?? false
        switch result {
        case .null: json.null()
        case .int(let number):
            if isTime && figure.isElement { writeTime(number) } else { json.int(number) }
        case .double(let number): json.number(number)
        case .list(let values):
            json.beginArray()
            for value in values { write(value, isTime: isTime) }
            json.endArray()
        }
    }

    private mutating func write(_ value: Value, isTime: Bool) {
        switch value {
        case .null: json.null()
        case .bool(let bool): json.bool(bool)
        case .int(let milliseconds) where isTime: writeTime(milliseconds)
        case .int(let number): json.int(number)
        case .double(let number): json.number(number)
        case .string(let text): json.string(text)
        case .json(let text): json.raw(text.utf8)
        }
    }

    /// Instants that were stored come back as they are written everywhere: in UTC.
    private mutating func writeTime(_ milliseconds: Int64) {
        let instant = Timestamp(milliseconds: milliseconds)
        guard instant >= Timeframe.earliest, instant < Timeframe.latest else {
            return json.int(milliseconds)
        }
        json.string(utf8: instant.iso8601)
    }

    private mutating func writeMetadata(_ statistics: ScanStatistics, elapsed: Duration) {
        var paths = Set(request.groupBy)
        for filter in query.plans.flatMap(\.filters) { filter.collectPaths(into: &paths) }
        paths.formUnion(request.figures.compactMap(\.target))
        if request.timeframe != nil { paths.insert(.timestamp) }
        json.writeMetadata(statistics, propertyCount: paths.count, elapsed: elapsed)
    }
}

extension JSONWriter {
    /// The member `timeframe`: one of the buckets between boundaries.
    mutating func writeTimeframe(_ boundaries: [Timestamp], _ bucket: Int, _ zone: Zone) {
        key("timeframe")
        beginObject()
        key("start")
        string(utf8: zone.iso8601(boundaries[bucket]))
        key("end")
        string(utf8: zone.iso8601(boundaries[bucket + 1]))
        endObject()
    }

    /// The member `execution_metadata` of an answer.
    mutating func writeMetadata(
        _ statistics: ScanStatistics, propertyCount: Int, elapsed: Duration
    ) {
        let (seconds, attoseconds) = elapsed.components
        let scanned = Double(statistics.rowsScanned)
        key("execution_metadata")
        beginObject()
        key("total_processing_time")
        number(Double(seconds) + (Double(attoseconds) / 1e15).rounded() / 1000)
        key("events_scanned")
        number(scanned)
        key("properties_per_event")
        int(propertyCount)
        key("total_properties_scanned")
        number(scanned * Double(propertyCount))
        endObject()
    }
}

extension Filter {
    /// The properties that the filter reads.
    func collectPaths(into paths: inout Set<PropertyPath>) {
        switch self {
        case .compare(let path, _, _), .among(let path, _), .exists(let path, _),
            .contains(let path, _), .within(let path, _), .matches(let path, _):
            paths.insert(path)
        case .not(let filter): filter.collectPaths(into: &paths)
        case .all(let filters), .any(let filters):
            filters.forEach { $0.collectPaths(into: &paths) }
        }
    }
}
