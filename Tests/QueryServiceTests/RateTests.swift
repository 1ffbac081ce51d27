import HTTP
import Model
import QueryService
import Testing

/// What a project may ask for in a minute.
@Suite struct RateTests {
    private let queries = "\(TestCluster.projectPath)/queries"

    @Test func aMinutesRequestsAreCounted() async throws {
        let desk = Desk()
        var configuration = desk.configuration
        configuration.perMinute = [.query: 3, .extraction: 1, .change: 2]
        try await TestCluster.with(
            configuration: configuration, catalog: { desk.catalog }
        ) { cluster in
            try await cluster.store(try Desk.orders())
            let count = #"{"event_collection":"orders"}"#
            desk.pass(seconds: 17)
            // What is wrong counts, a wrong key does not.
            #expect(try await cluster.query("count", count).status == 200)
            #expect(try await cluster.query("count", "{}").status == 400)
            #expect(
                try await cluster.send(.post, "\(queries)/count", key: "x", body: count).status
                    == 401)
            #expect(try await cluster.query("sum", count).status == 400)
            let refused = try await cluster.query("count", count)
            #expect(refused.status == 429 && refused.code == "RateLimitExceededError", "\(refused)")
            #expect(refused.response.header("retry-after") == "43")
            // Other kinds and other projects have counts of their own.
            #expect(try await cluster.query("extraction", count).status == 200)
            #expect(try await cluster.query("extraction", count).status == 429)
            let other = try await cluster.send(
                .post, "/3.0/projects/p2/queries/count", key: "READ2", body: count)
            #expect(other.status == 200, "\(other)")
            for (name, status) in [("a", 201), ("b", 201), ("a", 429)] {
                let put = try await cluster.send(
                    .put, "\(queries)/saved/\(name)", key: "MASTER",
                    body: #"{"query":{"analysis_type":"count","event_collection":"orders"}}"#)
                #expect(put.status == status, "\(put)")
            }
            desk.pass(seconds: 42)
            #expect(try await cluster.query("count", count).status == 429)
            desk.pass(seconds: 1)
            #expect(try await cluster.query("count", count).status == 200)
        }
    }

    @Test func withoutALimitNothingIsCounted() async throws {
        try await Desk.with { cluster, _ in
            for _ in 0..<20 {
                let answer = try await cluster.query(
                    "count", #"{"event_collection":"orders"}"#)
                #expect(answer.status == 200)
            }
        }
    }
}
