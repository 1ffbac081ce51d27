import Catalog
import JSON
import LogClient
import TestSupport
import Testing

@testable import Ingest

/// Writes byte by byte as clients that cannot run here send them.
@Suite struct TranscriptTests {
    private func say(_ fixture: Fixture, _ head: String, _ body: String = "") throws -> Answer {
        let client = try fixture.client()
        var lines = head.replacing("EVENTS", with: fixture.path)
            .replacing("WRITE", with: fixture.project.writeKey)
        if !body.isEmpty { lines += "\nContent-Length: \(body.utf8.count)" }
        let text = lines.replacing("\n", with: "\r\n") + "\r\nHost: localhost\r\n\r\n" + body
        try client.send(Array(text.utf8))
        return try client.receiveAnswer()
    }

    @Test func everyClientsWrites() async throws {
        let fixture = try await Fixture()
        // navigator.sendBeacon: no header of ours, a text.
        let beacon = try say(
            fixture,
            """
            POST EVENTS/pageviews?api_key=WRITE HTTP/1.1
            Origin: https://shop.example.test
            Content-Type: text/plain;charset=UTF-8
            """, #"{"page":1,"client":"sendBeacon"}"#)
        #expect(beacon.status == 201 && beacon.text == #"{"created":true}"#)
        #expect(beacon.header("access-control-allow-origin") == "*")
        let bulkBeacon = try say(
            fixture,
            """
            POST EVENTS?api_key=WRITE HTTP/1.1
            Content-Type: text/plain;charset=UTF-8
            """, #"{"pageviews":[{"client":"sendBeacon bulk"}]}"#)
        #expect(bulkBeacon.text == #"{"pageviews":[{"success":true}]}"#)
        // keen-tracking.js in Node.
        let node = try say(
            fixture,
            """
            POST EVENTS/sign%20ups%2Fx HTTP/1.1
            Authorization: WRITE
            Content-Type: application/json
            keen-sdk: javascript-5.0.1
            """, #"{"client":"node"}"#)
        #expect(node.status == 201)
        // Java: a slash as it is, its own form of time.
        let java = try say(
            fixture,
            """
            POST EVENTS/sign%20ups/x HTTP/1.1
            Accept: application/json
            Authorization: WRITE
            Keen-Sdk: java-6.0.0
            Content-Type: application/json
            User-Agent: Java/17
            """, #"{"client":"java","keen":{"timestamp":"2020-05-01T10:00:00.000+0000"}}"#)
        #expect(java.status == 201)
        // Python: base64 of the standard alphabet, not percent-encoded.
        let python = try say(
            fixture,
            """
            GET EVENTS/opens?api_key=WRITE&data=eyJjbGllbnQiOiJweXRob24iLCJ0ZXh0IjoiPj4+Pz8/In0= HTTP/1.1
            Keen-Sdk: python-0.7.0
            """)
        #expect(python.status == 201)
        // Ruby: the other alphabet.
        let ruby = try say(
            fixture,
            """
            GET EVENTS/opens?api_key=WRITE&data=eyJjbGllbnQiOiJydWJ5IiwidGV4dCI6Ij4-Pj8_PyJ9\
            &redirect=https%3A%2F%2Fexample.test%2Fa%3Fb%3D1 HTTP/1.1
            Keen-Sdk: ruby-1.1.1
            """)
        #expect(ruby.status == 302 && ruby.header("location") == "https://example.test/a?b=1")
        try check(try await fixture.records(count: 6))
        await fixture.stop()
    }

    /// Every client's event is there, and says what it said.
    private func check(_ records: [LogRecord]) throws {
        let keys = records.map { String(decoding: $0.key, as: UTF8.self) }
        #expect(keys.count { $0.hasSuffix("/sign ups/x") } == 2)
        let clients = try records.compactMap {
            try JSONValue(parsing: $0.value)["client"]?.string
        }
        #expect(
            clients.sorted() == [
                "java", "node", "python", "ruby", "sendBeacon", "sendBeacon bulk",
            ])
        for record in records {
            let event = try JSONValue(parsing: record.value)
            if let text = event["text"] { #expect(text == ">>>???") }
        }
    }

    /// iOS walks the results index by index and throws away what has a name that it knows.
    @Test func aBulkWithMistakes() async throws {
        let fixture = try await Fixture()
        let bad = try say(
            fixture,
            """
            POST EVENTS HTTP/1.1
            Authorization: WRITE
            """,
            #"{"orders":[{"n":1,"client":"iOS"},{"a.b":1}],"visits":[{"client":"iOS"}],"$x":[{}]}"#)
        let errors = try bad.json
        #expect(bad.status == 200)
        #expect(errors["orders"]?.array?.map { $0["success"] } == [true, false])
        #expect(errors["orders"]?.array?.last?["error"]?["name"] == "InvalidPropertyNameError")
        #expect(errors["$x"]?.array?.first?["error"]?["name"] == "InvalidCollectionNameError")
        #expect(try await fixture.records(count: 2).count == 2)
        await fixture.stop()
    }
}
