// Runs a topology: performs what the machine decides, with one Swift task for each task of each
// lane. All decisions are made by one loop (`run`), which owns the machine; everybody else posts
// events to it.
//
// The event queue needs no bound of its own: a bolt's task has at most one result outstanding, a
// partition at most one wake-up, and assignments come from one caller.

internal import Base
package import Logging
internal import Metrics
internal import Synchronization

/// A running topology.
package final class TopologyRuntime<Payload: TuplePayload>: Sendable {
    enum Event: Sendable {
        case assign(Int32)
        case revoke(Int32)
        case wake(Int32)
        case executed(TaskID, WorkResult<Payload>, took: Duration, since: Duration)
        case ticked(TaskID)
        case cannotPrepare(any Error)
        case tick
        case drain
    }

    private let topology: Topology<Payload>
    private let spout: any Spout<Payload>
    private let logger: Logger
    private let events: AsyncStream<Event>
    private let inbox: AsyncStream<Event>.Continuation
    /// Partitions with a wake-up in the queue.
    private let awake = Mutex<Set<Int32>>([])
    private let statistics: TopologyStatistics
    /// How often gauges are set, unless a bolt ticks more often.
    private static var beat: Duration { .seconds(1) }

    /// `statistics` are kept up to date for whoever shows them.
    package init(
        _ topology: Topology<Payload>, spout: any Spout<Payload>,
        statistics: TopologyStatistics = TopologyStatistics(), logger: Logger
    ) {
        self.topology = topology
        self.spout = spout
        self.statistics = statistics
        self.logger = logger
        (events, inbox) = AsyncStream.makeStream(of: Event.self)
    }

    /// Begins a lane for `partition`; whatever an earlier lane of it had under way is dropped.
    package func assign(_ partition: Int32) { inbox.yield(.assign(partition)) }

    /// Drops the lane of `partition` and what is under way in it.
    package func revoke(_ partition: Int32) { inbox.yield(.revoke(partition)) }

    /// The spout has something for `partition`. Cheap to call again.
    package func wake(_ partition: Int32) {
        guard awake.withLock({ $0.insert(partition).inserted }) else { return }
        inbox.yield(.wake(partition))
    }

    /// Asks the spout for nothing more; `run` returns when what is under way is done.
    package func drain() { inbox.yield(.drain) }

    /// Runs until `drain` has been called and everything under way is done, or the task is
    /// cancelled, which drops what is under way.
    package func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            let interval = topology.bolts.compactMap(\.tickEvery).reduce(Self.beat, min)
            group.addTask { await self.beat(every: interval) }
            try await self.decide(in: &group)
            group.cancelAll()
        }
    }

    private func beat(every interval: Duration) async {
        while !Task.isCancelled {
            // Cancelled is the only way to fail, and the loop sees it.
            try? await Task.sleep(for: interval)
            inbox.yield(.tick)
        }
    }

    /// The loop that owns the machine.
    private func decide(in group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
        var machine = TopologyMachine(topology)
        var lanes: [LaneID: LaneTasks<Payload>] = [:]
        let metrics = TopologyMetrics(topology)
        var isDraining = false
        statistics.began(topology, now: monotonicTime())
        for await event in events {
            switch event {
            case .assign(let partition): machine.assign(partition, now: monotonicTime())
            case .revoke(let partition): machine.revoke(partition)
            case .wake(let partition):
                awake.withLock { _ = $0.remove(partition) }
                machine.wake(partition)
            case .executed(let task, let result, let took, let since):
                let now = monotonicTime()
                let tuples = machine.executed(task, result, now: now)
                metrics.executed(
                    task.bolt, result, tuples: tuples, took: took, process: now - since)
                statistics.executed(
                    task, result, tuples: tuples, took: took, since: since, now: now)
            case .ticked(let task): machine.executed(task, .success([]))
            case .cannotPrepare(let error): throw error
            case .tick:
                machine.tick(now: monotonicTime())
                statistics.queued(machine.queuedTuples)
                metrics.show(statistics.report())
            case .drain:
                isDraining = true
                machine.drain()
            }
            perform(&machine, &lanes, metrics, &group)
            if isDraining, machine.isIdle { return }
        }
    }

    private func perform(
        _ machine: inout TopologyMachine<Payload>, _ lanes: inout [LaneID: LaneTasks<Payload>],
        _ metrics: TopologyMetrics, _ group: inout ThrowingDiscardingTaskGroup<any Error>
    ) {
        var actions = machine.takeActions()
        while !actions.isEmpty {
            for action in actions {
                switch action {
                case .start(let id): lanes[id] = start(id, in: &group)
                case .stop(let id):
                    statistics.laneEnded(id)
                    lanes.removeValue(forKey: id)?.stop()
                case .execute(let task, let work): lanes[task.lane]?.give(work, to: task)
                case .poll(let id): poll(id, &machine, metrics)
                case .acked(let id, let toOffset, let emittedAt):
                    let now = monotonicTime()
                    metrics.spout.acked.increment()
                    metrics.complete.record(duration: now - emittedAt)
                    statistics.spoutAcked(latency: now - emittedAt, now: now)
                    spout.acked(partition: id.partition, toOffset: toOffset)
                case .failed(let id, let failure):
                    metrics.spout.failed.increment()
                    statistics.spoutFailed(failure.reason, now: monotonicTime())
                    spout.failed(partition: id.partition, failure: failure)
                }
            }
            actions = machine.takeActions()
        }
    }

    private func poll(
        _ id: LaneID, _ machine: inout TopologyMachine<Payload>, _ metrics: TopologyMetrics
    ) {
        let batch = spout.nextBatch(of: id.partition)
        let now = monotonicTime()
        let tuples = machine.polled(id, batch, now: now)
        guard batch != nil else { return }
        metrics.spout.emitted.increment()
        metrics.spout.transferred.increment(by: tuples)
        statistics.spoutEmitted(tuples: tuples, now: now)
    }

    private func start(
        _ id: LaneID, in group: inout ThrowingDiscardingTaskGroup<any Error>
    ) -> LaneTasks<Payload> {
        let inbox = inbox
        statistics.laneBegan(id, tasks: topology.bolts.map(\.parallelism), now: monotonicTime())
        let tasks = LaneTasks(id, topology, logger: logger) { inbox.yield($0) }
        group.addTask { await tasks.run() }
        return tasks
    }
}

/// Time since an arbitrary moment, by a clock that never goes back.
package func monotonicTime() -> Duration { .nanoseconds(Int64(monotonicNanoseconds())) }
