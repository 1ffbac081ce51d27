import Base
import Testing

@testable import Ingest

/// The table of waiting requests: each comes out once, with exactly the events that failed.
@Suite struct PendingRequestsTests {
    @Test func tokensGoThereAndBack() {
        let token = EventToken(lane: 4095, slot: (1 << 24) - 1, event: (1 << 20) - 1)
        #expect(EventToken(raw: token.raw) == token)
        #expect(token.raw >> 56 == 0)
    }

    @Test func aRequestWithoutPublishedEventsIsDoneAtOnce() {
        var table = PendingRequests<String>()
        let slot = table.open()
        table.add(event: 3, to: slot, isPublished: false)
        #expect(table.close(slot, "a") == [3])
        #expect(table.count == 0)
        #expect(table.settle(slot: slot, event: 3, isDelivered: true) == nil)
    }

    /// Against a model: random requests, reports in random order.
    @Test func everyRequestComesOutOnce() {
        let seed: UInt64 = 11
        var random = PRNG(seed: seed)
        var table = PendingRequests<Int>()
        var reports: [(slot: Int, request: Int, event: Int, isDelivered: Bool)] = []
        var failed: [Int: [Int]] = [:]
        var open: Set<Int> = []
        var done = 0
        for request in 0..<2_000 {
            let slot = table.open()
            for event in 0..<Int.random(in: 0...4, using: &random) {
                let isPublished = UInt8.random(in: 0...9, using: &random) > 0
                let isDelivered = UInt8.random(in: 0...3, using: &random) > 0
                table.add(event: event, to: slot, isPublished: isPublished)
                if isPublished { reports.append((slot, request, event, isDelivered)) }
                if !isPublished || !isDelivered { failed[request, default: []].append(event) }
            }
            if let left = table.close(slot, request) {
                #expect(left == failed[request] ?? [], "seed \(seed)")
                done += 1
            } else {
                open.insert(request)
            }
            reports.shuffle(using: &random)
            while reports.count > (request == 1_999 ? 0 : 50) {
                let report = reports.removeLast()
                let result = table.settle(
                    slot: report.slot, event: report.event, isDelivered: report.isDelivered)
                guard let result else { continue }
                #expect(result.request == report.request, "seed \(seed)")
                #expect(result.failed == failed[report.request] ?? [], "seed \(seed)")
                #expect(open.remove(report.request) != nil, "seed \(seed)")
                done += 1
            }
        }
        #expect(done == 2_000)
        #expect(open.isEmpty)
        #expect(table.count == 0)
    }
}

/// The answer of a bulk write.
@Suite struct BulkResultsTests {
    @Test func resultsKeepTheOrder() {
        var results = BulkResults()
        results.collections = [
            .init(name: "a\"", eventCount: 3), .init(name: "b", eventCount: 0),
            .init(name: "c", eventCount: 1),
        ]
        results.refuse(1, .name("bad"))
        let body = String(decoding: results.encoded(failed: [2]), as: UTF8.self)
        let description = EventError.logUnavailable.message
        #expect(
            body == #"{"a\"":[{"success":true},{"success":false,"error":"#
                + #"{"name":"InvalidPropertyNameError","description":"bad"}},"#
                + #"{"success":false,"error":{"name":"LogUnavailableError","description":"#
                + "\"\(description)\"}}],"
                + #""b":[],"c":[{"success":true}]}"#)
    }
}

/// The bound on what waits.
@Suite struct IngestBudgetTests {
    @Test func nothingIsTakenUnlessThereIsRoom() {
        let budget = IngestBudget(eventsMax: 10, bytesMax: 100, metrics: IngestMetrics())
        #expect(budget.reserve(events: 10, bytes: 50) == .granted)
        #expect(budget.reserve(events: 1, bytes: 1) == .full)
        budget.release(events: 5, bytes: 25)
        #expect(budget.reserve(events: 1, bytes: 76) == .full)
        #expect(budget.reserve(events: 5, bytes: 75) == .granted)
        #expect(budget.events == 10)
        budget.close()
        budget.release(events: 10, bytes: 100)
        #expect(budget.reserve(events: 1, bytes: 1) == .closed)
        #expect(budget.events == 0)
    }
}
