// The dead-letter bolt: writes the records of a stretch that are no events to their topic, and only
// then passes the stretch on, so that no offset is applied whose dead letter could still get lost.
//
// While the log cannot take them the stretch waits, and with it the partition: the log is where its
// records come from, too. A refusal that no waiting mends (no right to write the topic, no such
// topic and no right to make it) is another matter: one bad record would stop the partition for
// good. After a while such letters are given up, each with a line that says where the record is.
// A batch that is read again writes its letters again: at least once.

internal import Base
internal import LogClient
internal import Logging
internal import Metrics
internal import Topology

/// Writes the dead letters of one partition.
struct DeadLetterBolt: Bolt {
    /// Letters that are written at a time.
    private static let lettersAtOnce = 500

    private let context: TaskContext
    /// Nil: dead letters are counted and logged, and that is all.
    private let sink: (any DeadLetterSink)?
    private let metrics: WorkerMetrics
    private let patience: Duration
    private var random: PRNG
    private var backoff = Backoff(first: .milliseconds(50), limit: .seconds(2))
    private var failures = LogGate(every: .seconds(10))

    init(
        _ context: TaskContext, sink: (any DeadLetterSink)?, metrics: WorkerMetrics, seed: UInt64,
        patience: Duration = .seconds(Limits.deadLetterRefusedSeconds)
    ) {
        self.context = context
        self.sink = sink
        self.metrics = metrics
        self.patience = patience
        random = PRNG(seed: seed &+ UInt64(UInt32(bitPattern: context.partition)))
    }

    mutating func execute(
        _ tuple: Tuple<EventTuple>, into output: inout OutputCollector<EventTuple>
    ) async throws {
        guard case .events(var stretch) = tuple.payload else {
            preconditionFailure("the dead-letter bolt reads events")
        }
        if let sink {
            var rest = stretch.dead[...]
            while !rest.isEmpty {
                try await write(Array(rest.prefix(Self.lettersAtOnce)), to: sink)
                rest = rest.dropFirst(Self.lettersAtOnce)
            }
        }
        stretch.dead = []
        output.emit(.events(stretch), to: EventTopology.decoded)
    }

    private mutating func write(_ letters: [DeadLetter], to sink: any DeadLetterSink) async throws {
        var letters = letters
        var refusedSince: Duration?
        var attempt = 0
        while true {
            try Task.checkCancellation()
            let failed = try await sink.write(letters, attempt: attempt)
            metrics.deadLetters.increment(by: letters.count - failed.count)
            guard let first = failed.first else { break }
            letters = failed.map(\.letter)
            attempt += 1
            let now = monotonicTime()
            log(first, count: failed.count, now: now)
            if failed.allSatisfy({ !$0.error.isRetriable }) {
                let since = refusedSince ?? now
                refusedSince = since
                if now - since >= patience { return giveUp(failed) }
            } else {
                refusedSince = nil
            }
            try await Task.sleep(for: backoff.next(using: &random))
        }
        backoff.reset()
    }

    private mutating func giveUp(_ failed: [FailedLetter]) {
        backoff.reset()
        metrics.lostDeadLetters.increment(by: failed.count)
        for failure in failed {
            context.logger.error(
                "a dead letter is given up; the record itself stays in the log",
                metadata: [
                    LogKeys.topic: "\(failure.letter.record.topic)",
                    LogKeys.partition: "\(context.partition)",
                    LogKeys.offset: "\(failure.letter.record.offset)",
                    LogKeys.reason: "\(failure.error)",
                ])
        }
    }

    private mutating func log(_ failed: FailedLetter, count: Int, now: Duration) {
        guard let count = failures.pass(count, now: now) else { return }
        context.logger.warning(
            "the log does not take dead letters; the partition waits",
            metadata: [
                LogKeys.partition: "\(context.partition)",
                LogKeys.offset: "\(failed.letter.record.offset)",
                LogKeys.reason: "\(failed.error)", LogKeys.count: "\(count)",
            ])
    }
}
