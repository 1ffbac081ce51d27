// The store bolt: hands batches to the store that holds the shard and acts on what it answers.
//
// A store that does not answer is asked again until it does or the partition is taken away: the
// batch stays where it is, everything before it waits, and the log's consumer pauses. Sending a
// batch again is harmless, whatever came of it before.

internal import Base
internal import Logging
internal import Metrics
package import Model
package import RPC
internal import Topology
internal import Wire

/// What to do about a store's answer. Pure, so that the simulation decides as the worker does.
package enum StoreVerdict: Sendable, Equatable {
    /// The batch is stored, now or before.
    case done
    /// The shard stands elsewhere: read again from there.
    case replay(from: Int64)
    /// Send the same batch again.
    case again
    /// The store refuses this batch for what it is: cut it anew.
    case refused

    package init(_ outcome: ApplyOutcome) {
        switch outcome {
        case .applied, .alreadyApplied: self = .done
        case .gap(let next): self = .replay(from: next)
        }
    }

    /// Only what the store says of the batch itself is final; a wrong secret or a broken node may
    /// be mended while the batch waits.
    package init(_ error: RPCError) {
        switch error.status {
        case .badRequest, .resourceExhausted: self = .refused
        default: self = .again
        }
    }
}

/// Applies the batches of one partition.
struct StoreBolt: Bolt {
    private let context: TaskContext
    private let store: any ShardStore
    private let metrics: WorkerMetrics
    private var random: PRNG
    private var backoff = Backoff(first: .milliseconds(20), limit: .seconds(2))
    private var failures = LogGate(every: .seconds(10))

    init(_ context: TaskContext, store: any ShardStore, metrics: WorkerMetrics, seed: UInt64) {
        self.context = context
        self.store = store
        self.metrics = metrics
        random = PRNG(seed: seed &+ UInt64(UInt32(bitPattern: context.partition)))
    }

    mutating func execute(
        _ tuple: Tuple<EventTuple>, into output: inout OutputCollector<EventTuple>
    ) async throws {
        guard case .batch(let batch, let oldest) = tuple.payload else {
            preconditionFailure("the store bolt reads batches")
        }
        while true {
            try Task.checkCancellation()
            switch try await send(batch) {
            case .done:
                backoff.reset()
                metrics.applied(batch, oldestMilliseconds: oldest)
                return
            case .replay(let offset):
                metrics.gaps.increment()
                throw TupleFailure(
                    reason: "the store stands at \(offset), not at \(batch.fromOffset)",
                    replayFrom: offset)
            case .refused:
                throw TupleFailure(reason: "the store refused the batch at \(batch.fromOffset)")
            case .again:
                metrics.retries.increment()
                try await Task.sleep(for: backoff.next(using: &random))
            }
        }
    }

    private mutating func send(_ batch: ApplyBatch) async throws -> StoreVerdict {
        do {
            return StoreVerdict(try await store.apply(batch))
        } catch let error as RPCError {
            try Task.checkCancellation()
            let verdict = StoreVerdict(error)
            log(error, batch, isRefusal: verdict == .refused)
            return verdict
        }
    }

    private mutating func log(_ error: RPCError, _ batch: ApplyBatch, isRefusal: Bool) {
        guard let count = failures.pass(1, now: monotonicTime()) else { return }
        context.logger.log(
            level: error.isRetriable && !isRefusal ? .warning : .error,
            isRefusal ? "the store refused a batch" : "the store does not take batches",
            metadata: [
                LogKeys.partition: "\(context.partition)",
                LogKeys.offset: "\(batch.fromOffset)", LogKeys.reason: "\(error)",
                LogKeys.count: "\(count)",
            ])
    }
}
