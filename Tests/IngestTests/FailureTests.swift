import JSON
import LogClient
import MockLog
import TestSupport
import Testing

@testable import Ingest

/// What clients are told when the log is slow, down, or comes back.
@Suite struct FailureTests {
    @Test func aLogThatDoesNotAnswerIsSaidInTime() async throws {
        let fixture = try await Fixture { $0.deliveryTimeout = .milliseconds(300) }
        fixture.log.setBroker(1, isUp: false)
        for (body, path) in [("{}", "/c"), (#"{"c":[{},{"n":1}]}"#, "")] {
            let answer = try fixture.post(body, to: path)
            #expect(answer.status == 503)
            #expect(answer.errorCode == "LogUnavailableError")
            #expect(Int(answer.header("retry-after") ?? "") != nil)
        }
        fixture.log.setBroker(1, isUp: true)
        await eventually("the log is back") { try fixture.post("{}").status == 201 }
        await fixture.stop()
    }

    @Test func aFullBufferIsSaidAtOnceAndWhatWaitsIsKept() async throws {
        let fixture = try await Fixture { $0.bufferEventsMax = 3 }
        fixture.log.setBroker(1, isUp: false)
        let first = try fixture.client()
        try first.send(fixture.requestBytes(#"{"n":1}"#) + fixture.requestBytes(#"{"n":2}"#))
        await eventually("two events wait") { fixture.service.waitingEvents == 2 }
        let answer = try fixture.post(#"{"c":[{},{}]}"#, to: "")
        #expect(answer.status == 503)
        #expect(answer.errorCode == "BufferFullError")
        #expect(answer.header("retry-after") == "1")
        let third = try fixture.client()
        try third.send(fixture.requestBytes(#"{"n":3}"#))
        await eventually("three events wait") { fixture.service.waitingEvents == 3 }
        #expect(try fixture.post("{}").errorCode == "BufferFullError")
        fixture.log.setBroker(1, isUp: true)
        #expect(try first.receiveAnswer().status == 201)
        #expect(try first.receiveAnswer().status == 201)
        #expect(try third.receiveAnswer().status == 201)
        #expect(fixture.service.waitingEvents == 0)
        #expect(try fixture.post("{}").status == 201)
        #expect(try await fixture.records(count: 4).count == 4)
        await fixture.stop()
    }

    /// One of two brokers is down: its events fail, the others' do not, and invalid ones stay so.
    @Test func aPartlyFailedBulkSaysWhichEvents() async throws {
        let fixture = try await Fixture(brokers: 2, partitions: 2) {
            $0.deliveryTimeout = .milliseconds(1500)
        }
        #expect(try fixture.post("{}").status == 201)
        fixture.log.setBroker(2, isUp: false)
        let events = (0..<40).map { $0 % 10 == 0 ? "{\"$n\":1}" : "{\"n\":\($0)}" }
        let answer = try fixture.post("{\"c\":[\(events.joined(separator: ","))]}", to: "")
        #expect(answer.status == 200, "\(answer.text)")
        let results = try #require(try answer.json["c"]?.array)
        let codes = results.map { $0["error"]?["name"]?.string ?? "ok" }
        for (index, code) in codes.enumerated() {
            #expect((code == "InvalidPropertyNameError") == (index % 10 == 0))
        }
        let good = codes.indices.filter { codes[$0] == "ok" }
        #expect(good.count > 0 && good.count < 36)
        #expect(codes.contains("LogUnavailableError"))
        fixture.log.setBroker(2, isUp: true)
        let records = try await fixture.records(count: good.count + 1)
        let stored = Set(
            try records.compactMap { try JSONValue(parsing: $0.value)["n"]?.int.map { Int($0) } })
        #expect(stored.isSuperset(of: good))
        await fixture.stop()
    }

    /// An idempotent producer that has lost its place delivers nothing more: another one must.
    @Test func aProducerThatFailedForGoodIsReplaced() async throws {
        let fixture = try await Fixture(partitions: 1)
        #expect(try fixture.post("{}").status == 201)
        // OUT_OF_ORDER_SEQUENCE_NUMBER.
        fixture.log.failProduceRequests(with: [45])
        let broken = try fixture.post("{}")
        #expect(broken.status == 503)
        #expect(broken.errorCode == "LogUnavailableError")
        await eventually("another producer delivers") { try fixture.post("{}").status == 201 }
        #expect(fixture.loggedCount(of: "producer replaced") == 1)
        await fixture.stop()
    }

    @Test func clientsThatLeaveCostNothing() async throws {
        let fixture = try await Fixture()
        fixture.log.setBroker(1, isUp: false)
        do {
            let client = try fixture.client()
            try client.send(fixture.requestBytes(#"{"n":1}"#))
            await eventually("the event waits") { fixture.service.waitingEvents == 1 }
        }
        fixture.log.setBroker(1, isUp: true)
        await eventually("nothing waits") { fixture.service.waitingEvents == 0 }
        #expect(try fixture.post("{}").status == 201)
        #expect(try await fixture.records(count: 2).count == 2)
        await fixture.stop()
    }

    @Test func drainAnswersWhatWaitsAndTakesNothingMore() async throws {
        let fixture = try await Fixture()
        let slow = try fixture.client()
        let late = try fixture.client()
        fixture.log.setRoundTrip(broker: 1, milliseconds: 300)
        try slow.send(fixture.requestBytes("{}"))
        await eventually("the event waits") { fixture.service.waitingEvents == 1 }
        await fixture.service.drain(deadline: .seconds(10))
        #expect(fixture.service.waitingEvents == 0)
        #expect(try slow.receiveAnswer().status == 201)
        try late.send(fixture.requestBytes("{}"))
        let answer = try late.receiveAnswer()
        #expect(answer.status == 503)
        #expect(answer.errorCode == "ServiceUnavailableError")
        await fixture.stop()
    }

    @Test func aDrainThatTakesTooLongFailsWhatWaits() async throws {
        let fixture = try await Fixture()
        let client = try fixture.client()
        fixture.log.setBroker(1, isUp: false)
        try client.send(fixture.requestBytes("{}"))
        await eventually("the event waits") { fixture.service.waitingEvents == 1 }
        await fixture.service.drain(deadline: .milliseconds(50))
        #expect(try client.receiveAnswer().status == 503)
        await fixture.stop()
    }

    /// Many requests over several loops: every acknowledged event is in the log, once.
    @Test func everyAcknowledgedEventIsInTheLogOnce() async throws {
        let fixture = try await Fixture(loops: 3)
        let clients = try (0..<6).map { _ in try fixture.client() }
        var number = 0
        var acknowledged = 0
        for _ in 0..<20 {
            for client in clients {
                let events = (0..<50).map { "{\"n\":\(number + $0)}" }.joined(separator: ",")
                try client.send(
                    fixture.requestBytes("{\"c\":[\(events)]}", to: "")
                        + fixture.requestBytes("{\"n\":\(number + 50)}"))
                number += 51
            }
            for client in clients {
                let bulk = try client.receiveAnswer()
                let single = try client.receiveAnswer()
                #expect(bulk.status == 200 && single.status == 201)
                let results = try #require(try bulk.json["c"]?.array)
                acknowledged += results.count { $0["success"] == true } + 1
            }
        }
        #expect(acknowledged == number)
        let records = try await fixture.records(count: number)
        let numbers = try records.compactMap { try JSONValue(parsing: $0.value)["n"]?.int }
        #expect(numbers.sorted() == (0..<Int64(number)).map { $0 })
        let ids = try records.compactMap { try JSONValue(parsing: $0.value)["keen"]?["id"]?.string }
        #expect(Set(ids).count == number)
        #expect(Set(records.map(\.partition)).count == 4)
        await fixture.stop()
    }
}
