// Runs a topology without threads and without time, for tests: the real machine and the real bolts,
// under a scheduler and a clock that come from a seed. Which task finishes next, when ticks fall
// and what fails is drawn; two runs with one seed are the same, and a topology that is right gives
// the same result for every seed.

internal import Base
internal import Logging

/// A topology that is run on given batches.
package struct TopologySimulator<Payload: TuplePayload> {
    private let topology: Topology<Payload>
    private var machine: TopologyMachine<Payload>
    private var random: PRNG
    private let batches: [Int32: [SpoutBatch<Payload>]]
    private let failureRate: Double
    private var bolts: [TaskID: any Bolt<Payload>] = [:]
    private var running: [(task: TaskID, work: Work<Payload>)] = []
    private var next: [Int32: Int] = [:]
    /// The clock: moves on by up to a second with each step.
    package private(set) var now = Duration.zero
    /// Everything below is done, by partition.
    package private(set) var acked: [Int32: Int64] = [:]
    /// Batches that failed and were replayed with all behind them.
    package private(set) var failures = 0

    /// `batches` are those of each partition in the order of the log. With `failureRate` that part
    /// of executions fail, half of them after they have done everything.
    package init(
        _ topology: Topology<Payload>, batches: [Int32: [SpoutBatch<Payload>]], seed: UInt64,
        failureRate: Double = 0
    ) {
        self.topology = topology
        machine = TopologyMachine(topology)
        random = PRNG(seed: seed)
        self.batches = batches
        self.failureRate = failureRate
    }

    /// Runs until every batch is done, then cleans the bolts up.
    package mutating func run() async throws {
        for partition in batches.keys.sorted() {
            machine.assign(partition, now: now)
            machine.wake(partition)
        }
        try await perform()
        while !running.isEmpty {
            now += .milliseconds(Int64.random(in: 0...1000, using: &random))
            machine.tick(now: now)
            try await perform()
            try await finishOne()
            try await perform()
        }
        for task in bolts.keys.sorted(by: Self.order) { await bolts[task]?.cleanup() }
    }

    private static func order(_ left: TaskID, _ right: TaskID) -> Bool {
        (left.lane.partition, left.bolt, left.task)
            < (right.lane.partition, right.bolt, right.task)
    }

    private mutating func perform() async throws {
        var actions = machine.takeActions()
        while !actions.isEmpty {
            for action in actions { try await perform(action) }
            actions = machine.takeActions()
        }
    }

    private mutating func perform(_ action: TopologyAction<Payload>) async throws {
        switch action {
        case .start(let lane): try await start(lane)
        case .stop: preconditionFailure("a simulated partition stays")
        case .execute(let task, let work): running.append((task, work))
        case .poll(let lane):
            let index = next[lane.partition, default: 0]
            let all = batches[lane.partition] ?? []
            next[lane.partition] = min(index + 1, all.count)
            machine.polled(lane, index < all.count ? all[index] : nil, now: now)
        case .acked(let lane, let toOffset, _): acked[lane.partition] = toOffset
        case .failed(let lane, let failure):
            failures += 1
            let from = failure.replayFrom ?? acked[lane.partition]
            let all = batches[lane.partition] ?? []
            next[lane.partition] =
                from.flatMap { from in all.firstIndex { $0.toOffset > from } }
                ?? (from == nil ? 0 : all.count)
            machine.wake(lane.partition)
        }
    }

    private mutating func start(_ lane: LaneID) async throws {
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        for (index, declaration) in topology.bolts.enumerated() {
            for number in 0..<declaration.parallelism {
                let task = TaskID(lane: lane, bolt: index, task: number)
                var bolt = declaration.make(topology.context(of: task, logger: logger))
                try await bolt.prepare()
                bolts[task] = bolt
            }
        }
    }

    private mutating func finishOne() async throws {
        guard let index = running.indices.randomElement(using: &random) else { return }
        let (task, work) = running.remove(at: index)
        guard var bolt = bolts[task] else { return }
        defer { bolts[task] = bolt }
        switch work {
        case .tick:
            await bolt.tick()
            machine.executed(task, .success([]), now: now)
        case .tuple(let tuple):
            let failsBefore = Double.random(in: 0..<1, using: &random) < failureRate / 2
            let failsAfter = Double.random(in: 0..<1, using: &random) < failureRate / 2
            let drawn = WorkResult<Payload>.failure(TupleFailure(reason: "drawn"))
            if failsBefore { return _ = machine.executed(task, drawn, now: now) }
            let result = await WorkResult.of(tuple, on: &bolt)
            machine.executed(task, failsAfter ? drawn : result, now: now)
        }
    }
}
