// What the runtime asks of the components of a topology, and what it hands them.

package import Logging

/// One batch of one partition as the spout hands it over.
package struct SpoutBatch<Payload: Sendable>: Sendable {
    /// Where the batch begins: where the one before it ended, even if the first record lies later.
    package let fromOffset: Int64
    /// The offset after the last record.
    package let toOffset: Int64
    package let payload: Payload

    package init(fromOffset: Int64, toOffset: Int64, payload: Payload) {
        self.fromOffset = fromOffset
        self.toOffset = toOffset
        self.payload = payload
    }
}

/// A source of batches. The runtime calls it from its own task only, and tells it of every batch
/// whether it is done (in log order) or has to be replayed. `TopologyRuntime.wake` is how it says
/// that a partition has something again.
package protocol Spout<Payload>: Sendable {
    associatedtype Payload: Sendable

    /// The next batch, or nil when there is none at the moment. Must not block.
    func nextBatch(of partition: Int32) -> SpoutBatch<Payload>?

    /// Everything below `toOffset` is done.
    func acked(partition: Int32, toOffset: Int64)

    /// A batch failed, and all that was under way behind it has been dropped: go on with whatever
    /// follows the last ack, or at `failure.replayFrom`.
    func failed(partition: Int32, failure: TupleFailure)
}

/// A processing step. One task's bolt is only ever used by one execution at a time, so it may keep
/// state without locks; what must survive a restart belongs in the store.
package protocol Bolt<Payload> {
    associatedtype Payload: Sendable

    /// Before the first tuple. Throwing ends the process: a bolt that cannot start never will.
    mutating func prepare() async throws

    /// Processes one tuple. What it emits is anchored to the tuple: the spout's batch is done when
    /// everything that grew out of it has been executed. Throwing fails the whole batch, which is
    /// then replayed; a `TupleFailure` can say from where. Must stop early when cancelled.
    mutating func execute(
        _ tuple: Tuple<Payload>, into output: inout OutputCollector<Payload>) async throws

    /// Time has passed (`BoltDeclaration.tickEvery`). Runs between tuples.
    mutating func tick() async

    /// After the last tuple, also when the partition is taken away.
    mutating func cleanup() async
}

extension Bolt {
    package mutating func prepare() async throws {}
    package mutating func tick() async {}
    package mutating func cleanup() async {}
}

/// What the runtime tells a task about itself.
package struct TaskContext: Sendable {
    package let component: ComponentName
    package let partition: Int32
    /// Which of its component's tasks in the lane it is, from 0.
    package let task: Int
    /// How many tasks each component has in the lane: what direct streams are addressed with.
    package let parallelism: [ComponentName: Int]
    package let logger: Logger

    package init(
        component: ComponentName, partition: Int32, task: Int = 0,
        parallelism: [ComponentName: Int] = [:], logger: Logger
    ) {
        self.component = component
        self.partition = partition
        self.task = task
        self.parallelism = parallelism
        self.logger = logger
    }
}

/// A payload on its way, anchored to the spout's batch that it grew out of.
package struct Tuple<Payload: Sendable>: Sendable {
    package let partition: Int32
    package let source: ComponentName
    package let stream: StreamName
    /// The spout's batch, numbered within its lane.
    package let batch: UInt64
    package let payload: Payload
    /// When it came into its task's queue.
    package let since: Duration

    package init(
        partition: Int32, source: ComponentName, stream: StreamName, batch: UInt64,
        payload: Payload, since: Duration = .zero
    ) {
        self.partition = partition
        self.source = source
        self.stream = stream
        self.batch = batch
        self.payload = payload
        self.since = since
    }
}

/// One tuple that a bolt emits.
package struct Emission<Payload: Sendable>: Sendable {
    package let stream: StreamName
    package let payload: Payload
    /// Which task of its readers is meant, on a direct stream.
    package let task: Int?

    package init(_ payload: Payload, to stream: StreamName, task: Int? = nil) {
        self.stream = stream
        self.payload = payload
        self.task = task
    }
}

/// Takes what a bolt emits during one execution.
package struct OutputCollector<Payload: Sendable>: Sendable {
    package private(set) var emissions: [Emission<Payload>] = []

    package init() {}

    /// `task` is the reader's task on a direct stream, and means nothing on others.
    package mutating func emit(_ payload: Payload, to stream: StreamName, task: Int? = nil) {
        emissions.append(Emission(payload, to: stream, task: task))
    }
}

/// Why a batch has to be replayed.
package struct TupleFailure: Error, Sendable {
    package let reason: String
    /// Where to go on; nil when only the place that applies the batches knows.
    package let replayFrom: Int64?
    package let cause: (any Error)?

    package init(reason: String, replayFrom: Int64? = nil, cause: (any Error)? = nil) {
        self.reason = reason
        self.replayFrom = replayFrom
        self.cause = cause
    }
}
