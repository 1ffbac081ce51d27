import Catalog
import JSON
import LogClient
import TestSupport
import Testing

@testable import Ingest

/// Writes by GET, as pages, mails and old browsers send them.
@Suite struct PixelTests {
    private static func query(_ fixture: Fixture, _ data: String, _ rest: String) -> String {
        "\(fixture.path)/opened?api_key=\(fixture.project.writeKey)&data=\(data)\(rest)"
    }

    /// Each form of the answer, and the event is in the log every time.
    @Test func everyFormOfAnswerComesAfterTheEventIsInTheLog() async throws {
        let fixture = try await Fixture()
        let client = try fixture.client()
        let event = "eyJhIjoiPz4_In0"  // {"a":"?>?"}, URL-safe and without padding

        let json = try client.request("GET", Self.query(fixture, event, ""))
        #expect(json.status == 201)
        #expect(json.text == #"{"created":true}"#)

        for rest in ["&c=clv1&modified=123", ""] {
            let headers = rest.isEmpty ? [("Accept", "image/avif,image/*;q=0.8")] : []
            let image = try client.request(
                "GET", Self.query(fixture, event, rest), headers: headers)
            #expect(image.status == 200)
            #expect(image.header("content-type") == "image/gif")
            #expect(image.body.count == 43)
            #expect(image.body.prefix(10) == Array("GIF89a".utf8)[...] + [1, 0, 1, 0])
        }

        let script = try client.request(
            "GET", Self.query(fixture, event, "&jsonp=keenJSONPCallback1700000000000"))
        #expect(script.status == 200)
        #expect(script.header("content-type") == "application/javascript")
        #expect(script.text == #"/**/keenJSONPCallback1700000000000({"created":true});"#)

        let redirect = try client.request(
            "GET", Self.query(fixture, event, "&redirect=https%3A%2F%2Fa.example%2Fb%3Fc%3Dd"))
        #expect(redirect.status == 302)
        #expect(redirect.header("location") == "https://a.example/b?c=d")

        for record in try await fixture.records(count: 5) {
            #expect(try JSONValue(parsing: record.value)["a"] == "?>?")
        }
        await fixture.stop()
    }

    /// Errors come in the form that was asked for; nothing is written.
    @Test func refusalsKeepTheForm() async throws {
        let fixture = try await Fixture()
        let client = try fixture.client()
        func get(_ data: String, _ rest: String) throws -> Answer {
            try client.request("GET", Self.query(fixture, data, rest))
        }
        #expect(try get("!", "").status == 400)
        #expect(try get("!", "&c=clv1").status == 400)
        #expect(try get("!", "&redirect=http://a/").status == 302)
        let script = try get("e30x", "&jsonp=f")
        #expect(script.status == 200)
        #expect(script.text.hasPrefix("/**/f({") && script.text.contains("InvalidJSONError"))
        for bad in [
            "&jsonp=alert(1)", "&jsonp=", "&redirect=javascript:x", "&redirect=http://a%0D%0Ab",
        ] {
            let answer = try get("e30", bad)
            #expect(answer.status == 400, "\(bad)")
            #expect(answer.text.contains("InvalidParameterError"), "\(bad)")
        }
        let wrongKey = try client.request(
            "GET", "\(fixture.path)/opened?api_key=x&data=e30&c=clv1")
        #expect(wrongKey.status == 401)
        // Neither a HEAD nor a GET without data writes.
        let head = try client.request(
            "HEAD", Self.query(fixture, "e30", ""))
        #expect(head.status != 201)
        #expect(fixture.service.waitingEvents == 0)
        #expect(try get("eyJsYXN0Ijp0cnVlfQ", "").status == 201)
        let records = try await fixture.records(count: 1)
        #expect(records.count == 1)
        #expect(try JSONValue(parsing: records[0].value)["last"] == true)
        await fixture.stop()
    }
}
