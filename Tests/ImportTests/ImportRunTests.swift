import Base
import EventLoop
import Foundation
import HTTP
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Import

/// Turned on by the test while the collector looks at it.
private final class Switch: Sendable {
    let isOn = Atomic(false)
}

/// What was reported as the reason to wait.
private final class Troubles: Sendable {
    private let texts = Mutex<[String]>([])
    func add(_ text: String?) { texts.withLock { $0 += text.map { [$0] } ?? [] } }
    var all: [String] { texts.withLock { $0 } }
}

/// Whole imports against a collector that fails: every line is taken once, or rejected with its
/// number, or left for the next run.
@Suite(.timeLimit(.minutes(2))) struct ImportRunTests {
    private func options(
        _ path: String, _ collectors: [String], _ change: (inout ImportOptions) -> Void = { _ in }
    ) -> ImportOptions {
        var options = ImportOptions(
            path: path,
            target: ImportTarget(
                collectors: collectors, project: "p", writeKey: FakeCollector.key, collection: "c"))
        options.batchEvents = 20
        options.patience.backoffFirst = .milliseconds(1)
        options.patience.backoffLimit = .milliseconds(4)
        change(&options)
        return options
    }

    private func run(
        _ options: ImportOptions, seed: UInt64 = 1,
        report: @escaping @Sendable (ImportProgress, ImportRun) -> Void = { _, _ in }
    ) async throws -> ImportSummary {
        let loop = try EventLoop(name: "client")
        let client = HTTPClient(loop: loop)
        let run = ImportRun(options, client: client, seed: seed)
        do {
            let summary = try await run.run { report($0, run) }
            client.close()
            await loop.shutdown()
            return summary
        } catch {
            await loop.shutdown()
            throw error
        }
    }

    private func once(_ numbers: ClosedRange<Int64>) -> [Int64: Int] {
        Dictionary(uniqueKeysWithValues: numbers.map { ($0, 1) })
    }

    private func numbered(_ numbers: ClosedRange<Int>) -> [UInt8] {
        Array(numbers.map { "{\"n\":\($0)}\n" }.joined().utf8)
    }

    /// Whatever the collector does before it takes anything, every line arrives exactly once.
    @Test(arguments: 1...5) func refusalsLoseAndDoubleNothing(seed: UInt64) async throws {
        try await withDirectory { directory in
            let collector = try await FakeCollector { request in
                var random = PRNG(seed: seed &* 1000 &+ UInt64(request))
                return [.takes, .isFull, .takesHalf][Int(random.next() % 3)]
            }
            let file = "\(directory)/f"
            try write(numbered(1...2000), to: file)
            let summary = try await run(options(file, [collector.url]), seed: seed)
            #expect(summary.end == .complete, "seed \(seed)")
            #expect(summary.totals.events == 2000)
            #expect(collector.seen.taken == once(1...2000))
            #expect(collector.seen.runningMax <= Limits.importRequestsInFlight)
            #expect(!FileManager.default.fileExists(atPath: file + ".millrace-import"))
            #expect(!FileManager.default.fileExists(atPath: file + ".rejected"))
            await collector.stop()
        }
    }

    /// When answers get lost nothing is lost, and only events of such answers come twice.
    @Test(arguments: 1...5) func lostAnswersDoubleOnlyTheirEvents(seed: UInt64) async throws {
        try await withDirectory { directory in
            let collector = try await FakeCollector { request in
                var random = PRNG(seed: seed &* 1000 &+ UInt64(request))
                return [.takes, .takes, .forgets][Int(random.next() % 3)]
            }
            let file = "\(directory)/f"
            try write(numbered(1...1000), to: file)
            #expect(try await run(options(file, [collector.url]), seed: seed).end == .complete)
            let seen = collector.seen
            #expect(Set(seen.taken.keys) == Set(1...1000), "seed \(seed)")
            let doubled = Set(seen.taken.filter { $0.value > 1 }.keys)
            #expect(!doubled.isEmpty && doubled.isSubset(of: seen.doubtful), "seed \(seed)")
            await collector.stop()
        }
    }

    /// Bad lines, bad events and events that spoil their request are named; all others arrive.
    @Test func rejectedLinesAreListedWithNumberAndReason() async throws {
        try await withDirectory { directory in
            let collector = try await FakeCollector()
            let file = "\(directory)/f"
            var lines = (1...100).map { "{\"n\":\($0)}" }
            lines[6] = "{\"n\":"
            lines[19] = "{\"n\":20,\"bad\":1}"
            lines[49] = "{\"n\":50,\"poison\":1}"
            try write(Array(lines.joined(separator: "\n").utf8), to: file)
            try write(Array("old\n".utf8), to: file + ".rejected")
            let summary = try await run(options(file, [collector.url]))
            #expect(summary.end == .complete)
            #expect(summary.totals.events == 97 && summary.totals.rejected == 3)
            #expect(Set(collector.seen.taken.keys) == Set(1...100).subtracting([7, 20, 50]))
            let rejected = try contents(of: file + ".rejected").split(separator: "\n").map {
                try JSONValue(parsing: String($0))
            }.sorted { ($0["line"]?.int ?? 0) < ($1["line"]?.int ?? 0) }
            #expect(rejected.map { $0["line"]?.int } == [7, 20, 50])
            #expect(rejected[0]["text"]?.string == lines[6])
            #expect(rejected[0]["reason"]?.string?.hasPrefix("the line is not JSON: ") == true)
            #expect(rejected[1]["reason"]?.string == "InvalidPropertyNameError: bad name")
            #expect(rejected[1]["text"]?.string == lines[19])
            #expect(rejected[2]["reason"]?.string == "status 400: poison")
            await collector.stop()
        }
    }

    /// A stop in the middle and a second run: every line once, none left out.
    @Test func stoppedImportGoesOnWhereItWas() async throws {
        try await withDirectory { directory in
            let collector = try await FakeCollector()
            let file = "\(directory)/f"
            try write(numbered(1...2000), to: file)
            var runs = 0
            var earlier: Int64 = 0
            while true {
                let isResumed = earlier > 0
                let summary = try await run(options(file, [collector.url])) { progress, run in
                    #expect((progress.resumedAt > 0) == isResumed)
                    if progress.totals.events >= 300 { run.stop() }
                }
                #expect(summary.earlierEvents == earlier)
                earlier += summary.totals.events
                runs += 1
                if summary.end == .complete { break }
                #expect(summary.end == .stopped)
                try #require(runs < 20)
            }
            #expect(runs > 2)
            #expect(earlier == 2000)
            #expect(collector.seen.taken == once(1...2000))
            await collector.stop()
        }
    }

    /// A collector that never takes anything is given up in time, and the next run has the rest.
    @Test func hopelessCollectorIsGivenUpAndResumed() async throws {
        try await withDirectory { directory in
            let isUp = Switch()
            let collector = try await FakeCollector { request in
                if isUp.isOn.load(ordering: .relaxed) { return .takes }
                return request <= 3 ? .takesHalf : .isFull
            }
            let file = "\(directory)/f"
            try write(numbered(1...400), to: file)
            let hasty = options(file, [collector.url]) {
                $0.patience.giveUpAfter = .milliseconds(100)
            }
            let troubles = Troubles()
            let first = try await run(hasty) { progress, _ in troubles.add(progress.trouble) }
            #expect(troubles.all.contains { $0.contains("the log is slow") })
            guard case .failed(let error) = first.end else { Issue.record("\(first)"); return }
            #expect(error.code == .unsent)
            #expect(error.message.contains("the log is slow"))
            isUp.isOn.store(true, ordering: .relaxed)
            let second = try await run(hasty)
            #expect(second.end == .complete)
            #expect(first.totals.events + second.totals.events == 400)
            #expect(collector.seen.taken == once(1...400))
            #expect(first.totals.events > 0)
            await collector.stop()
        }
    }

    @Test func wrongKeyEndsAtOnce() async throws {
        try await withDirectory { directory in
            let collector = try await FakeCollector()
            let file = "\(directory)/f"
            try write(numbered(1...1000), to: file)
            let summary = try await run(
                options(file, [collector.url]) { $0.target.writeKey = "WRONG" })
            guard case .failed(let error) = summary.end else { Issue.record("\(summary)"); return }
            #expect(error.code == .refused && error.message.contains("wrong key"))
            #expect(summary.totals.events == 0)
            await collector.stop()
        }
    }

    @Test func answerWithoutSenseEndsTheImport() async throws {
        try await withDirectory { directory in
            let collector = try await FakeCollector { _ in .raves }
            try write(numbered(1...10), to: "\(directory)/f")
            let summary = try await run(options("\(directory)/f", [collector.url]))
            guard case .failed(let error) = summary.end else { Issue.record("\(summary)"); return }
            #expect(error.code == .refused)
            await collector.stop()
        }
    }

    /// One of two collectors is down: the other one gets everything.
    @Test func deadCollectorIsPassedOver() async throws {
        try await withDirectory { directory in
            let dead = try await FakeCollector()
            await dead.stop()
            let alive = try await FakeCollector()
            try write(numbered(1...500), to: "\(directory)/f")
            let summary = try await run(options("\(directory)/f", [dead.url, alive.url]))
            #expect(summary.end == .complete)
            #expect(alive.seen.taken.count == 500)
            await alive.stop()
        }
    }

    /// What cannot be read is said in words of the operating system.
    @Test func unreadableInputIsSaidClearly() async throws {
        try await withDirectory { directory in
            for (path, reason) in [
                (directory, "is a directory"),
                ("\(directory)/none", "cannot be read: No such file or directory"),
            ] {
                await #expect(throws: ImportError(.input, "\(path) \(reason)")) {
                    try await run(options(path, ["http://127.0.0.1:1"]))
                }
            }
        }
    }

    /// A kept state makes a second run do nothing; another file or project does not pass for it.
    @Test func keptStateIsForThisFileOnly() async throws {
        try await withDirectory { directory in
            let collector = try await FakeCollector()
            let file = "\(directory)/f"
            try write(numbered(1...50), to: file)
            let kept = options(file, [collector.url]) { $0.keepsState = true }
            #expect(try await run(kept).end == .complete)
            let again = try await run(kept)
            #expect(again.end == .alreadyComplete && again.earlierEvents == 50)
            #expect(collector.seen.taken.values.allSatisfy { $0 == 1 })
            var other = kept
            other.target.collection = "d"
            await #expect(throws: ImportError.self) { try await run(other) }
            try write(numbered(1...51), to: file)
            await #expect(throws: ImportError.self) { try await run(kept) }
            await collector.stop()
        }
    }

    /// CSV and gzip go the same way.
    @Test func zippedCSVIsImported() async throws {
        try await withDirectory { directory in
            let collector = try await FakeCollector()
            let file = "\(directory)/f.csv.gz"
            let text = "n,a.b\n" + (1...100).map { "\($0),x\n" }.joined() + "101\n"
            try write(storedGzip(Array(text.utf8)), to: file)
            let summary = try await run(options(file, [collector.url]))
            #expect(summary.end == .complete)
            #expect(summary.totals.rejected == 1)
            #expect(Set(collector.seen.taken.keys) == Set(1...100))
            #expect(contents(of: file + ".rejected").contains("\"line\":102"))
            await collector.stop()
        }
    }
}
