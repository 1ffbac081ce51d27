import Catalog
import HTTP
import JSON
import Testing

private let sets = "\(TestCluster.projectPath)/datasets"

/// Datasets over HTTP, as each client spells it.
@Suite struct DatasetTests {
    private let definition = #"""
        {"display_name":"Orders","query":{"analysis_type":"sum","event_collection":"orders",
        "target_property":"n","timeframe":"this_500_days","timezone":"UTC","interval":"daily",
        "group_by":["plan"],"filters":[]},"index_by":["user.id"]}
        """#

    private func orders() throws -> [JSONValue] {
        try (0..<12).map { number in
            let user = number % 3 == 0 ? "93" : #""u\#(number % 3)""#
            return try JSONValue(
                parsing: #"{"n":\#(number),"plan":"\#(number < 6 ? "a" : "b")","#
                    + #""user":{"id":\#(user)},"#
                    + #""keen":{"timestamp":"2020-03-\#(30 + number % 2)T10:00:00.000Z"}}"#)
        }
    }

    private func put(
        _ cluster: TestCluster, _ name: String, _ body: String
    ) async throws -> TestAnswer {
        try await cluster.send(.put, "\(sets)/\(name)", key: "MASTER", body: body)
    }

    @Test func aDatasetLives() async throws {
        try await Desk.with(try orders()) { cluster, desk in
            let made = try await put(cluster, "orders-by-user", definition)
            let now = TestCluster.now
            #expect(made.status == 201, "\(made)")
            #expect(
                made.text == #"""
                    {"project_id":"\#(TestCluster.project)","organization_id":null,\#
                    "dataset_name":"orders-by-user","display_name":"Orders",\#
                    "query":{"project_id":"\#(TestCluster.project)","analysis_type":"sum",\#
                    "event_collection":"orders","target_property":"n",\#
                    "timeframe":"this_500_days","timezone":"UTC","interval":"daily",\#
                    "group_by":["plan"],"filters":[]},"index_by":["user.id"],\#
                    "last_scheduled_date":"\#(now)","latest_subtimeframe_available":"\#(now)",\#
                    "milliseconds_behind":0}
                    """#)
            let one = try await cluster.send(.get, "\(sets)/orders-by-user")
            #expect(one.status == 200 && one.text == made.text)
            let path = "\(sets)/orders-by-user/results"
            let wanted = try JSONValue(
                parsing: #"""
                    [{"timeframe":{"start":"2020-03-30T00:00:00.000Z",\#
                    "end":"2020-03-31T00:00:00.000Z"},"value":[{"plan":"a","result":4},\#
                    {"plan":"b","result":10}]},\#
                    {"timeframe":{"start":"2020-03-31T00:00:00.000Z",\#
                    "end":"2020-04-01T00:00:00.000Z"},"value":[{"plan":"a","result":1},\#
                    {"plan":"b","result":7}]}]
                    """#)
            // Python, JavaScript, Java; and a list of values.
            for query in [
                form([("index_by", "u1"), ("timeframe", "previous_2_days")]),
                form([
                    ("api_key", "READ"), ("dataset_name", "orders-by-user"),
                    ("index_by", #"{"user.id":"u1"}"#), ("timeframe", "previous_2_days"),
                ]),
                form([
                    ("index_by", #"{"user.id":"u1"}"#), ("timeframe", #""previous_2_days""#),
                ]),
                form([("index_by", #"["u1"]"#), ("timeframe", #""previous_2_days""#)]),
            ] {
                let answer = try await cluster.send(.get, "\(path)?\(query)")
                #expect(answer.status == 200 && answer.result == wanted, "\(query): \(answer)")
                #expect(
                    answer.json?["metadata"]?["request"]
                        == ["index_by": ["user.id": "u1"], "timeframe": "previous_2_days"])
                #expect(
                    answer.json?["metadata"]?["dataset"]?["dataset_name"] == "orders-by-user")
            }
            // A number in an address reads like a text.
            let number = try await cluster.send(
                .get, "\(path)?index_by=93&timeframe=previous_2_days")
            #expect(
                number.result?.array?.first?["value"]
                    == [["plan": "a", "result": 0], ["plan": "b", "result": 6]], "\(number)")
            let nobody = try await cluster.send(
                .get, "\(path)?index_by=x&timeframe=previous_2_days")
            #expect(nobody.result?.array?.count == 2)
            let whole = try await cluster.send(.get, "\(path)?index_by=u1")
            #expect(whole.result?.array?.count == 500, "the dataset's own timeframe")

            let gone = try await cluster.send(.delete, "\(sets)/orders-by-user", key: "MASTER")
            #expect(gone.status == 204)
            for target in ["\(sets)/orders-by-user", "\(path)?index_by=u1"] {
                let missing = try await cluster.send(.get, target)
                #expect(missing.status == 404 && missing.code == "ResourceNotFoundError")
            }
            #expect(desk.catalog.datasets.isEmpty)
        }
    }

    @Test func severalIndexesAndMultiAnalysis() async throws {
        try await Desk.with(try orders()) { cluster, _ in
            let made = try await put(
                cluster, "two",
                #"""
                {"query":{"analysis_type":"multi_analysis","event_collection":"orders",
                "analyses":{"n":{"analysis_type":"count"}},"timeframe":"previous_2_days",
                "interval":"daily"},"index_by":["user.id","plan"]}
                """#)
            #expect(made.status == 201, "\(made)")
            let index = form([("index_by", #"{"plan":"b","user.id":"u1"}"#)])
            let answer = try await cluster.send(.get, "\(sets)/two/results?\(index)")
            let values: [JSONValue?]? = answer.result?.array?.map { $0["value"] }
            #expect(values == [["n": 1], ["n": 1]], "\(answer)")
            for wrong in ["u1", #"{"plan":"b"}"#, #"{"plan":"b","x":1}"#, #"["a","b","c"]"#] {
                let query = form([("index_by", wrong)])
                let refused = try await cluster.send(.get, "\(sets)/two/results?\(query)")
                #expect(refused.status == 400, "\(wrong): \(refused)")
            }
            #expect(try await cluster.send(.get, "\(sets)/two/results").status == 400)
        }
    }

    @Test func theListHasPages() async throws {
        try await Desk.with { cluster, _ in
            for name in ["c", "a", "b"] {
                #expect(try await put(cluster, name, definition).status == 201)
            }
            #expect(try await put(cluster, "a", definition).status == 200, "replaced")
            let first = try await cluster.send(.get, "\(sets)?limit=2", key: "MASTER")
            let names: [JSONValue?]? = first.json?["datasets"]?.array?.map { $0["dataset_name"] }
            #expect(names == ["a", "b"], "\(first)")
            let next = try #require(first.json?["next_page_url"]?.string)
            let second = try await cluster.send(.get, next, key: "MASTER")
            #expect(second.json?["datasets"]?.array?.count == 1)
            #expect(second.json?["next_page_url"] == .null)
            #expect(
                try await cluster.send(.get, sets, key: "READ").code == "AdminOnlyEndpointError")
        }
    }

    @Test func keysOpenSomeDatasetsAndValues() async throws {
        try await Desk.with(try orders()) { cluster, _ in
            for name in ["a", "b"] { _ = try await put(cluster, name, definition) }
            let made = try await cluster.send(
                .post, "\(TestCluster.projectPath)/keys", key: "MASTER",
                body: #"""
                    {"name":"k","permitted":["datasets"],"options":{"datasets":
                    {"operations":["read"],"allowed":{"a":{"index_by":{"user.id":["u1"]}}}}}}
                    """#)
            let key = try #require(made.json?["key"]?.string, "\(made)")
            for (target, status) in [
                ("a/results?index_by=u1", 200), ("a/results?index_by=u2", 403),
                ("b/results?index_by=u1", 403), ("a", 403), ("", 403),
            ] {
                let answer = try await cluster.send(.get, "\(sets)/\(target)", key: key)
                #expect(answer.status == status, "\(target): \(answer)")
            }
        }
    }

    @Test(arguments: [
        (#"{"index_by":"a"}"#, "MissingRequiredRequestFieldError"),
        (
            #"{"query":{"analysis_type":"count","event_collection":"c","timeframe":"today"},"index_by":"a"}"#,
            "MissingRequiredRequestFieldError"
        ),
        (
            #"{"query":{"analysis_type":"funnel","steps":[]},"index_by":"a"}"#,
            "InvalidParameterError"
        ),
        (
            #"{"query":{"analysis_type":"count","event_collection":"c","timeframe":"today","#
                + #""interval":"daily"},"index_by":[]}"#,
            "InvalidParameterError"
        ),
        (
            #"{"query":{"analysis_type":"count","event_collection":"c","timeframe":"soon","#
                + #""interval":"daily"},"index_by":"a"}"#,
            "TimeframeDefinitionError"
        ),
    ])
    func wrongDatasetsAreRefused(body: String, code: String) async throws {
        try await Desk.with { cluster, _ in
            let answer = try await put(cluster, "d", body)
            #expect(answer.status == 400 && answer.code == code, "\(answer)")
        }
    }
}
