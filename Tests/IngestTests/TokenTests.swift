import Base
import Catalog
import JSON
import LogClient
import TestSupport
import Testing

@testable import Ingest

/// Events that are sent again: their tokens, and that those of one token meet in one partition.
@Suite struct TokenTests {
    /// Where other writers to the log must put such events too.
    @Test(arguments: [
        ("p/c", "x", 1 as Int32, 0 as Int32), ("p/c", "x", 16, 4), ("p/d", "x", 16, 13),
        ("p/c", "y", 16, 7),
    ])
    func goldenPartitions(key: String, token: String, count: Int32, expected: Int32) {
        let found = partition(ofToken: Array(token.utf8), key: Array(key.utf8), count: count)
        #expect(found == expected)
    }

    private func tokens(_ records: [LogRecord]) throws -> [String] {
        try records.compactMap {
            try JSONValue(parsing: $0.value)["keen"]?["uniqueness_token"]?.string
        }.sorted()
    }

    @Test func eventsOfOneTokenMeet() async throws {
        let fixture = try await Fixture(partitions: 8)
        for round in 0..<5 {
            let token = round % 2 == 0 ? #""t-1""# : #""t\u002d1""#
            let body = #"{"n":\#(round),"keen":{"uniqueness_token":\#(token)}}"#
            #expect(try fixture.post(body).status == 201)
        }
        let records = try await fixture.records(count: 5)
        #expect(try tokens(records) == Array(repeating: "t-1", count: 5))
        #expect(Set(records.map(\.partition)).count == 1)
        await fixture.stop()
    }

    @Test func aRequestThatIsSentAgainHasTheSameTokens() async throws {
        let fixture = try await Fixture(partitions: 8)
        let bulk = #"{"a":[{"n":1},{"a.b":2},{"keen":{"uniqueness_token":"own"}}],"b":[{}]}"#
        let client = try fixture.client()
        for _ in 0..<2 {
            let answer = try client.request(
                "POST", fixture.path, key: fixture.project.writeKey,
                headers: [("Idempotency-Key", "k\"1")], body: Array(bulk.utf8))
            #expect(answer.status == 200)
            let single = try client.request(
                "POST", fixture.path + "/c", key: fixture.project.writeKey,
                headers: [("idempotency-key", "k2")], body: Array("{}".utf8))
            #expect(single.status == 201)
        }
        let records = try await fixture.records(count: 8)
        let expected = [
            "idempotency:k\"1:0", "idempotency:k\"1:0", "idempotency:k2:0", "own",
        ]
        #expect(try tokens(records) == (expected + expected).sorted())
        let places = Set(
            records.map { "\($0.partition) " + String(decoding: $0.key, as: UTF8.self) })
        #expect(places.count <= 4, "a repeated event went elsewhere")
        await fixture.stop()
    }

    @Test func aKeyThatIsNoneIsRefused() async throws {
        let fixture = try await Fixture(partitions: 1)
        let long = String(repeating: "k", count: Limits.idempotencyKeyBytesMax + 1)
        for key in ["", "a b", "é", long] {
            let answer = try fixture.client().request(
                "POST", fixture.path + "/c", key: fixture.project.writeKey,
                headers: [("Idempotency-Key", key)], body: Array("{}".utf8))
            #expect(answer.status == 400, "\(key)")
            #expect(answer.errorCode == "InvalidParameterError")
        }
        await fixture.stop()
    }
}
