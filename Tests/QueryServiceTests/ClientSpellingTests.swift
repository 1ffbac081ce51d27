import HTTP
import JSON
import Testing

/// The same questions as each client spells them, on six orders that fit on a page.
@Suite struct ClientSpellingTests {
    /// Time in 2020 and the other members.
    private static let orders = [
        ("03-31T10", #""total":12.5,"user":{"id":"u1","plan":"pro"},"tags":["a","b"]"#),
        ("03-31T11", #""total":5,"user":{"id":"u2","plan":"free"},"tags":["b"]"#),
        ("03-30T10", #""total":80,"user":{"id":"u1","plan":"pro"}"#),
        ("03-30T12", #""total":9,"user":{"id":"u3"}"#),
        ("03-29T10", #""total":"x","user":{"id":"u4","plan":null}"#),
        ("04-01T08", #""total":70,"user":{"id":"u2","plan":"team"}"#),
    ]

    private func withOrders(_ body: (TestCluster) async throws -> Void) async throws {
        try await TestCluster.with { cluster in
            try await cluster.store(
                Self.orders.map { time, members in
                    try JSONValue(
                        parsing: #"{\#(members),"keen":{"timestamp":"2020-\#(time):00:00.000Z"}}"#)
                })
            try await body(cluster)
        }
    }

    private func expect(
        _ answer: TestAnswer, _ result: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == 200, sourceLocation: sourceLocation)
        #expect(
            answer.text == "{\"result\":\(result)}", sourceLocation: sourceLocation)
    }

    /// GET, JSON in the query string, spaces as plus, the bare key in `Authorization`.
    @Test func python() async throws {
        try await withOrders { cluster in
            let path = TestCluster.projectPath
            let filter =
                "%5B%7B%22property_name%22%3A+%22total%22%2C+%22operator%22%3A+%22gt%22%2C"
                + "+%22property_value%22%3A+10%7D%5D"
            let headers = [
                (name: "Content-Type", value: "application/json"),
                (name: "Keen-Sdk", value: "python-0.7.0"),
            ]
            expect(
                try await cluster.send(
                    .get,
                    "\(path)/queries/count?event_collection=orders&timeframe=this_7_days"
                        + "&timezone=-28800&filters=\(filter)", headers: headers), "3")
            let grouped = form([
                ("event_collection", "orders"), ("target_property", "total"),
                ("group_by", #"["user.plan"]"#), ("timeframe", "previous_3_days"),
                ("order_by", #"[{"property_name": "result", "direction": "DESC"}]"#),
                ("limit", "2"),
            ])
            expect(
                try await cluster.send(.get, "\(path)/queries/sum?\(grouped)", headers: headers),
                #"[{"user.plan":"pro","result":92.5},{"user.plan":null,"result":9}]"#)
            let absolute = form([
                ("event_collection", "orders"), ("target_property", "user.id"),
                (
                    "timeframe",
                    #"{"start": "2020-03-30T00:00:00", "end": "2020-03-31T00:00:00"}"#
                ),
            ])
            expect(
                try await cluster.send(.get, "\(path)/queries/select_unique?\(absolute)"),
                #"["u1","u3"]"#)
        }
    }

    /// POST with `analysis_type` and `timezone` added, and a stray `api_key`.
    @Test func javaScript() async throws {
        try await withOrders { cluster in
            let sum = #"""
                {"analysis_type":"sum","event_collection":"orders","target_property":"total",
                 "timeframe":{"start":"2020-03-30T00:00:00.000Z","end":"2020-04-01T00:00:00.000Z"},
                 "interval":"daily","group_by":["user.plan"],"timezone":0,
                 "order_by":{"property_name":"result","direction":"DESC"},"limit":2}
                """#
            expect(
                try await cluster.query("sum", sum),
                #"[{"timeframe":{"start":"2020-03-30T00:00:00.000Z","end":"2020-03-31T00:00:00.000Z"},"#
                    + #""value":[{"user.plan":"pro","result":80},{"user.plan":null,"result":9}]},"#
                    + #"{"timeframe":{"start":"2020-03-31T00:00:00.000Z","end":"2020-04-01T00:00:00.000Z"},"#
                    + #""value":[{"user.plan":"pro","result":12.5},{"user.plan":"free","result":5}]}]"#
            )
            expect(
                try await cluster.send(
                    .post, "\(TestCluster.projectPath)/queries/count?api_key=READ", key: nil,
                    body: #"{"analysis_type":"count","event_collection":"orders","timezone":3600}"#,
                    headers: [(name: "Content-type", value: "text/plain")]), "6")
            // Its GETs end in a doubled ampersand and carry what belongs to others.
            expect(
                try await cluster.send(
                    .get,
                    "\(TestCluster.projectPath)/queries/count?api_key=READ&&event_collection=orders"
                        + "&timeframe=%22yesterday%22&analysis_type=saved&", key: "READ"), "2")
        }
    }

    /// POST, `Accept: application/json`, quoted relative timeframes, a timezone name.
    @Test func java() async throws {
        try await withOrders { cluster in
            let body = #"""
                {"event_collection": "orders", "target_property": "total", "interval": "daily",
                 "timeframe": "this_2_days", "timezone": "US/Pacific", "filters": [
                    {"property_name": "user.plan", "operator": "exists", "property_value": true}]}
                """#
            expect(
                try await cluster.query("average", body),
                #"[{"value":8.75,"timeframe":{"start":"2020-03-31T00:00:00.000-07:00","#
                    + #""end":"2020-04-01T00:00:00.000-07:00"}},"#
                    + #"{"value":70,"timeframe":{"start":"2020-04-01T00:00:00.000-07:00","#
                    + #""end":"2020-04-01T02:30:00.000-07:00"}}]"#)
        }
    }

    /// Ruby and Node: bare names, scalars as text, `contains` on lists, `in`.
    @Test func bareParameters() async throws {
        try await withOrders { cluster in
            let path = TestCluster.projectPath
            expect(
                try await cluster.send(
                    .get, "\(path)/queries/minimum?event_collection=orders&target_property=total"),
                "5")
            expect(
                try await cluster.send(
                    .get,
                    "\(path)/queries/maximum?event_collection=orders&target_property=%22total%22"
                        + "&group_by=user.plan"),
                #"[{"user.plan":"free","result":5},{"user.plan":"pro","result":80},"#
                    + #"{"user.plan":"team","result":70},{"user.plan":null,"result":9}]"#)
            let filters = form(
                [
                    (
                        "filters",
                        #"[{"property_name":"tags","operator":"contains","property_value":"b"},"#
                            + #"{"property_name":"user.id","operator":"in","property_value":["u2","u9"]}]"#
                    )
                ], plus: false)
            expect(
                try await cluster.send(
                    .get,
                    "\(path)/queries/count_unique?event_collection=orders"
                        + "&target_property=user.id&\(filters)"), "1")
        }
    }

    /// A collection that nobody has written to gives each analysis of no events.
    @Test func unknownCollection() async throws {
        try await TestCluster.with { cluster in
            for (analysis, result) in [
                ("count", "0"), ("count_unique", "0"), ("sum", "0"), ("average", "null"),
                ("minimum", "null"), ("maximum", "null"), ("select_unique", "[]"),
            ] {
                let body = #"{"event_collection":"nobody","target_property":"a"}"#
                expect(try await cluster.query(analysis, body), result)
                let grouped =
                    #"{"event_collection":"nobody","target_property":"a","group_by":"b"}"#
                expect(try await cluster.query(analysis, grouped), "[]")
            }
        }
    }

    /// HEAD as GET without a body, OPTIONS without a key, CORS on answers and errors alike.
    @Test func methods() async throws {
        try await withOrders { cluster in
            let target = "\(TestCluster.projectPath)/queries/count?event_collection=orders"
            let head = try await cluster.send(.head, target)
            #expect(head.status == 200 && head.response.body.isEmpty)
            #expect(head.response.header("content-length") == "12")
            let preflight = try await cluster.send(.options, target, key: nil)
            #expect(preflight.status == 204)
            let refused = try await cluster.send(.get, target, key: "nonsense")
            for answer in [head, preflight, refused] {
                #expect(answer.response.header("access-control-allow-origin") == "*")
            }
            #expect(try await cluster.send(.delete, target).status == 405)
        }
    }

    /// What the metadata say: all events of the timeframe were read.
    @Test func metadata() async throws {
        try await withOrders { cluster in
            let body = #"""
                {"event_collection":"orders","target_property":"total","include_metadata":true}
                """#
            let answer = try await cluster.query("sum", body)
            #expect(answer.json?["execution_metadata"]?["events_scanned"] == 6)
            #expect(answer.json?["execution_metadata"]?["total_processing_time"]?.double != nil)
            #expect(answer.result == 176.5)
        }
    }
}
