// One scan on a node's threads: the first turn takes the snapshot, then each thread has a lane, and
// the lane that is done last puts the answer together. Before each block it asks whether anybody
// still wants the answer.

internal import EventStore
internal import Model
internal import Plan
internal import RPC
internal import Synchronization
internal import Wire

/// A scan under way.
final class ScanJob: Sendable {
    private struct State {
        var scan: StoreScan?
        var lanes: [ScanLane] = []
        var lanesLeft = 0
        var hasFailed = false
    }

    private let store: EventStore
    private let call: RPCCall
    private let scheduler: ReadScheduler
    private let laneCountMax: Int
    private let fail: @Sendable (any Error) -> Void
    private let clock = ReadClock()
    private let state = Mutex(State())

    init(
        _ call: RPCCall, _ store: EventStore, _ scheduler: ReadScheduler,
        laneCountMax: Int, fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.store = store
        self.call = call
        self.scheduler = scheduler
        self.laneCountMax = laneCountMax
        self.fail = fail
    }

    /// Queues the scan; false if too many wait.
    func start() -> Bool {
        scheduler.submit(clock) { [self] in attempt(begin) }
    }

    /// Never true after an error; the first one is the answer.
    private func attempt(_ body: () throws -> Bool) -> Bool {
        do { return try body() } catch {
            let isFirst = state.withLock { state in
                defer {
                    state.hasFailed = true
                    // Its memory and its snapshot are of use to nobody now.
                    state.scan = nil
                    state.lanes = []
                }
                return !state.hasFailed
            }
            if isFirst { fail(error) }
            return false
        }
    }

    private func checkWanted() throws {
        guard call.isWanted, !state.withLock({ $0.hasFailed }) else { throw UnwantedRead() }
    }

    private func begin() throws -> Bool {
        try checkWanted()
        let request = try call.message(ScanRequest.self)
        let shards = Array(Set(request.shards)).sorted()
        let scan = try store.beginScan(request.plan, shards: shards, checkpoint: checkWanted)
        let lanes = (0..<min(laneCountMax, scan.laneCountMax)).map { _ in scan.makeLane() }
        state.withLock { state in
            state.scan = scan
            state.lanes = lanes
            state.lanesLeft = lanes.count
        }
        // A lane that finds no room leaves its blocks to the others; if none does, to this turn.
        for lane in lanes
        where !scheduler.submit(clock, { [self] in attempt { try step(lane) } }) {
            if leave() { try finish() }
        }
        return false
    }

    /// One block; false when none is left.
    private func step(_ lane: ScanLane) throws -> Bool {
        try checkWanted()
        if try lane.step() { return true }
        if leave() { try finish() }
        return false
    }

    /// Whether this was the last lane.
    private func leave() -> Bool {
        state.withLock { state in
            state.lanesLeft -= 1
            return state.lanesLeft == 0
        }
    }

    private func finish() throws {
        let (scan, lanes) = state.withLock { ($0.scan, $0.lanes) }
        guard let scan else { return }
        // What is left when no lane found room.
        for lane in lanes.prefix(1) { while try lane.step() { try checkWanted() } }
        call.reply(ScanResponse(try scan.finish(lanes)))
        state.withLock { state in
            state.scan = nil
            state.lanes = []
        }
    }
}
