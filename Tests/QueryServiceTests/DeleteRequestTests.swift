import Foundation
import HTTP
import JSON
import Testing

/// Deletes as clients ask for them, and what queries see afterwards.
@Suite struct DeleteRequestTests {
    private let path = "\(TestCluster.projectPath)/events"

    private func events() throws -> [JSONValue] {
        try (0..<100).map { number in
            try JSONValue(
                parsing: #"{"n":\#(number),"user":{"email":"e\#(number)","id":\#(number % 2)},"#
                    + #""keen":{"timestamp":"2020-03-\#(10 + number % 20)T10:00:00.000Z"}}"#)
        }
    }

    private func count(_ cluster: TestCluster, _ more: String = "") async throws -> JSONValue? {
        try await cluster.query("count", #"{"event_collection":"orders"\#(more)}"#).result
    }

    @Test func eventsPropertiesAndCollections() async throws {
        try await TestCluster.with { cluster in
            try await cluster.store(try events())
            let filter = #"[{"property_name":"user.id","operator":"eq","property_value":1}]"#
            // As keen-analysis.js sends it: quoted, with empty pairs and a body.
            let some = try await cluster.send(
                .delete,
                "\(path)/orders?\(form([("filters", filter), ("timeframe", "\"this_14_days\"")]))&&",
                key: "MASTER", body: "{}")
            #expect(some.status == 204 && some.text.isEmpty, "\(some)")
            // The 19th to the 29th of March, odd numbers: those of even days.
            #expect(try await count(cluster) == 70)
            #expect(
                try await count(cluster, #","group_by":"user.id""#)
                    == [["user.id": 0, "result": 50], ["user.id": 1, "result": 20]])
            let property = try await cluster.send(
                .delete, "\(path)/orders/properties/user.email", key: "MASTER")
            #expect(property.status == 204, "\(property)")
            let schema = try await cluster.send(.get, "\(path)/orders")
            #expect(!schema.text.contains("email") && schema.text.contains("user.id"))
            let latest = try await cluster.query(
                "extraction", #"{"event_collection":"orders","latest":1}"#)
            #expect(!latest.text.contains("email") && latest.text.contains("user"), "\(latest)")
            let kept = try await cluster.send(
                .put, "\(path)/orders", key: "MASTER", body: #"{"retention_days":30}"#)
            #expect(kept.status == 200 && kept.text == #"{"retention_days":30}"#, "\(kept)")
            let all = try await cluster.send(.delete, "\(path)/orders", key: "MASTER")
            #expect(all.status == 204, "\(all)")
            #expect(try await count(cluster) == 0)
            #expect(try await cluster.send(.delete, "\(path)/orders", key: "MASTER").status == 404)
            #expect(try await cluster.send(.get, path).text == "[]")
        }
    }

    @Test func whatIsWrongIsRefused() async throws {
        try await TestCluster.with { cluster in
            try await cluster.store(try events())
            let requests: [(HTTPMethod, String, String, String, Int)] = [
                (.delete, "orders", "READ", "", 401), (.delete, "orders", "WRITE", "", 401),
                (.delete, "nothing", "MASTER", "", 404),
                (.delete, "orders/properties/nothing", "MASTER", "", 404),
                (.delete, "orders/properties/keen.timestamp", "MASTER", "", 400),
                (.delete, "orders?filters=%5B%5D", "MASTER", "", 400),
                (.delete, "orders?timeframe=soon", "MASTER", "", 400),
                (.put, "orders", "MASTER", "{}", 400), (.put, "orders", "READ", "{}", 401),
                (.put, "orders", "MASTER", #"{"retention_days":0}"#, 400),
                (.put, "orders", "MASTER", #"{"retention_days":"x"}"#, 400),
            ]
            for (method, target, key, body, status) in requests {
                let answer = try await cluster.send(
                    method, "\(path)/\(target)", key: key, body: body)
                #expect(answer.status == status && answer.code != nil, "\(target): \(answer)")
            }
            #expect(try await count(cluster) == 100)
        }
    }
}
