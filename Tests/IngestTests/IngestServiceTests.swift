import Base
import Catalog
import JSON
import LogClient
import Model
import TestSupport
import Testing

@testable import Ingest

/// The write routes over real sockets, as Keen's clients use them.
@Suite struct IngestServiceTests {
    @Test func oneEventGoesIntoTheLog() async throws {
        let fixture = try await Fixture()
        let before = Timestamp(milliseconds: wallClockMilliseconds())
        let answer = try fixture.post(#"{"a": 1.50}"#, to: "/sign%20ups/x.y")
        #expect(answer.status == 201)
        #expect(answer.text == #"{"created":true}"#)
        #expect(answer.header("access-control-allow-origin") == "*")
        let record = try #require(try await fixture.records(count: 1).first)
        #expect(record.key == Array("\(fixture.project.id)/sign ups/x.y".utf8))
        let text = String(decoding: record.value, as: UTF8.self)
        #expect(text.hasPrefix(#"{"a": 1.50,"keen":{"id":""#), "\(text)")
        let keen = try #require(try JSONValue(parsing: record.value)["keen"])
        #expect(keen["id"]?.string?.utf8.count == 24)
        let created = try #require(Timestamp(iso8601: keen["created_at"]?.string?.utf8 ?? "".utf8))
        #expect(created >= before)
        #expect(created <= Timestamp(milliseconds: wallClockMilliseconds()))
        #expect(keen["timestamp"] == keen["created_at"])
        await fixture.stop()
    }

    @Test func aBulkAnswersEveryEventInOrder() async throws {
        let fixture = try await Fixture()
        let body = #"""
            {"orders": [{"n": 1}, {"a.b": 2}, 3, {"n": 4}], "none": [],
             "$bad": [{"n": 5}, {"$x": 6}], "visits": [{}]}
            """#
        let answer = try fixture.post(body, to: "")
        #expect(answer.status == 200)
        let json = try answer.json
        #expect(json.object?.names == ["orders", "none", "$bad", "visits"])
        func codes(_ collection: String) -> [String]? {
            json[collection]?.array?.map { result in
                result["success"] == true ? "ok" : result["error"]?["name"]?.string ?? "?"
            }
        }
        #expect(codes("orders") == ["ok", "InvalidPropertyNameError", "InvalidEventError", "ok"])
        #expect(codes("none") == [])
        #expect(
            codes("$bad") == ["InvalidCollectionNameError", "InvalidPropertyNameError"])
        #expect(codes("visits") == ["ok"])
        let records = try await fixture.records(count: 3)
        let keys = records.map { String(decoding: $0.key, as: UTF8.self) }.sorted()
        let id = fixture.project.id
        #expect(keys == ["\(id)/orders", "\(id)/orders", "\(id)/visits"])
        await fixture.stop()
    }

    @Test func aBrokenEnvelopePublishesNothing() async throws {
        let fixture = try await Fixture(partitions: 1)
        for (body, code) in [
            ("[]", "InvalidBatchError"), ("7", "InvalidBatchError"),
            (#"{"a":{}}"#, "InvalidBatchError"), (#"{"a":[{}],"b":1}"#, "InvalidBatchError"),
            (#"{"a":[{}],"a":[{}]}"#, "InvalidBatchError"), ("", "InvalidJSONError"),
            (#"{"a":[{}"#, "InvalidJSONError"), (#"{"a":[{},]}"#, "InvalidJSONError"),
        ] {
            let answer = try fixture.post(body, to: "")
            #expect(answer.status == 400)
            #expect(answer.errorCode == code, "\(answer.text)")
        }
        #expect(try fixture.post("{}", to: "").text == "{}")
        #expect(try fixture.post(#"{"marker":1}"#).status == 201)
        #expect(try await fixture.records(count: 1).count == 1)
        await fixture.stop()
    }

    @Test func tooManyEventsAreTooLarge() async throws {
        let fixture = try await Fixture { $0.bufferEventsMax = 3 }
        let answer = try fixture.post(#"{"a":[1,2,3,4]}"#, to: "")
        #expect(answer.status == 413)
        #expect(answer.errorCode == "RequestTooLargeError")
        let more = "{\"a\":[" + String(repeating: "1,", count: Limits.bulkEventsMax) + "1]}"
        #expect(try fixture.post(more, to: "").status == 413)
        await fixture.stop()
    }

    @Test func keysAndProjectsAreChecked() async throws {
        let fixture = try await Fixture()
        let project = fixture.project
        func outcome(_ path: String, _ key: String?) throws -> String {
            let answer = try fixture.client().request(
                "POST", path, key: key, body: Array("{}".utf8))
            return answer.errorCode.isEmpty ? "\(answer.status)" : answer.errorCode
        }
        let path = fixture.path + "/c"
        #expect(try outcome(path, project.writeKey) == "201")
        #expect(try outcome(path, project.masterKey) == "201")
        #expect(try outcome(path, project.readKey) == "InvalidApiKeyError")
        #expect(try outcome(path, "x") == "InvalidApiKeyError")
        #expect(try outcome(path, nil) == "InvalidApiKeyError")
        #expect(try outcome(path + "?api_key=\(project.writeKey)&x=1", nil) == "201")
        #expect(try outcome(path + "?api_key=x", project.writeKey) == "201")
        #expect(try outcome(path + "?api_key=x", nil) == "InvalidApiKeyError")
        #expect(try outcome("/3.0/projects/other/events/c", "x") == "ResourceNotFoundError")
        #expect(try outcome("/3.0/projects/other/events", nil) == "ResourceNotFoundError")
        #expect(try outcome(fixture.path + "/$c", project.writeKey) == "InvalidCollectionNameError")
        #expect(try outcome(fixture.path + "/%FF", project.writeKey) == "BadRequestError")
        await fixture.stop()
    }

    @Test func versionDocumentsAreServed() async throws {
        let fixture = try await Fixture()
        let client = try fixture.client()
        #expect(
            try client.request("GET", "/").text
                == #"[{"is_public":true,"url":"/3.0","version":"3.0"}]"#)
        #expect(
            try client.request("GET", "/3.0").text == #"{"projects_resource_url":"/3.0/projects"}"#)
        await fixture.stop()
    }

    /// Random mutations of bodies: always a JSON answer with the right members, on one connection.
    @Test func mutatedBodiesGetJSON() async throws {
        let fixture = try await Fixture()
        let client = try fixture.client()
        let seed: UInt64 = 30
        var random = PRNG(seed: seed)
        for round in 0..<300 {
            let isBulk = Bool.random(using: &random)
            let seeds = isBulk ? MutatedBodies.bulks : MutatedBodies.events
            let body = MutatedBodies.mutate(seeds, &random)
            let answer = try client.request(
                "POST", fixture.path + (isBulk ? "" : "/c"), key: fixture.project.writeKey,
                body: body)
            let json = try answer.json
            switch answer.status {
            case 200: #expect(json.object != nil)
            case 201: #expect(json["created"] == true)
            default:
                #expect(answer.status == 400, "seed \(seed), round \(round): \(answer.text)")
                #expect(json["message"]?.string != nil && json["error_code"]?.string != nil)
            }
        }
        await fixture.stop()
    }
}
