import Base
import Catalog
import JSON
import LogClient
import TestSupport
import Testing

@testable import Ingest

/// What a request says of its caller, in the place of what stands for it.
@Suite struct PlaceholderTests {
    private func address(trusted: Bool) async throws -> JSONValue? {
        let fixture = try await Fixture(partitions: 1) { $0.trustsForwardedFor = trusted }
        let answer = try fixture.client().request(
            "POST", fixture.path + "/c", key: fixture.project.writeKey,
            headers: [
                ("X-Forwarded-For", "6.6.6.6, 203.0.113.7"), ("User-Agent", #"a "b" agent"#),
            ],
            body: Array(#"{"ip":"${keen.ip}","in":{"ua":["${keen.user_agent}"]}}"#.utf8))
        #expect(answer.status == 201)
        let record = try #require(try await fixture.records(count: 1).first)
        await fixture.stop()
        let event = try JSONValue(parsing: record.value)
        #expect(event["in"]?["ua"] == [#"a "b" agent"#])
        return event["ip"]
    }

    @Test func theProxyIsBelievedOnlyIfItIsTrusted() async throws {
        #expect(try await address(trusted: false) == "127.0.0.1")
        #expect(try await address(trusted: true) == "203.0.113.7")
    }

    @Test func thereAreOnlySoMany() async throws {
        let fixture = try await Fixture(partitions: 1)
        func body(_ count: Int) -> String {
            let all = Array(repeating: #""${keen.ip}""#, count: count).joined(separator: ",")
            return #"{"a":[\#(all)]}"#
        }
        #expect(try fixture.post(body(Limits.placeholdersPerEventMax)).status == 201)
        let answer = try fixture.post(body(Limits.placeholdersPerEventMax + 1))
        #expect(answer.errorCode == "InvalidPropertyValueError")
        await fixture.stop()
    }
}
