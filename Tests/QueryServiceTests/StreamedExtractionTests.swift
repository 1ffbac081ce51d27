import Base
import HTTP
import JSON
import Model
import Plan
import Query
import QueryService
import Testing

/// Extractions that are sent while they are read, and tables.
@Suite struct StreamedExtractionTests {
    private let path = "\(TestCluster.projectPath)/queries/extraction"

    private var smallPages: QueryServiceConfiguration {
        var configuration = TestCluster.configuration
        configuration.extractionPageEvents = 30
        return configuration
    }

    /// Many of one instant, more than a page has.
    private func events(_ count: Int) throws -> [JSONValue] {
        try (0..<count).map { number in
            let second = number / 100
            return try JSONValue(
                parsing: #"{"n":\#(number),"who":{"name":"a\"\#(number % 3),b"},"list":[1,"x"],"#
                    + #""keen":{"timestamp":"2020-03-31T10:00:0\#(second).000Z"}}"#)
        }
    }

    @Test func pagesMakeTheWholeAnswer() async throws {
        let events = try events(600)
        var wholes: [String] = []
        for configuration in [TestCluster.configuration, smallPages] {
            try await TestCluster.with(configuration: configuration) { cluster in
                try await cluster.store(events)
                let isStreamed = configuration.extractionPageEvents == 30
                for body in [
                    #"{"event_collection":"orders"}"#,
                    #"{"event_collection":"orders","latest":250,"property_names":"n"}"#,
                    #"{"event_collection":"orders","latest":31}"#,
                    #"""
                    {"event_collection":"orders","filters":[{"property_name":"n",
                    "operator":"lt","property_value":345}],"property_names":["n","who"]}
                    """#,
                ] {
                    let answer = try await cluster.query("extraction", body)
                    #expect(answer.status == 200)
                    #expect(
                        (answer.response.header("transfer-encoding") == "chunked") == isStreamed)
                    wholes.append(answer.text)
                }
                let metadata = try await cluster.query(
                    "extraction", #"{"event_collection":"orders","include_metadata":true}"#)
                #expect(metadata.json?["result"]?.array?.count == 600)
                #expect(metadata.json?["execution_metadata"]?["events_scanned"] != nil)
                let head = try await cluster.send(
                    .head, "\(path)?event_collection=orders")
                #expect(head.status == 200 && head.text.isEmpty)
                // The connection is of use afterwards.
                #expect(
                    try await cluster.query("count", #"{"event_collection":"orders"}"#).result
                        == 600)
            }
        }
        #expect(wholes.count == 8 && Array(wholes[..<4]) == Array(wholes[4...]))
    }

    /// Of one instant the events of lower shards come first, of one shard the later ones.
    @Test func eventsAsATable() async throws {
        for configuration in [TestCluster.configuration, smallPages] {
            try await TestCluster.with(configuration: configuration) { cluster in
                try await cluster.store(try events(120))
                let header = (name: "Accept", value: "text/csv, */*;q=0.1")
                let all = try await cluster.send(
                    .get, "\(path)?event_collection=orders", headers: [header])
                #expect(all.response.header("content-type") == "text/csv; charset=utf-8")
                let lines = all.text.split(separator: "\r\n")
                #expect(lines.count == 121)
                #expect(lines.first == "keen.timestamp,list,n,who.name")
                #expect(
                    lines.last == "2020-03-31T10:00:00.000Z,\"[1,\"\"x\"\"]\",4,\"a\"\"1,b\"",
                    "\(lines.last ?? "")")
                let some = try await cluster.send(
                    .get,
                    "\(path)?event_collection=orders&latest=1&content_type=text/csv&"
                        + form([("property_names", #"["who","nothing","n"]"#)]))
                #expect(some.text == "who.name,nothing,n\r\n\"a\"\"1,b\",,115\r\n", "\(some)")
            }
        }
    }

    @Test(arguments: [
        ("count", "", "result\r\n4\r\n"),
        ("count", #""group_by":"p""#, "p,result\r\na,3\r\n,1\r\n"),
        (
            "sum", #""target_property":"n","interval":"daily","timeframe":"previous_2_days""#,
            """
            timeframe.start,timeframe.end,result\r
            2020-03-30T00:00:00.000Z,2020-03-31T00:00:00.000Z,0\r
            2020-03-31T00:00:00.000Z,2020-04-01T00:00:00.000Z,6.5\r\n
            """
        ),
        (
            "percentile",
            #""target_property":"n","percentile":[50,99.9],"group_by":"p","#
                + #""interval":"daily","timeframe":"yesterday""#,
            """
            timeframe.start,timeframe.end,p,result.50,result.99.9\r
            2020-03-31T00:00:00.000Z,2020-04-01T00:00:00.000Z,a,1,2.5\r
            2020-03-31T00:00:00.000Z,2020-04-01T00:00:00.000Z,,3,3\r\n
            """
        ),
        ("percentile", #""target_property":"n","percentile":[50]"#, "result.50\r\n1\r\n"),
        ("select_unique", #""target_property":"p""#, "result\r\na\r\n"),
        (
            "select_unique", #""target_property":"n","group_by":"p""#,
            "p,result\r\na,\"[0,1,2.5]\"\r\n,[3]\r\n"
        ),
        (
            "multi_analysis",
            #""analyses":{"a.b":{"analysis_type":"count"},"#
                + #""m":{"analysis_type":"maximum","target_property":"zz"}}"#,
            "a.b,m\r\n4,\r\n"
        ),
        (
            "funnel", #""steps":[{"event_collection":"orders","actor_property":"n"}]"#,
            "step,event_collection,result\r\n1,orders,4\r\n"
        ),
        (
            "retention",
            #"""
            "interval":"daily","timeframe":"previous_2_days","first":{"event_collection":"orders",
            "actor_property":"n"},"returning":{"event_collection":"orders","actor_property":"n"}
            """#,
            """
            timeframe.start,timeframe.end,actors,returned.0,returned.1\r
            2020-03-30T00:00:00.000Z,2020-03-31T00:00:00.000Z,0,0,0\r
            2020-03-31T00:00:00.000Z,2020-04-01T00:00:00.000Z,4,4,\r\n
            """
        ),
    ])
    func answersAsTables(analysis: String, members: String, expected: String) async throws {
        try await TestCluster.with { cluster in
            let values = [#""p":"a","n":0"#, #""p":"a","n":1"#, #""p":"a","n":2.5"#, #""n":3"#]
            try await cluster.store(
                values.map {
                    try JSONValue(
                        parsing: "{\($0),\"keen\":{\"timestamp\":\"2020-03-31T10:00:00.000Z\"}}")
                })
            let more = members.isEmpty ? "" : ",\(members)"
            let answer = try await cluster.query(
                analysis, #"{"event_collection":"orders","content_type":"text/csv"\#(more)}"#)
            #expect(answer.status == 200 && answer.text == expected, "\(answer)")
        }
    }
}

/// The pager alone, against a list of events: every event once, whatever the sizes.
@Suite struct ExtractionPagerTests {
    @Test func everyEventIsInOnePage() throws {
        let seed: UInt64 = 4_711
        var random = PRNG(seed: seed)
        for round in 0..<300 {
            let count = Int.random(in: 0..<60, using: &random)
            let times = (0..<count).map { _ in Int64.random(in: 0..<12, using: &random) }
                .sorted(by: >)
            let all = times.enumerated().map { index, time in
                ExtractedEvent(
                    shard: ShardID(0), timestamp: Timestamp(milliseconds: time),
                    json: Array("\(index)".utf8))
            }
            let limit = Int.random(in: 1..<80, using: &random)
            // As many as a node can give at once.
            let roomMax = Int.random(in: 1...40, using: &random)
            let plan = ExtractionPlan(
                collection: CollectionID(
                    project: try ProjectID("p"), collection: try CollectionName("c")),
                limit: limit, isLatest: true)
            var pager = ExtractionPager(plan, pageEvents: Int.random(in: 1..<20, using: &random))
            var found: [ExtractedEvent] = []
            let most = Dictionary(grouping: times, by: \.self).values.map(\.count).max() ?? 0
            do {
                var asked = 0
                while !pager.isDone {
                    asked += 1
                    try #require(asked < 1_000, "seed \(seed), round \(round): no end")
                    let next = pager.next
                    let page = all.filter { next.timeframe?.contains($0.timestamp) ?? true }
                        .prefix(next.limit)
                    if page.count > roomMax {
                        guard pager.shrink() else { throw ExtractionTooLarge.bytes(max: 0) }
                        continue
                    }
                    found += try pager.add(ExtractionResult(events: Array(page)))
                }
                #expect(found == Array(all.prefix(limit)), "seed \(seed), round \(round)")
            } catch is ExtractionTooLarge {
                #expect(most >= roomMax, "seed \(seed), round \(round)")
            }
        }
    }
}
