import Base
import Foundation
import HTTP
import JSON
import Testing

/// Whatever is asked in whichever spelling, the answer of two nodes and five shards is that of a
/// plain walk over the same events.
@Suite struct ReferenceTests {
    private static let eventCount = 600

    /// Set MILLRACE_SEED for another world, MILLRACE_LONG=fuzz and MILLRACE_SECONDS for a long run.
    @Test(.timeLimit(.minutes(30))) func randomQueriesAgree() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? 20_200_401
        let isLong = environment["MILLRACE_LONG"] == "fuzz"
        let seconds = environment["MILLRACE_SECONDS"].flatMap { Double($0) } ?? 60
        var random = RandomQueries(seed: seed)
        var spelling = Spelling(seed: seed)
        let events = (0..<Self.eventCount).map { _ in random.event() }
        let plain = events.map(flattened)
        let start = ContinuousClock.now
        try await TestCluster.with { cluster in
            try await cluster.store(events)
            var number = 0
            while isLong ? .now - start < .seconds(seconds) : number < 400 {
                let query = random.query()
                let now = ReferenceCalendar(timezone: nil).instant(TestCluster.now)
                let expected = ReferenceAnswer(query: query, now: now).result(plain)
                let answer = try await spelling.send(query, to: cluster)
                let text = String(decoding: JSONValue.object(query).encoded, as: UTF8.self)
                try #require(
                    answer.status == 200 && isSame(answer.result, expected),
                    """
                    seed \(seed), query \(number): \(text)
                    found \(answer)
                    wanted \(String(decoding: expected.encoded, as: UTF8.self).prefix(2000))
                    """)
                number += 1
            }
        }
    }
}

/// One query in the words of one of the clients.
private struct Spelling {
    private var random: PRNG

    init(seed: UInt64) { random = PRNG(seed: ~seed) }

    mutating func send(_ query: JSONObject, to cluster: TestCluster) async throws -> TestAnswer {
        let analysis = query["analysis_type"]?.string ?? ""
        let path = "\(TestCluster.projectPath)/queries/\(analysis)"
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let pairs = query.map { ($0.key, $0.value.string ?? pythonJSON($0.value)) }
            return try await cluster.send(.get, "\(path)?\(form(pairs))")
        case 1:
            // Quoted strings, percent-encoded spaces, the key twice, empty pairs.
            let pairs = query.map { ($0.key, String(decoding: $0.value.encoded, as: UTF8.self)) }
            return try await cluster.send(
                .get, "\(path)?api_key=READ&&\(form(pairs, plus: false))&")
        case 2:
            var query = query
            query["interval"] = query["interval"] ?? .null
            query["group_by"] = query["group_by"] ?? .null
            query["max_age"] = 300
            return try await cluster.send(
                .post, "\(path)?api_key=READ", key: nil, body: pythonJSON(.object(query)))
        default:
            let body = String(decoding: JSONValue.object(query).encoded, as: UTF8.self)
            return try await cluster.send(.post, path, body: body)
        }
    }
}
