// The machine under a seeded scheduler: whichever execution finishes next, the promises hold.

import Base
import Testing
import Topology

extension Array: TuplePayload where Element == Int64 {}

/// Performs the machine's actions in an order drawn from a seed.
private struct Scheduler {
    var machine: TopologyMachine<[Int64]>
    var random: PRNG
    var running: [(TaskID, Work<[Int64]>)] = []
    /// The spout of each partition: the next offset, and how many batches it may still hand over.
    var next: [Int32: Int64] = [:]
    let end: Int64
    var acked: [Int32: Int64] = [:]
    /// What the last bolt has seen, by partition.
    var stored: [Int32: [Int64]] = [:]
    var failRate = 0.0
    var failures = 0
    var mostRunning = 0
    var ticks = 0

    init(_ topology: Topology<[Int64]>, seed: UInt64, end: Int64) {
        machine = TopologyMachine(topology)
        random = PRNG(seed: seed)
        self.end = end
    }

    mutating func perform() {
        while true {
            let actions = machine.takeActions()
            if actions.isEmpty { return }
            for action in actions { perform(action) }
        }
    }

    private mutating func perform(_ action: TopologyAction<[Int64]>) {
        switch action {
        case .start: break
        case .stop(let lane): running.removeAll { $0.0.lane == lane }
        case .execute(let task, let work):
            #expect(!running.contains { $0.0 == task }, "task \(task) was given work while busy")
            running.append((task, work))
            mostRunning = max(mostRunning, running.count)
        case .poll(let lane):
            let from = next[lane.partition, default: 0]
            if from >= end {
                machine.polled(lane, nil, now: .zero)
            } else {
                let to = min(end, from + Int64.random(in: 1...3, using: &random))
                next[lane.partition] = to
                let batch = SpoutBatch(
                    fromOffset: from, toOffset: to, payload: Array(from..<to))
                machine.polled(lane, batch, now: .zero)
            }
        case .acked(let lane, let toOffset, _):
            #expect(toOffset > acked[lane.partition, default: 0], "acks go up")
            acked[lane.partition] = toOffset
        case .failed(let lane, let failure):
            failures += 1
            next[lane.partition] = failure.replayFrom ?? acked[lane.partition, default: 0]
            machine.wake(lane.partition)
        }
    }

    /// Finishes one execution; false when there is none.
    mutating func step() -> Bool {
        perform()
        guard !running.isEmpty else { return false }
        let (task, work) = running.remove(at: Int.random(in: 0..<running.count, using: &random))
        machine.executed(task, result(of: work, on: task))
        perform()
        return true
    }

    private mutating func result(of work: Work<[Int64]>, on task: TaskID) -> WorkResult<[Int64]> {
        guard case .tuple(let tuple) = work else {
            ticks += 1
            return .success([])
        }
        let bolt = machine.topology.bolts[task.bolt]
        if Double.random(in: 0..<1, using: &random) < failRate {
            return .failure(TupleFailure(reason: "drawn"))
        }
        if bolt.emits.isEmpty { return store(tuple) }
        return .success(bolt.emits.map { Emission(tuple.payload, to: $0.name) })
    }
}

extension Scheduler {
    /// As the real store does: takes what begins where it stands, knows what it has, and says where
    /// to go on otherwise. Work of an earlier epoch may still arrive here, so it has to.
    private mutating func store(_ tuple: Tuple<[Int64]>) -> WorkResult<[Int64]> {
        let applied = Int64(stored[tuple.partition, default: []].count)
        if tuple.payload.first == applied {
            stored[tuple.partition, default: []] += tuple.payload
        } else if let last = tuple.payload.last, last >= applied {
            return .failure(TupleFailure(reason: "gap", replayFrom: applied))
        }
        return .success([])
    }
}

private struct Nothing: Bolt {
    mutating func execute(_ tuple: Tuple<[Int64]>, into output: inout OutputCollector<[Int64]>) {}
}

private func pipeline(pending: Int = 3, tickEvery: Duration? = nil) throws -> Topology<[Int64]> {
    func bolt(
        _ name: ComponentName, _ source: ComponentName, _ stream: StreamName,
        emits: [StreamDeclaration] = []
    ) -> BoltDeclaration<[Int64]> {
        BoltDeclaration(
            name, reads: [Subscription(source, stream, by: .partition)], emits: emits,
            queueCapacity: 1, tickEvery: tickEvery
        ) { _ in Nothing() }
    }
    return try Topology(
        name: "test",
        spout: SpoutDeclaration("log", emits: "records", pendingBatchesMax: pending),
        bolts: [
            bolt("decode", "log", "records", emits: ["events"]),
            bolt("rollup", "decode", "events", emits: ["rolled"]),
            bolt("store", "rollup", "rolled"),
        ])
}

@Suite struct TopologyMachineTests {
    @Test("every interleaving executes a partition's batches in order, once, and acks them all")
    func orderedUnderEveryInterleaving() throws {
        let topology = try pipeline()
        for seed in 0..<500 as Range<UInt64> {
            var scheduler = Scheduler(topology, seed: seed, end: 20)
            for partition in 0..<3 as Range<Int32> {
                scheduler.machine.assign(partition, now: .zero)
                scheduler.machine.wake(partition)
            }
            while scheduler.step() {}
            for partition in 0..<3 as Range<Int32> {
                #expect(scheduler.stored[partition] == Array(0..<20), "seed \(seed)")
                #expect(scheduler.acked[partition] == 20, "seed \(seed)")
            }
            #expect(scheduler.machine.isIdle)
            #expect(scheduler.mostRunning > 3, "stages and partitions overlap")
        }
    }

    @Test("whatever fails and whenever, a replay from where the end stands stores everything once")
    func failuresReplay() throws {
        let topology = try pipeline()
        var failures = 0
        for seed in 0..<500 as Range<UInt64> {
            var scheduler = Scheduler(topology, seed: seed, end: 30)
            scheduler.failRate = 0.15
            scheduler.machine.assign(7, now: .zero)
            scheduler.machine.wake(7)
            while scheduler.step() {}
            #expect(scheduler.stored[7] == Array(0..<30), "seed \(seed)")
            #expect(scheduler.acked[7] == 30, "seed \(seed)")
            failures += scheduler.failures
        }
        #expect(failures > 500)
    }

    @Test("a bolt that does not return holds back the spout: queues stay at their capacity")
    func backpressure() throws {
        var scheduler = Scheduler(try pipeline(pending: 100), seed: 1, end: 1000)
        scheduler.machine.assign(0, now: .zero)
        scheduler.machine.wake(0)
        scheduler.perform()
        // Everything but the store goes on for as long as it can.
        while let index = scheduler.running.firstIndex(where: { $0.0.bolt != 2 }) {
            let (task, work) = scheduler.running.remove(at: index)
            guard case .tuple(let tuple) = work else { continue }
            let stream = scheduler.machine.topology.bolts[task.bolt].emits[0].name
            scheduler.machine.executed(task, .success([Emission(tuple.payload, to: stream)]))
            scheduler.perform()
        }
        #expect(scheduler.machine.queuedTuples == [1, 1, 1])
        #expect(scheduler.next[0, default: 0] <= 15, "at most five batches were taken")
    }

    @Test("no more batches are pending than the spout's bound")
    func pendingBound() throws {
        var scheduler = Scheduler(try pipeline(pending: 1), seed: 2, end: 40)
        scheduler.machine.assign(0, now: .zero)
        scheduler.machine.wake(0)
        while scheduler.step() { #expect(scheduler.running.count <= 1) }
        #expect(scheduler.acked[0] == 40)
    }

    @Test("results of a partition that was taken away and given back are not heard")
    func staleResults() throws {
        var scheduler = Scheduler(try pipeline(), seed: 3, end: 5)
        scheduler.machine.assign(0, now: .zero)
        scheduler.machine.wake(0)
        scheduler.perform()
        let old = scheduler.running
        scheduler.machine.assign(0, now: .zero)
        scheduler.perform()
        #expect(scheduler.running.isEmpty)
        for (task, _) in old { scheduler.machine.executed(task, .success([])) }
        scheduler.perform()
        #expect(scheduler.acked.isEmpty)
        #expect(scheduler.machine.isIdle)
    }

    @Test("draining takes nothing new and ends when what is under way is done")
    func drain() throws {
        var scheduler = Scheduler(try pipeline(), seed: 4, end: 1000)
        scheduler.machine.assign(0, now: .zero)
        scheduler.machine.wake(0)
        _ = scheduler.step()
        scheduler.machine.drain()
        let taken = scheduler.next[0]
        while scheduler.step() {}
        #expect(scheduler.machine.isIdle)
        #expect(scheduler.acked[0] == taken)
    }

    @Test("a task gets one tick for each interval that passed, between its tuples")
    func ticks() throws {
        var scheduler = Scheduler(try pipeline(tickEvery: .seconds(1)), seed: 5, end: 1)
        scheduler.machine.assign(0, now: .zero)
        scheduler.machine.tick(now: .milliseconds(999))
        while scheduler.step() {}
        #expect(scheduler.ticks == 0)
        scheduler.machine.tick(now: .seconds(5))
        while scheduler.step() {}
        #expect(scheduler.ticks == 3, "one a bolt; missed ones are not made up for")
        scheduler.machine.tick(now: .milliseconds(5500))
        while scheduler.step() {}
        #expect(scheduler.ticks == 3)
    }
}
