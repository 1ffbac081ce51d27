// One worker in the simulation: the real table, machine and bolts, with everything around them
// happening late, twice, or not at all.

import Base
import Enrich
import LogClient
import Logging
import Model
import RPC
import Topology

@testable import Bolts

/// A worker's parts, and what is on its way between them.
struct SimulatedWorker {
    enum Job {
        case locate(Int32, UInt64)
        case rangeOf(Int32, UInt64, applied: Int64)
        case place(Int32, UInt64)
        case survey([Int32: Int64])
        case surveyed([Int32: Int64], applied: [Int32: Int64])
    }

    enum LoopEvent {
        case begin(Int32), end(Int32), wake(Int32)
        case executed(TaskID, WorkResult<EventTuple>)
    }

    var table: SpoutTable
    var machine: TopologyMachine<EventTuple>
    var consumer = SimulatedConsumer()
    private let topology: Topology<EventTuple>
    private var bolts: [TaskID: any Bolt<EventTuple>] = [:]
    var jobs: [Job] = []
    /// Waits for the loop, in order.
    var loopEvents: [LoopEvent] = []
    /// What bolts are executing.
    var running: [(task: TaskID, work: Work<EventTuple>)] = []
    /// Calls on their way to the store, with nobody waiting for them once the lane is gone.
    var calls: [(task: TaskID, batch: ApplyBatch)] = []
    /// What it said retention has taken, by partition.
    var lost: [Int32: Set<Int64>] = [:]
    var committed: [Int32: Int64] = [:]
    private(set) var now = Duration.zero

    init(
        store: any ShardStore, deadLetters: any DeadLetterSink, limits: SpoutLimits, seed: UInt64
    ) throws {
        topology = try EventTopology.make(
            store: store, enricher: Enricher(geo: nil), deadLetters: deadLetters,
            metrics: WorkerMetrics(), seed: seed)
        machine = TopologyMachine(topology)
        table = SpoutTable(limits: limits, seed: seed)
    }

    mutating func perform(_ commands: [SpoutCommand]) {
        for command in commands {
            switch command {
            case .begin(let partition): loopEvents.append(.begin(partition))
            case .end(let partition): loopEvents.append(.end(partition))
            case .wake(let partition): loopEvents.append(.wake(partition))
            case .assign(let places, let placement):
                consumer.orders.append(.assign(places, placement: placement))
            case .unassign: consumer.orders.append(.unassign)
            case .pause(let partition): consumer.orders.append(.setPaused(partition, true))
            case .resume(let partition): consumer.orders.append(.setPaused(partition, false))
            case .locate(let partition, let ticket, _): jobs.append(.locate(partition, ticket))
            case .place(let partition, let ticket, _): jobs.append(.place(partition, ticket))
            case .commit(let offsets): committed.merge(offsets) { $1 }
            case .lost(let partition, let offsets):
                lost[partition, default: []].formUnion(offsets)
            case .logEndsEarly: break
            }
        }
    }

    // MARK: The consumer's thread

    mutating func flush() {
        for item in consumer.takeGathered() {
            switch item {
            case .records(let records): perform(table.received(records))
            case .end(let partition, let offset):
                perform(table.reachedEnd(partition, at: offset))
            case .outOfRange(let partition): perform(table.outOfRange(partition))
            }
        }
    }

    mutating func performOrders(canFail: Bool) {
        flush()
        let orders = consumer.orders
        consumer.orders = []
        for order in orders {
            switch order {
            case .assign(let places, let placement):
                if !canFail { consumer.assign(places) }
                perform(table.placed(placement, failed: canFail))
            case .unassign: consumer.assign([:])
            case .setPaused(let partition, let isPaused):
                consumer.setPaused(partition, isPaused)
            }
        }
    }

    mutating func rebalance(_ partitions: [Int32]?, areLost: Bool) {
        flush()
        if let partitions {
            perform(table.assigned(partitions))
        } else {
            perform(table.revoked(areLost: areLost))
        }
    }

    // MARK: The loop and its bolts

    mutating func runLoop() {
        guard !loopEvents.isEmpty else { return }
        switch loopEvents.removeFirst() {
        case .begin(let partition): machine.assign(partition, now: now)
        case .end(let partition): machine.revoke(partition)
        case .wake(let partition): machine.wake(partition)
        case .executed(let task, let result): machine.executed(task, result)
        }
        var actions = machine.takeActions()
        while !actions.isEmpty {
            for action in actions { perform(action) }
            actions = machine.takeActions()
        }
    }

    private mutating func perform(_ action: TopologyAction<EventTuple>) {
        switch action {
        case .start(let lane):
            for index in topology.bolts.indices {
                let context = TaskContext(
                    component: topology.bolts[index].name, partition: lane.partition,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                bolts[TaskID(lane: lane, bolt: index)] = topology.bolts[index].make(context)
            }
        case .stop(let lane):
            bolts = bolts.filter { $0.key.lane != lane }
            running.removeAll { $0.task.lane == lane }
        case .execute(let task, let work): running.append((task, work))
        case .poll(let lane):
            let (batch, commands) = table.nextBatch(of: lane.partition)
            perform(commands)
            machine.polled(lane, batch.map(Self.tuple), now: now)
        case .acked(let lane, let toOffset, _):
            table.acked(lane.partition, toOffset: toOffset)
        case .failed(let lane, let failure):
            perform(table.failed(lane.partition, replayFrom: failure.replayFrom))
        }
    }

    private static func tuple(_ batch: SpoutBatch<[LogRecord]>) -> SpoutBatch<EventTuple> {
        let stretch = RecordStretch(
            fromOffset: batch.fromOffset, toOffset: batch.toOffset, records: batch.payload)
        return SpoutBatch(
            fromOffset: batch.fromOffset, toOffset: batch.toOffset, payload: .records(stretch))
    }

    /// One bolt finishes; the store bolt by sending its batch instead.
    mutating func runBolt(using random: inout PRNG) async throws {
        guard let index = running.indices.randomElement(using: &random) else { return }
        let (task, work) = running.remove(at: index)
        guard case .tuple(let tuple) = work else { return }
        if case .batch(let batch, _) = tuple.payload { return calls.append((task, batch)) }
        guard var bolt = bolts[task] else { return }
        let emissions = try await Self.execute(tuple, on: &bolt)
        bolts[task] = bolt
        loopEvents.append(.executed(task, .success(emissions)))
    }

    private static func execute(
        _ tuple: Tuple<EventTuple>, on bolt: inout any Bolt<EventTuple>
    ) async throws -> [Emission<EventTuple>] {
        var output = OutputCollector<EventTuple>()
        try await bolt.execute(tuple, into: &output)
        return output.emissions
    }

    /// What the store bolt makes of an answer.
    mutating func answered(_ task: TaskID, _ batch: ApplyBatch, _ verdict: StoreVerdict) {
        guard bolts[task] != nil else { return }
        switch verdict {
        case .done: loopEvents.append(.executed(task, .success([])))
        case .again: calls.append((task, batch))
        case .replay(let offset):
            let failure = TupleFailure(reason: "gap", replayFrom: offset)
            loopEvents.append(.executed(task, .failure(failure)))
        case .refused:
            loopEvents.append(.executed(task, .failure(TupleFailure(reason: "refused"))))
        }
    }

    mutating func beat() {
        now += .milliseconds(300)
        perform(table.commit(now: now))
    }
}
