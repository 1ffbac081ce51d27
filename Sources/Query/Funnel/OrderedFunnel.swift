// Funnels in which the order counts: an actor reaches a step with an event later than the one by
// which he reached the step before, and within the conversion window of the one that he began with.
// Pure.

internal import Aggregate
internal import Model
internal import Plan

/// The instants, ascending, at which each actor of a step was seen.
typealias ActorTimes = [Value: [Int64]]

/// How an ordered funnel is walked.
struct OrderedFunnel: Sendable {
    /// Milliseconds from the first step's event to that of any other; nil: any time.
    let window: UInt64?

    /// Reads an ordered funnel's parameters; nil: the order does not count.
    init?(_ parameters: Parameters) throws(QueryError) {
        let seconds = try parameters.positiveInteger("conversion_window")
        guard try parameters.bool("ordered") ?? false else {
            guard seconds == nil else {
                throw QueryError(
                    .invalidParameter, "conversion_window needs a funnel that is ordered")
            }
            return nil
        }
        window = seconds.map {
            let (milliseconds, overflow) = UInt64($0).multipliedReportingOverflow(by: 1000)
            return overflow ? .max : milliseconds
        }
    }

    /// The times that one step's scan found: a group for each actor, with the distinct instants of
    /// his events.
    static func times(_ partial: PartialResult) throws(QueryError) -> ActorTimes {
        var times: ActorTimes = [:]
        let (keys, states) = (partial.keys, partial.states)
        for group in 0..<partial.count {
            guard keys.columns.count == 1, case .selectUnique(let distinct)? = states.first?[group]
            else { throw QueryError(.internalError, "a shard's answer does not fit the funnel") }
            let actor = keys.columns[0].value(at: group)
            guard actor != .null else { continue }
            times[actor] = distinct.ints
        }
        return times
    }

    /// Who reaches each step. `times` has one element for each step.
    func reached(_ steps: [FunnelStep], _ times: [ActorTimes]) -> [DistinctValues] {
        var reached = [[Value]](repeating: [], count: steps.count)
        for actor in times[0].keys {
            let his = times.map { $0[actor] ?? [] }
            for (step, isReached) in walk(steps, his).enumerated() where isReached {
                reached[step].append(actor)
            }
        }
        return reached.map { DistinctValues($0) }
    }

    /// The steps that one actor reaches, from whichever of his beginnings. From one beginning the
    /// earliest event that fits each step leaves the most room for the next.
    private func walk(_ steps: [FunnelStep], _ times: [[Int64]]) -> [Bool] {
        var reached = [Bool](repeating: false, count: steps.count)
        // Without a window the earliest beginning gives whatever a later one does.
        for start in window == nil ? times[0].prefix(1) : times[0][...] {
            reached[0] = true
            var last = start
            for step in steps.indices.dropFirst() {
                if let next = first(after: last, in: times[step]), isWithin(next, of: start) {
                    reached[step] = true
                    if !steps[step].isOptional { last = next }
                } else if !steps[step].isOptional {
                    break
                }
            }
            if !reached.contains(false) { break }
        }
        return reached
    }

    private func isWithin(_ time: Int64, of start: Int64) -> Bool {
        // `time` is the later one: the difference is right whatever the two are.
        window.map { UInt64(bitPattern: time) &- UInt64(bitPattern: start) <= $0 } ?? true
    }

    private func first(after time: Int64, in times: [Int64]) -> Int64? {
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return low < times.count ? times[low] : nil
    }
}
