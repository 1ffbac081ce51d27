// A storage node's RPC methods: decode on a blocking thread, ask the event store, answer.
//
// Three pools, so that none starves another: batches, reads, and merging. Each has a bounded queue;
// a call that does not fit is told so at once and may come again. Scans share the threads of the
// reads by block (ReadScheduler).

internal import Base
package import EventLoop
package import EventStore
package import Logging
internal import Model
internal import Plan
package import RPC
internal import Wire

/// How many threads and how much waiting a service has.
package struct StoreServiceOptions: Sendable {
    /// Two, so that shards with a sync under way do not hold up the others.
    package var applyThreads = 2
    package var scanThreads = EventLoopGroup.processorCount
    package var applyQueueMax = 256
    package var scanQueueMax = 1024

    package init() {}
}

/// Answers the calls of workers, query servers and the lag monitor.
package final class StoreService: Sendable {
    let store: EventStore
    private let options: StoreServiceOptions
    private let applyPool: BlockingPool
    private let reads: ReadScheduler
    private let merger: MergeRunner
    private let health: StoreHealth
    private let logger: Logger

    /// `onHealth` is told, on any thread, when the disk begins to refuse writes (why) and when it
    /// takes them again (nil).
    package init(
        store: EventStore, options: StoreServiceOptions = StoreServiceOptions(), logger: Logger,
        onHealth: @escaping @Sendable (String?) -> Void = { _ in }
    ) throws {
        self.store = store
        self.options = options
        self.logger = logger
        applyPool = try BlockingPool(
            name: "apply", threads: options.applyThreads, queueMax: options.applyQueueMax)
        reads = try ReadScheduler(
            name: "scan", threads: options.scanThreads, queueMax: options.scanQueueMax)
        health = StoreHealth(onHealth)
        merger = try MergeRunner(store, health: health, logger: logger)
        // What was left to merge when the process ended.
        merger.wake()
    }

    /// The RPC server's handler: hands the call to a pool and returns.
    package func handle(_ call: RPCCall) {
        switch call.method {
        case .apply: run(call, on: applyPool) { try $0.apply(call) }
        case .appliedOffsets: run(call, on: applyPool) { try $0.appliedOffsets(call) }
        case .scan: scan(call)
        case .schema: read(call) { try $0.schema(call) }
        case .extract: read(call) { try $0.extract(call) }
        case .tables: read(call) { try $0.tables(call) }
        case .get: read(call) { try $0.get(call) }
        case .slice: read(call) { try $0.slice(call) }
        case .put: run(call, on: applyPool) { try $0.put(call) }
        default: call.failUnknownMethod()
        }
    }

    /// Tells the store the time every few seconds, and wakes the merger: at once where something
    /// waits that the disk refused, so that a node without calls becomes ready again too, else once
    /// a minute, so that old events go also when no new ones come.
    package func keepTime(on loop: EventLoop, beat: Int = 0) {
        store.advanceTime(to: wallClockMilliseconds())
        if beat.isMultiple(of: 12) || store.hasMergeWork { merger.wake() }
        loop.schedule(after: .seconds(5)) { [weak self] in
            self?.keepTime(on: loop, beat: beat + 1)
        }
    }

    /// Finishes what has begun, then makes everything durable. Call when no more calls come.
    package func shutdown() async {
        await applyPool.shutdown()
        await reads.shutdown()
        await merger.shutdown()
        do { try store.close() } catch {
            logger.error("closing the store failed", metadata: [LogKeys.reason: "\(error)"])
        }
    }

    private typealias Body = @Sendable (StoreService) throws -> Void

    private func run(_ call: RPCCall, on pool: BlockingPool, _ body: @escaping Body) {
        if !pool.submit({ [self] in run(call, body) }) { refuse(call) }
    }

    private func read(_ call: RPCCall, _ body: @escaping Body) {
        if !reads.submit({ [self] in run(call, body) }) { refuse(call) }
    }

    private func run(_ call: RPCCall, _ body: Body) {
        guard call.isWanted else {
            return call.fail(RPCError(.deadlineExceeded, "the call waited too long"))
        }
        do { try body(self) } catch { fail(call, error) }
    }

    private func refuse(_ call: RPCCall) {
        call.fail(RPCError(.overloaded, "too many calls wait at this node"))
    }

    func fail(_ call: RPCCall, _ error: any Error) {
        let failure = RPCError(store: error)
        if failure.status == .internal {
            logger.error(
                "a call failed",
                metadata: [LogKeys.method: "\(call.method)", LogKeys.reason: "\(error)"])
        }
        call.fail(failure)
    }

    // MARK: Methods

    private func apply(_ call: RPCCall) throws {
        let request = try call.message(ApplyRequest.self)
        // Also after a refusal: the merger may be what the next attempt waits for.
        defer { merger.wake() }
        let outcomes = try health.watch(.applying) {
            try request.batches.map { try store.accept($0) }
        }
        call.reply(ApplyResponse(outcomes))
    }

    private func appliedOffsets(_ call: RPCCall) throws {
        let request = try call.message(AppliedOffsetsRequest.self)
        let shards = request.shards.isEmpty ? store.shardIDs : request.shards
        call.reply(
            AppliedOffsetsResponse(
                shards.map { AppliedOffset(shard: $0, offset: store.appliedOffset($0)) }))
    }

    private func schema(_ call: RPCCall) throws {
        let request = try call.message(SchemaRequest.self)
        call.reply(
            SchemaResponse(
                try store.schema(project: request.project, collection: request.collection)))
    }

    private func scan(_ call: RPCCall) {
        let job = ScanJob(call, store, reads, laneCountMax: options.scanThreads) {
            [self] error in fail(call, error)
        }
        if !job.start() { refuse(call) }
    }

    private func extract(_ call: RPCCall) throws {
        let request = try call.message(ExtractRequest.self)
        let parts = try Self.split(
            Array(Set(request.shards)).sorted(), into: options.scanThreads
        ).map { try store.beginExtraction(request.plan, shards: $0) }
        let job = ExtractionJob(call, request.plan, partCount: parts.count) {
            [self] error in fail(call, error)
        }
        // A part that finds no room is read here, so the answer is slower and not refused.
        for part in parts where !reads.submit(job.clock, { job.step(part) }) {
            while job.step(part) {}
        }
    }

    /// At least one part, none larger than another by more than one.
    private static func split(_ shards: [ShardID], into count: Int) -> [[ShardID]] {
        var parts = [[ShardID]](repeating: [], count: max(1, min(count, shards.count)))
        for (index, shard) in shards.enumerated() { parts[index % parts.count].append(shard) }
        return parts
    }
}
