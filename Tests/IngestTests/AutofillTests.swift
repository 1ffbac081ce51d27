import Catalog
import JSON
import LogClient
import MockLog
import Model
import TestSupport
import Testing

@testable import Ingest

/// What an access key fills into events.
@Suite struct AutofillTests {
    private let autofill = Autofill(
        members: (try? JSONValue(parsing: #"{"team":"A","user":{"org":{"id":7}}}"#).object)
            ?? JSONObject())

    @Test(arguments: [
        ("{}", #"{"team":"A","user":{"org":{"id":7}}}"#),
        (#"{"team":"B","n":1}"#, #"{"team":"A","n":1,"user":{"org":{"id":7}}}"#),
        (#"{"team":"B","team":{"x":1}}"#, #"{"team":"A","user":{"org":{"id":7}}}"#),
        (
            #"{"user":{"id":1,"org":{"id":8,"name":"x"}}}"#,
            #"{"user":{"id":1,"org":{"id":7,"name":"x"}},"team":"A"}"#
        ),
        (#"{"user":{"org":3}}"#, #"{"user":{"org":{"id":7}},"team":"A"}"#),
        (#"[1]"#, #"[1]"#), (#"{"a":"#, #"{"a":"#),
    ])
    func oneEvent(body: String, expected: String) {
        #expect(String(decoding: autofill.single(Array(body.utf8)), as: UTF8.self) == expected)
    }

    @Test(arguments: [
        (
            #"{"c":[{},{"team":1}],"d":[]}"#,
            #"{"c":[{"team":"A","user":{"org":{"id":7}}},{"team":"A","user":{"org":{"id":7}}}],"d":[]}"#
        ),
        (#"{"c":[1]}"#, #"{"c":[1]}"#),
        // Refused as it is, so that no event is lost.
        (#"{"c":[{}],"c":[{}]}"#, #"{"c":[{}],"c":[{}]}"#),
    ])
    func collections(body: String, expected: String) throws {
        let filled = try autofill.bulk(Array(body.utf8))
        #expect(String(decoding: filled, as: UTF8.self) == expected)
    }

    @Test func bodiesDoNotGrowWithoutBound() {
        let body = #"{"c":["# + String(repeating: "{},", count: 300_000) + "{}]}"
        #expect(throws: Autofill.TooLarge.self) { try autofill.bulk(Array(body.utf8)) }
    }

    /// By every way in, and with the collector's other checks after it.
    @Test func writesWithAnAccessKey() async throws {
        let fixture = try await Fixture()
        let options = try JSONValue(
            parsing: #"{"writes":{"autofill":{"team":"A","ip":"${keen.ip}"}}}"#)
        let key = try AccessKey(
            project: fixture.project.id, key: AccessKey.randomKey(), name: "k", isActive: true,
            permitted: [.writes], options: try #require(options.object),
            created: Timestamp(milliseconds: 0), modified: Timestamp(milliseconds: 0))
        let writer = try CatalogWriter(
            connection: LogConnection(brokers: fixture.log.brokers), logger: quiet)
        try await writer.publish(CatalogRecord(putting: key), timeout: .seconds(10))
        let client = try fixture.client()
        await eventually("the key is known") {
            try client.request(
                "POST", fixture.path + "/c", key: key.key, body: Array(#"{"n":1}"#.utf8)
            ).status == 201
        }
        let bulk = try client.request(
            "POST", fixture.path, key: key.key,
            body: Array(#"{"c":[{"team":"B"},{"a.b":1}]}"#.utf8))
        #expect(bulk.status == 200)
        #expect(try bulk.json["c"]?.array?.map { $0["success"] } == [true, false])
        let pixel = try client.request(
            "GET", fixture.path + "/c?api_key=\(key.key)&data=eyJuIjoxfQ", key: nil)
        #expect(pixel.status == 201)
        var revoked = key
        revoked.isActive = false
        try await writer.publish(CatalogRecord(putting: revoked), timeout: .seconds(10))
        await eventually("the key is revoked") {
            try client.request(
                "POST", fixture.path + "/c", key: key.key, body: Array("[]".utf8)
            ).status == 401
        }
        for record in try await fixture.records(count: 3) {
            let event = try JSONValue(parsing: record.value)
            #expect(event["team"] == "A" && event["ip"] == "127.0.0.1", "\(event)")
        }
        await fixture.stop()
    }
}
