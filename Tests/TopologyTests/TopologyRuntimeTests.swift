// The real runtime, with real tasks: what it promises about order, replay, revocation and the end.

import Logging
import Synchronization
import Testing
import Topology

extension Int64: TuplePayload {}

/// Hands over the numbers below `end`, one a batch, and goes back when told.
private final class CountingSpout: Spout {
    struct State {
        var next: [Int32: Int64] = [:]
        var acked: [Int32: Int64] = [:]
        var failures = 0
    }
    let state = Mutex(State())
    let end: Int64
    let runtime = Mutex<TopologyRuntime<Int64>?>(nil)

    init(end: Int64) { self.end = end }

    func nextBatch(of partition: Int32) -> SpoutBatch<Int64>? {
        state.withLock { state in
            let next = state.next[partition, default: 0]
            guard next < end else { return nil }
            state.next[partition] = next + 1
            return SpoutBatch(fromOffset: next, toOffset: next + 1, payload: next)
        }
    }

    func acked(partition: Int32, toOffset: Int64) {
        state.withLock { $0.acked[partition] = toOffset }
    }

    func failed(partition: Int32, failure: TupleFailure) {
        state.withLock {
            $0.failures += 1
            $0.next[partition] = failure.replayFrom ?? $0.acked[partition, default: 0]
        }
        runtime.withLock { $0?.wake(partition) }
    }
}

/// Passes on, or fails what it is told to.
private struct Relay: Bolt {
    let stream: StreamName?
    let seen: Sink
    mutating func execute(_ tuple: Tuple<Int64>, into output: inout OutputCollector<Int64>) throws {
        if let stream { return output.emit(tuple.payload, to: stream) }
        try seen.take(tuple)
    }
}

/// What the last bolt has seen; fails every number that ends in 7 once.
private final class Sink: Sendable {
    struct State {
        var seen: [Int32: [Int64]] = [:]
        var failed: Set<Int64> = []
    }
    let state = Mutex(State())

    func take(_ tuple: Tuple<Int64>) throws {
        try state.withLock { state in
            let key = tuple.payload * 100 + Int64(tuple.partition)
            if tuple.payload % 10 == 7, state.failed.insert(key).inserted {
                throw TupleFailure(reason: "drawn", replayFrom: tuple.payload)
            }
            state.seen[tuple.partition, default: []].append(tuple.payload)
        }
    }
}

private func topology(_ seen: Sink) throws -> Topology<Int64> {
    try Topology(
        name: "test", spout: SpoutDeclaration("numbers", emits: "numbers", pendingBatchesMax: 4),
        bolts: [
            BoltDeclaration(
                "relay", reads: [Subscription("numbers", "numbers", by: .partition)],
                emits: ["relayed"]
            ) { _ in Relay(stream: "relayed", seen: seen) },
            BoltDeclaration("last", reads: [Subscription("relay", "relayed", by: .partition)]) {
                _ in Relay(stream: nil, seen: seen)
            },
        ])
}

private func eventually(_ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while !condition() {
        try #require(ContinuousClock.now < deadline, "condition did not come true in time")
        try await Task.sleep(for: .milliseconds(1))
    }
}

@Suite struct TopologyRuntimeTests {
    @Test("all partitions arrive in order and once although batches fail, and drain ends the run")
    func runs() async throws {
        let seen = Sink()
        let spout = CountingSpout(end: 200)
        let runtime = TopologyRuntime(
            try topology(seen), spout: spout, logger: Logger(label: "test"))
        spout.runtime.withLock { $0 = runtime }
        async let run: Void = runtime.run()
        for partition in 0..<4 as Range<Int32> {
            runtime.assign(partition)
            runtime.wake(partition)
        }
        try await eventually {
            spout.state.withLock { $0.acked == [0: 200, 1: 200, 2: 200, 3: 200] }
        }
        runtime.drain()
        try await run
        for partition in 0..<4 as Range<Int32> {
            #expect(seen.state.withLock { $0.seen[partition] } == Array(0..<200))
        }
        #expect(spout.state.withLock { $0.failures } == 80)
    }

    @Test("a partition taken away while its bolt hangs is cancelled and does not hold up the rest")
    func revokes() async throws {
        let cancelled = Mutex(false)
        struct Hang: Bolt {
            let onCancel: @Sendable () -> Void
            let acks: Bool
            mutating func execute(
                _ tuple: Tuple<Int64>, into output: inout OutputCollector<Int64>
            ) async throws {
                if tuple.partition != 0 { return }
                do { try await Task.sleep(for: .seconds(600)) } catch {
                    onCancel()
                    throw error
                }
            }
        }
        let topology = try Topology(
            name: "test",
            spout: SpoutDeclaration("numbers", emits: "numbers", pendingBatchesMax: 4),
            bolts: [
                BoltDeclaration("hang", reads: [Subscription("numbers", "numbers", by: .partition)])
                {
                    _ in Hang(onCancel: { cancelled.withLock { $0 = true } }, acks: true)
                }
            ])
        let spout = CountingSpout(end: 3)
        let runtime = TopologyRuntime(topology, spout: spout, logger: Logger(label: "test"))
        async let run: Void = runtime.run()
        for partition in [0, 1] as [Int32] {
            runtime.assign(partition)
            runtime.wake(partition)
        }
        try await eventually { spout.state.withLock { $0.acked[1] == 3 } }
        runtime.revoke(0)
        try await eventually { cancelled.withLock { $0 } }
        runtime.drain()
        try await run
        #expect(spout.state.withLock { $0.acked[0] } == nil)
    }

    @Test("a bolt that cannot prepare ends the run with its error")
    func cannotPrepare() async throws {
        struct Broken: Error {}
        struct Unprepared: Bolt {
            mutating func prepare() throws { throw Broken() }
            mutating func execute(_ tuple: Tuple<Int64>, into output: inout OutputCollector<Int64>)
            {}
        }
        let topology = try Topology(
            name: "test",
            spout: SpoutDeclaration("numbers", emits: "numbers", pendingBatchesMax: 4),
            bolts: [
                BoltDeclaration("bad", reads: [Subscription("numbers", "numbers", by: .partition)])
                {
                    _ in Unprepared()
                }
            ])
        let runtime = TopologyRuntime(
            topology, spout: CountingSpout(end: 1), logger: Logger(label: "test"))
        runtime.assign(0)
        await #expect(throws: Broken.self) { try await runtime.run() }
    }
}
