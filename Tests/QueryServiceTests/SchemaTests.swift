import HTTP
import JSON
import Testing

@testable import QueryService

/// Schema reads and project reads, and that shards and nodes add up to one schema.
@Suite struct SchemaTests {
    private static let keen = #","keen":{"timestamp":"2020-03-31T10:00:00.000Z","id":"x"}}"#

    private func event(_ members: String) throws -> JSONValue {
        try JSONValue(parsing: "{" + members + Self.keen)
    }

    private func withEvents(_ body: (TestCluster) async throws -> Void) async throws {
        try await TestCluster.with { cluster in
            try await cluster.store([
                ("orders", event(#""total":1,"user":{"plan":"a"}"#)),
                ("orders", event(#""total":2.5,"ok":true,"odd":null"#)),
                ("sign ups/x", event(#""list":[1]"#)),
                ("orders", event(#""odd":"text""#)), ("orders", event(#""odd":7"#)),
            ])
            try await body(cluster)
        }
    }

    @Test func collections() async throws {
        try await withEvents { cluster in
            let path = TestCluster.projectPath
            let orders = #"""
                {"name":"orders","url":"\#(path)/events/orders","properties":{"keen.id":"string",
                "keen.timestamp":"datetime","odd":"string","ok":"bool","total":"num",
                "user.plan":"string"}}
                """#
            let signUps = #"""
                {"name":"sign ups/x","url":"\#(path)/events/sign%20ups%2Fx","properties":
                {"keen.id":"string","keen.timestamp":"datetime","list":"array"}}
                """#
            let all = try await cluster.send(.get, "\(path)/events")
            #expect(all.json == (try JSONValue(parsing: "[\(orders),\(signUps)]")), "\(all)")
            let one = try await cluster.send(.get, "\(path)/events/orders", key: "MASTER")
            #expect(one.json == (try JSONValue(parsing: orders)), "\(one)")
            for name in ["sign%20ups%2Fx", "sign%20ups/x"] {
                let other = try await cluster.send(.get, "\(path)/events/\(name)")
                #expect(other.json == (try JSONValue(parsing: signUps)), "\(other)")
            }
            let unknown = try await cluster.send(.get, "\(path)/events/nobody")
            #expect(unknown.status == 404 && unknown.code == "ResourceNotFoundError")
            let wrong = try await cluster.send(.get, "\(path)/events/$a")
            #expect(wrong.status == 400 && wrong.code == "InvalidCollectionNameError")
            let writing = try await cluster.send(.get, "\(path)/events/orders?data=e30%3D")
            #expect(writing.status == 404, "that is a write, and no collector is mounted here")
        }
    }

    @Test func properties() async throws {
        try await withEvents { cluster in
            let path = "\(TestCluster.projectPath)/events/orders/properties"
            let list = try await cluster.send(.get, path)
            let names = list.json?.array?.compactMap { $0["property_name"]?.string }
            #expect(
                names == ["keen.id", "keen.timestamp", "odd", "ok", "total", "user.plan"], "\(list)"
            )
            let one = try await cluster.send(.get, "\(path)/user.plan")
            #expect(
                one.text
                    == #"{"property_name":"user.plan","type":"string","url":"\#(path)/user.plan"}"#)
            #expect(try await cluster.send(.get, "\(path)/nothing").status == 404)
            let other = "\(TestCluster.projectPath)/events/sign%20ups%2Fx/properties/list"
            let array = try await cluster.send(.get, other)
            #expect(array.json?["type"]?.string == "array")
        }
    }

    @Test func projectWithoutEvents() async throws {
        try await TestCluster.with { cluster in
            let answer = try await cluster.send(.get, "\(TestCluster.projectPath)/events")
            #expect(answer.text == "[]")
        }
    }

    @Test func projects() async throws {
        try await withEvents { cluster in
            let path = TestCluster.projectPath
            let project = #"""
                {"id":"\#(TestCluster.project)","name":"shop","api_key":"MASTER","url":"\#(path)",
                "events":[{"name":"orders","url":"\#(path)/events/orders"},
                {"name":"sign ups/x","url":"\#(path)/events/sign%20ups%2Fx"}],
                "events_url":"\#(path)/events","queries_url":"\#(path)/queries","saved_queries":[]}
                """#
            let one = try await cluster.send(.get, path, key: "MASTER")
            #expect(one.json == (try JSONValue(parsing: project)), "\(one)")
            let list = try await cluster.send(.get, "/3.0/projects", key: "MASTER")
            #expect(list.json == (try JSONValue(parsing: "[\(project)]")), "\(list)")
            let other = try await cluster.send(.get, "/3.0/projects", key: "MASTER2")
            #expect(other.json?.array?.compactMap { $0["id"]?.string } == ["p2"], "\(other)")
        }
    }

    @Test func listOfAnalyses() async throws {
        try await TestCluster.with { cluster in
            let queries = "\(TestCluster.projectPath)/queries"
            let list = try await cluster.send(.get, queries)
            #expect(
                list.json?.object?.names.sorted() == [
                    "average", "count_unique_url", "count_url", "extraction_url", "funnel_url",
                    "maximum", "median", "minimum", "multi_analysis", "percentile", "progression",
                    "retention_url", "select_unique_url", "standard_deviation", "sum",
                ], "\(list)")
            #expect(list.json?["count_url"]?.string == "\(queries)/count")
        }
    }

    @Test func segmentsArePercentEncoded() {
        #expect(ResourcePath.encoded("a-Z_0.~") == "a-Z_0.~")
        #expect(ResourcePath.encoded("a b/é%") == "a%20b%2F%C3%A9%25")
    }
}
