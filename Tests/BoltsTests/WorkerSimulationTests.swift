// Two workers, one store and one log under a seeded scheduler that lets everything go wrong.

import Base
import LogClient
import Model
import RPC
import Synchronization
import TestSupport
import Testing
import Topology
import Wire

@testable import Bolts

/// Stands in where the topology wants a store that nobody calls.
private struct NoStore: ShardStore {
    func apply(_ batch: ApplyBatch) async throws -> ApplyOutcome { .gap(next: 0) }
    func appliedOffset(of shard: ShardID) async throws -> Int64 { 0 }
    func survey(_ shards: [ShardID]) async -> StoreSurvey { StoreSurvey() }
}

/// The topic of dead letters: which records are in it.
private final class DeadRecords: DeadLetterSink {
    let offsets = Mutex<[Int32: Set<Int64>]>([:])

    func write(_ letters: [DeadLetter], attempt: Int) async throws -> [FailedLetter] {
        offsets.withLock { offsets in
            for letter in letters {
                offsets[letter.record.partition, default: []].insert(letter.record.offset)
            }
        }
        return []
    }
}

private struct World {
    let dead = DeadRecords()
    /// Records that are no events and were applied before they were kept.
    var unkept: [Int64] = []
    var random: PRNG
    var log: SimulatedLog
    var store: SimulatedStore
    var workers: [SimulatedWorker]
    /// Rebalances that a worker has not heard of yet: nil takes everything away.
    var rebalances: [[(partitions: [Int32]?, areLost: Bool)]] = [[], []]
    var isCalm = false
    var replays = 0
    var losses = 0

    init(seed: UInt64, partitions: Int) throws {
        random = PRNG(seed: seed)
        log = SimulatedLog(partitions: Array(repeating: .init(), count: partitions))
        store = SimulatedStore(shards: Array(repeating: .init(), count: partitions))
        let limits = SpoutLimits(
            batchRecordsMax: 4, batchBytesMax: 600, bufferHighBytes: 1200, bufferLowBytes: 400)
        let dead = dead
        workers = try (0..<2).map {
            try SimulatedWorker(
                store: NoStore(), deadLetters: dead, limits: limits, seed: seed &+ UInt64($0))
        }
        rebalance()
    }

    private mutating func chance(_ one: Int) -> Bool {
        Int.random(in: 0..<one, using: &random) == 0
    }

    /// The group divides the partitions anew; each worker learns of it in its own time.
    private mutating func rebalance() {
        let owners = log.partitions.indices.map { _ in Int.random(in: 0..<2, using: &random) }
        for worker in workers.indices {
            let own = owners.indices.filter { owners[$0] == worker }.map { Int32($0) }
            rebalances[worker].append((nil, chance(3)))
            rebalances[worker].append((own, false))
        }
    }

    mutating func step() async throws {
        if !isCalm { trouble() }
        let worker = Int.random(in: workers.indices, using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1: workers[worker].consumer.fetch(log, using: &random)
        case 2: workers[worker].consumer.gather(using: &random)
        case 3: workers[worker].flush()
        case 4: workers[worker].performOrders(canFail: !isCalm && chance(20))
        case 5, 6: workers[worker].runLoop()
        case 7: try await workers[worker].runBolt(using: &random)
        case 8: callStore(worker)
        case 9, 10: runJob(worker)
        default: housekeeping(worker)
        }
    }

    private mutating func housekeeping(_ worker: Int) {
        if !rebalances[worker].isEmpty {
            let (partitions, areLost) = rebalances[worker].removeFirst()
            workers[worker].rebalance(partitions, areLost: areLost)
        }
        workers[worker].beat()
        if chance(4) { workers[worker].jobs.append(.survey(workers[worker].table.applied)) }
    }

    private mutating func trouble() {
        let partition = Int.random(in: log.partitions.indices, using: &random)
        if chance(6) { log.append(to: partition, using: &random) }
        if chance(400) { log.forget(partition, using: &random) }
        if chance(200) { rebalance() }
        if chance(60) { store.isUp.toggle() }
        if chance(150) { store.loseTail(partition, using: &random) }
    }

    private mutating func callStore(_ worker: Int) {
        guard let index = workers[worker].calls.indices.randomElement(using: &random) else {
            return
        }
        let (task, batch) = workers[worker].calls.remove(at: index)
        // Nobody waits for it any more: it may still reach the store, later or never.
        guard store.isUp else {
            let error = RPCError(.unavailable, "down")
            return workers[worker].answered(task, batch, StoreVerdict(error))
        }
        let lost = workers[worker].lost[batch.shard.number] ?? []
        let outcome = store.apply(batch, log: log, lost: lost)
        if case .gap = outcome { replays += 1 }
        if case .applied = outcome { checkDead(batch, lost) }
        var verdict = StoreVerdict(outcome)
        if !isCalm, chance(10) { verdict = StoreVerdict(RPCError(.connectionLost, "answer lost")) }
        if !isCalm, chance(40) { verdict = StoreVerdict(RPCError(.badRequest, "refused")) }
        workers[worker].answered(task, batch, verdict)
    }

    private mutating func checkDead(_ batch: ApplyBatch, _ lost: Set<Int64>) {
        let kept = dead.offsets.withLock { $0[batch.shard.number] ?? [] }
        unkept += log.partitions[Int(batch.shard.number)].history.filter {
            (batch.fromOffset..<batch.toOffset).contains($0) && !SimulatedLog.isEvent($0)
                && !kept.contains($0) && !lost.contains($0)
        }
    }

    private mutating func runJob(_ worker: Int) {
        guard let index = workers[worker].jobs.indices.randomElement(using: &random) else { return }
        switch workers[worker].jobs.remove(at: index) {
        case .locate(let partition, let ticket):
            if store.isUp {
                let applied = store.shards[Int(partition)].applied
                workers[worker].jobs.append(.rangeOf(partition, ticket, applied: applied))
            } else {
                let commands = workers[worker].table.cannotLocate(partition, ticket: ticket)
                workers[worker].perform(commands)
            }
        case .rangeOf(let partition, let ticket, let applied):
            let place = log.partitions[Int(partition)]
            let commands = workers[worker].table.located(
                partition, ticket: ticket, applied: applied,
                range: PartitionRange(earliest: place.earliest, latest: place.end))
            workers[worker].perform(commands)
        case .place(let partition, let ticket):
            workers[worker].perform(workers[worker].table.place(partition, ticket: ticket))
        case .survey(let known):
            guard store.isUp else { return }
            let shards = store.shards
            let applied = Dictionary(
                uniqueKeysWithValues: known.keys.map { ($0, shards[Int($0)].applied) })
            workers[worker].jobs.append(.surveyed(known, applied: applied))
        case .surveyed(let known, let applied):
            for (partition, known) in known.sorted(by: { $0.key < $1.key }) {
                let commands = workers[worker].table.surveyed(
                    partition, known: known, applied: applied[partition] ?? 0)
                workers[worker].perform(commands)
            }
        }
    }

    var isDone: Bool {
        rebalances.allSatisfy(\.isEmpty)
            && log.partitions.indices.allSatisfy {
                store.shards[$0].applied == log.partitions[$0].end
            }
            && (workers.flatMap { $0.table.partitions }.sorted()
                == log.partitions.indices.map { Int32($0) })
    }
}

@Suite struct WorkerSimulationTests {
    private static let troubledSteps = LongRun.isAsked("sim") ? 4_000 : 600

    /// Whatever fails and whenever, each event is stored once, in order, and none is missing but
    /// those that the log had deleted and a worker has said are lost.
    @Test(arguments: LongRun.seeds("sim", short: 200, perSecond: 8))
    func everyEventIsStoredOnceAndInOrder(seed: UInt64) async throws {
        var world = try World(seed: seed, partitions: 3)
        // Trouble in short runs of many seeds finds more than in long ones of few.
        for _ in 0..<Self.troubledSteps { try await world.step() }
        world.isCalm = true
        world.store.isUp = true
        var steps = 0
        while !world.isDone, steps < 200_000 {
            try await world.step()
            steps += 1
        }
        try #require(world.isDone, "seed \(seed): not everything is applied")
        #expect(world.store.wrongBatches == [], "seed \(seed)")
        #expect(world.unkept == [], "seed \(seed): no dead letters of these")
        for (partition, log) in world.log.partitions.enumerated() {
            let stored = world.store.shards[partition].events
            let lost = world.workers.reduce(into: Set<Int64>()) {
                $0.formUnion($1.lost[Int32(partition)] ?? [])
            }
            #expect(zip(stored, stored.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
            let missing = Set(log.history.filter(SimulatedLog.isEvent)).subtracting(stored)
            #expect(missing.isSubset(of: lost), "seed \(seed): \(missing.sorted()) lost silently")
            #expect(Set(stored).isSubset(of: log.history), "seed \(seed)")
        }
        // What the group has committed is never ahead of the store, once everything is calm.
        for worker in world.workers {
            for (partition, applied) in worker.table.applied {
                #expect(applied <= world.store.shards[Int(partition)].applied, "seed \(seed)")
            }
        }
    }
}
