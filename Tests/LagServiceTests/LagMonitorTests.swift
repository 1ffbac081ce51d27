import Lag
import LagService
import Synchronization
import Testing

/// A log whose answers a test holds back.
private final class HeldLog: LagSource {
    private struct State {
        var readings = 0
        var running = 0
        var mostRunning = 0
        var held: [CheckedContinuation<Void, Never>] = []
        var isOpen = false
    }
    private let state = Mutex(State())

    var readings: Int { state.withLock { $0.readings } }
    var mostRunning: Int { state.withLock { $0.mostRunning } }

    func open() {
        let held = state.withLock { state in
            state.isOpen = true
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    func topics() async throws -> [LagTopic] {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                state.readings += 1
                state.running += 1
                state.mostRunning = max(state.mostRunning, state.running)
                if !state.isOpen { state.held.append(continuation) }
                return state.isOpen
            }
            if goesOn { continuation.resume() }
        }
        state.withLock { $0.running -= 1 }
        return [LagTopic(name: "t", partitions: [(0, "b:1")])]
    }

    func committed(group: String, partitions: [LagPartition]) async throws -> [LagPartition: Int64]
    { [:] }
    func range(of partition: LagPartition) async throws -> OffsetRange {
        OffsetRange(earliest: 0, latest: Int64(readings))
    }
    func ages(at offsets: [LagPartition: Int64]) async -> [LagPartition: Double] { [:] }

    func applied() async -> AppliedReading? { nil }
}

/// However many ask, one reading is under way, and nobody is told a number from before the question.
@Suite struct LagMonitorTests {
    @Test func askersShareReadingsThatBeganAfterTheyAsked() async throws {
        let log = HeldLog()
        let monitor = LagMonitor(source: log)
        let question = LagQuestion(group: "g", topics: ["t"])
        async let first = monitor.report(question)
        while log.readings < 1 { await Task.yield() }
        try await withThrowingTaskGroup(of: Int64?.self) { group in
            for _ in 0..<20 {
                group.addTask { try await monitor.report(question).partitions[0].range?.latest }
            }
            // The first reading goes on only when all have had their chance to ask.
            for _ in 0..<1_000 { await Task.yield() }
            log.open()
            for try await latest in group { #expect(try #require(latest) >= 2) }
        }
        #expect(try await first.partitions[0].range?.latest == 1)
        #expect(log.mostRunning == 1)
        #expect(log.readings < 20)
    }

    @Test func otherQuestionsGetTheirOwnAnswers() async throws {
        let log = HeldLog()
        log.open()
        let monitor = LagMonitor(source: log)
        await #expect(throws: LagError("the log has no topic 'nope'")) {
            try await monitor.report(LagQuestion(group: "g", topics: ["nope"]))
        }
        let report = try await monitor.report(LagQuestion(group: "h", topics: ["t"]))
        #expect(report.partitions.map(\.group) == ["h"])
    }
}
