// What each component has done, in the four windows that Storm's pages show: the last ten minutes,
// three hours, a day, and all time. The runtime's loop writes, anybody reads.

internal import Base
internal import Synchronization

/// What is counted of one component.
package struct Tally: Sendable, Equatable {
    /// Tuples that it emitted.
    package var emitted: Int64 = 0
    /// What became of them: one for each task that got them, or a part of them.
    package var transferred: Int64 = 0
    /// Tuples that it executed; for a spout 0.
    package var executed: Int64 = 0
    /// For a bolt its tuples, for a spout its batches.
    package var acked: Int64 = 0
    package var failed: Int64 = 0
    /// Time within `execute`.
    package var executeNanoseconds: Int64 = 0
    /// For a bolt the time from coming into the queue to being done; for a spout from handing a
    /// batch over to its being done with all that came of it (Storm's complete latency).
    package var processNanoseconds: Int64 = 0

    package init() {}

    package static func += (left: inout Tally, right: Tally) {
        left.emitted += right.emitted
        left.transferred += right.transferred
        left.executed += right.executed
        left.acked += right.acked
        left.failed += right.failed
        left.executeNanoseconds += right.executeNanoseconds
        left.processNanoseconds += right.processNanoseconds
    }
}

/// A window of the statistics.
package enum TallyWindow: String, Sendable, CaseIterable {
    case tenMinutes = "10m"
    case threeHours = "3h"
    case day = "1d"
    case all

    /// Its length and the part of it by which it moves on.
    var length: (whole: Duration, step: Duration)? {
        switch self {
        case .tenMinutes: (.seconds(600), .seconds(10))
        case .threeHours: (.seconds(10_800), .seconds(300))
        case .day: (.seconds(86_400), .seconds(1_800))
        case .all: nil
        }
    }
}

/// Sums over a sliding window, in steps: what is read covers the window to within one step.
struct TallyRing: Sendable {
    private let step: Duration
    private var parts: [Tally]
    /// The number of the current step since the clock's beginning.
    private var current: Int64 = 0

    init(_ length: (whole: Duration, step: Duration)) {
        step = length.step
        parts = Array(repeating: Tally(), count: Int(length.whole / length.step))
    }

    mutating func add(_ tally: Tally, now: Duration) {
        advance(now)
        parts[Int(current % Int64(parts.count))] += tally
    }

    mutating func sum(now: Duration) -> Tally {
        advance(now)
        return parts.reduce(into: Tally()) { $0 += $1 }
    }

    private mutating func advance(_ now: Duration) {
        let wanted = Int64(now / step)
        guard wanted > current else { return }
        for number in max(current + 1, wanted - Int64(parts.count) + 1)...wanted {
            parts[Int(number % Int64(parts.count))] = Tally()
        }
        current = wanted
    }
}

/// One component's sums in all windows.
struct TallyWindows: Sendable {
    private var all = Tally()
    private var rings: [TallyWindow: TallyRing]

    init() {
        let lengths = TallyWindow.allCases.compactMap { window in window.length.map { (window, $0) }
        }
        rings = Dictionary(uniqueKeysWithValues: lengths.map { ($0, TallyRing($1)) })
    }

    mutating func add(_ tally: Tally, now: Duration) {
        all += tally
        for window in rings.keys { rings[window]?.add(tally, now: now) }
    }

    mutating func sums(now: Duration) -> [TallyWindow: Tally] {
        var sums: [TallyWindow: Tally] = [.all: all]
        for window in rings.keys { sums[window] = rings[window]?.sum(now: now) }
        return sums
    }
}

/// The statistics of one running topology.
package final class TopologyStatistics: Sendable {
    private struct Component: Sendable {
        let name: ComponentName
        var windows = TallyWindows()
        var queued = 0
        var lastError: (reason: String, at: Duration)?
    }

    /// One task's time within `execute`, for how busy it was.
    private struct TaskLoad: Sendable {
        let began: Duration
        var ring = TallyRing((.seconds(600), .seconds(10)))
    }

    private struct State: Sendable {
        var name = ""
        var began: Duration?
        /// The spout first.
        var components: [Component] = []
        var tasks: [TaskID: TaskLoad] = [:]
        var lanes = 0
        var dot = ""
    }

    private let state = Mutex(State())

    package init() {}

    /// What the topology looks like as a graph for Graphviz; empty before it runs.
    package var dot: String { state.withLock { $0.dot } }

    func began<Payload>(_ topology: Topology<Payload>, now: Duration) {
        state.withLock { state in
            state = State(name: topology.name, began: now, dot: topology.dot)
            state.components = ([topology.spout.name] + topology.bolts.map(\.name)).map {
                Component(name: $0)
            }
        }
    }

    func laneBegan(_ lane: LaneID, tasks: [Int], now: Duration) {
        state.withLock { state in
            state.lanes += 1
            for (bolt, count) in tasks.enumerated() {
                for task in 0..<count {
                    state.tasks[TaskID(lane: lane, bolt: bolt, task: task)] = TaskLoad(began: now)
                }
            }
        }
    }

    func laneEnded(_ lane: LaneID) {
        state.withLock { state in
            state.lanes -= 1
            state.tasks = state.tasks.filter { $0.key.lane != lane }
        }
    }

    /// The spout handed a batch over.
    func spoutEmitted(tuples: Int, now: Duration) {
        var tally = Tally()
        tally.emitted = 1
        tally.transferred = Int64(tuples)
        add(tally, to: 0, now: now)
    }

    func spoutAcked(latency: Duration, now: Duration) {
        var tally = Tally()
        tally.acked = 1
        tally.processNanoseconds = latency.inNanoseconds
        add(tally, to: 0, now: now)
    }

    func spoutFailed(_ reason: String, now: Duration) {
        var tally = Tally()
        tally.failed = 1
        add(tally, to: 0, now: now)
        state.withLock { $0.components[0].lastError = (reason, now) }
    }

    /// A task executed one tuple.
    func executed<Payload>(
        _ task: TaskID, _ result: WorkResult<Payload>, tuples: Int, took: Duration, since: Duration,
        now: Duration
    ) {
        var tally = Tally()
        tally.executed = 1
        tally.executeNanoseconds = took.inNanoseconds
        switch result {
        case .success(let emissions):
            tally.emitted = Int64(emissions.count)
            tally.transferred = Int64(tuples)
            tally.acked = 1
            tally.processNanoseconds = (now - since).inNanoseconds
        case .failure: tally.failed = 1
        }
        add(tally, to: task.bolt + 1, now: now)
        state.withLock { state in
            state.tasks[task]?.ring.add(tally, now: now)
            if case .failure(let failure) = result {
                state.components[task.bolt + 1].lastError = (failure.reason, now)
            }
        }
    }

    /// Tuples that wait, by bolt.
    func queued(_ counts: [Int]) {
        state.withLock { state in
            for (index, count) in counts.enumerated() { state.components[index + 1].queued = count }
        }
    }

    private func add(_ tally: Tally, to component: Int, now: Duration) {
        state.withLock { $0.components[component].windows.add(tally, now: now) }
    }

    /// How everything stands. Nil before the topology runs.
    package func report(now: Duration = monotonicTime()) -> TopologyReport? {
        state.withLock { state in
            guard let began = state.began else { return nil }
            var report = TopologyReport(name: state.name, uptime: now - began)
            for index in state.components.indices {
                let component = state.components[index]
                var row = ComponentReport(name: component.name.text, isSpout: index == 0)
                row.windows = state.components[index].windows.sums(now: now)
                row.queued = component.queued
                row.lastError = component.lastError.map { ($0.reason, now - $0.at) }
                if index == 0 {
                    row.tasks = state.lanes
                } else {
                    (row.tasks, row.capacity) = Self.load(of: index - 1, &state, now)
                }
                report.components.append(row)
            }
            return report
        }
    }

    /// How many tasks a bolt has, and how busy its busiest one was in the last ten minutes.
    private static func load(
        of bolt: Int, _ state: inout State, _ now: Duration
    ) -> (Int, Double) {
        var capacity = 0.0
        var count = 0
        for task in state.tasks.keys where task.bolt == bolt {
            count += 1
            guard let began = state.tasks[task]?.began, now > began,
                let tally = state.tasks[task]?.ring.sum(now: now)
            else { continue }
            let time = min(now - began, .seconds(600)).inNanoseconds
            capacity = max(capacity, Double(tally.executeNanoseconds) / Double(time))
        }
        return (count, capacity)
    }
}

extension Duration {
    /// Whole nanoseconds; what a program counts stays far below 292 years.
    var inNanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
