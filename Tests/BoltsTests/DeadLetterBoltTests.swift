// Records that are no events: what becomes of them, and that nothing passes before they are kept.

import Base
import Enrich
import LogClient
import Logging
import Model
import Synchronization
import Testing
import Topology

@testable import Bolts

/// A topic that answers as it is told, and remembers what it took.
private final class ScriptedSink: DeadLetterSink {
    enum Answer { case takes, loses(LogError), takesAllBut(Int64, LogError) }
    struct State {
        var answers: [Answer]
        var taken: [Int64] = []
        var attempts: [Int] = []
    }
    let state: Mutex<State>

    /// The last answer is given again and again.
    init(_ answers: [Answer]) { state = Mutex(State(answers: answers)) }

    func write(_ letters: [DeadLetter], attempt: Int) async throws -> [FailedLetter] {
        state.withLock { state in
            state.attempts.append(attempt)
            let answer = state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
            var failed: [FailedLetter] = []
            for letter in letters {
                switch answer {
                case .loses(let error): failed.append(FailedLetter(letter: letter, error: error))
                case .takesAllBut(letter.record.offset, let error):
                    failed.append(FailedLetter(letter: letter, error: error))
                default: state.taken.append(letter.record.offset)
                }
            }
            return failed
        }
    }
}

private let away = LogError(code: -195, name: "_TRANSPORT", message: "away")
private let forbidden = LogError(code: 29, name: "TOPIC_AUTHORIZATION_FAILED", message: "no")

@Suite struct DeadLetterBoltTests {
    private func context(_ component: ComponentName) -> TaskContext {
        TaskContext(
            component: component, partition: 3,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func record(_ offset: Int64, _ value: String, key: String = "p/c") -> LogRecord {
        LogRecord(
            topic: "t", partition: 3, offset: offset, timestampMilliseconds: 1,
            key: Array(key.utf8), value: Array(value.utf8))
    }

    private func tuple(_ payload: EventTuple) -> Tuple<EventTuple> {
        Tuple(partition: 3, source: "test", stream: "test", batch: 1, payload: payload)
    }

    /// What the dead-letter bolt passes on of one stretch with these letters.
    private func pass(
        _ letters: [DeadLetter], to sink: (any DeadLetterSink)?, patience: Duration = .seconds(60)
    ) async throws -> [EventStretch] {
        var bolt = DeadLetterBolt(
            context("dead-letters"), sink: sink, metrics: WorkerMetrics(), seed: 1,
            patience: patience)
        var stretch = EventStretch(fromOffset: 0, toOffset: 9)
        stretch.dead = letters
        var output = OutputCollector<EventTuple>()
        try await bolt.execute(tuple(.events(stretch)), into: &output)
        return output.emissions.compactMap {
            if case .events(let stretch) = $0.payload { stretch } else { nil }
        }
    }

    @Test("only what was not written is written again, at once it is passed on")
    func writesAgain() async throws {
        let sink = ScriptedSink([.loses(away), .takesAllBut(4, away), .takes])
        let letters = [2, 4].map { DeadLetter(record($0, "x"), reason: "test") }
        let passed = try await pass(letters, to: sink)
        #expect(passed.map { $0.toOffset } == [9] && passed[0].dead.isEmpty)
        #expect(sink.state.withLock { $0.taken } == [2, 4])
        #expect(sink.state.withLock { $0.attempts } == [0, 1, 2])
    }

    @Test("a topic that refuses for good stops nobody, a log that is away stops everything")
    func patience() async throws {
        let letters = [DeadLetter(record(2, "x"), reason: "test")]
        let refusing = ScriptedSink([.loses(forbidden)])
        #expect(try await pass(letters, to: refusing, patience: .zero).count == 1)
        let silent = ScriptedSink([.loses(away)])
        let waiting = Task { try await pass(letters, to: silent, patience: .zero) }
        while silent.state.withLock({ $0.attempts.count }) < 4 { await Task.yield() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test("without a topic stretches pass as they are")
    func switchedOff() async throws {
        #expect(try await pass([DeadLetter(record(2, "x"), reason: "")], to: nil).count == 1)
    }

    @Test("each kind of bad record has its reason, and comes as it was before it was enriched")
    func reasons() async throws {
        let keen = #""keen":{"timestamp":"2024-01-01T00:00:00Z"}"#
        let many = (0...Limits.propertiesPerEventMax).map { "\"p\($0)\":1," }.joined()
        // Its add-on is carried out, and only then it turns out to be no event.
        let enriched = """
            {"url":"http://a/b","keen":{"timestamp":"soon","addons":[{"name":"keen:url_parser",\
            "input":{"url":"url"},"output":"parsed"}]}}
            """
        let records = [
            record(0, "nothing"), record(1, "[]"), record(2, "{}"),
            record(3, "{\(keen)}", key: "nokey"), record(4, "{\"\":1,\(keen)}"),
            record(5, "{\(many)\(keen)}"),
            record(6, "{\(keen)\(String(repeating: " ", count: Limits.recordBytesMax))}"),
            record(7, "\0MRC nonsense"), record(8, enriched), record(9, "{\(keen)}"),
        ]
        var output = OutputCollector<EventTuple>()
        var enrich = EnrichBolt(Enricher(geo: nil), metrics: WorkerMetrics())
        let stretch = RecordStretch(fromOffset: 0, toOffset: 10, records: records)
        try await enrich.execute(tuple(.records(stretch)), into: &output)
        var decode = DecodeBolt(context("decode"), metrics: WorkerMetrics())
        let between = output.emissions[0].payload
        guard case .records(let changed) = between else { return }
        #expect(changed.records[8].value != records[8].value, "the add-on did something")
        output = OutputCollector<EventTuple>()
        try await decode.execute(tuple(between), into: &output)
        let dead = output.emissions.flatMap { emission -> [DeadLetter] in
            if case .events(let stretch) = emission.payload { stretch.dead } else { [] }
        }
        #expect(dead.map(\.record.offset) == Array(0..<9))
        #expect(dead.map(\.record.value) == records.dropLast().map(\.value))
        #expect(
            dead.map(\.kind) == [
                "the event is no JSON", "the event is no object",
                "keen.timestamp is no ISO 8601 time", "the key is not project/collection",
                "a property has an empty name, or names of more than 8192 bytes down to it",
                "the event has more than 2000 properties", "the event has more than 1048576 bytes",
                "the control record is not known here", "keen.timestamp is no ISO 8601 time",
            ])
    }
}
