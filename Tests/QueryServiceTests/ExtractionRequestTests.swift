import HTTP
import JSON
import Testing

/// Extractions over HTTP: two nodes, five shards, one order.
@Suite struct ExtractionRequestTests {
    private let path = "\(TestCluster.projectPath)/queries/extraction"

    private func events(_ count: Int) throws -> [JSONValue] {
        try (0..<count).map { number in
            let minute = number / 60 % 60
            let second = number % 60
            let time =
                "2020-03-31T10:\(minute < 10 ? "0" : "")\(minute):"
                + "\(second < 10 ? "0" : "")\(second).000Z"
            return try JSONValue(
                parsing: #"{"n":\#(number),"user":{"plan":"\#(number % 2 == 0 ? "pro" : "free")"},"#
                    + #""keen":{"timestamp":"\#(time)"}}"#)
        }
    }

    private func numbers(_ answer: TestAnswer) -> [Int64?] {
        (answer.result?.array ?? []).map { $0["n"]?.int }
    }

    @Test func newestFirstOverAllShards() async throws {
        try await TestCluster.with { cluster in
            try await cluster.store(try events(700))
            let all = try await cluster.query("extraction", #"{"event_collection":"orders"}"#)
            #expect(all.status == 200, "\(all)")
            #expect(numbers(all) == (0..<700).reversed().map { Int64($0) })
            #expect(all.result?.array?.last?["user"] == ["plan": "pro"])
            #expect(
                all.result?.array?.last?["keen"] == ["timestamp": "2020-03-31T10:00:00.000Z"])

            let latest = try await cluster.send(
                .get, "\(path)?event_collection=orders&latest=3&property_names=n")
            #expect(latest.text == #"{"result":[{"n":699},{"n":698},{"n":697}]}"#)
            let python = try await cluster.send(
                .get, "\(path)?event_collection=orders&latest=1&property_names=%22user.plan%22")
            #expect(python.text == #"{"result":[{"user":{"plan":"free"}}]}"#)

            let filtered = try await cluster.query(
                "extraction",
                #"""
                {"event_collection":"orders","timeframe":{"start":"2020-03-31T10:00:00Z",
                "end":"2020-03-31T10:00:10Z"},"filters":[{"property_name":"user.plan",
                "operator":"eq","property_value":"pro"}],"property_names":["n","user"],
                "interval":null,"include_metadata":true}
                """#)
            #expect(numbers(filtered) == [8, 6, 4, 2, 0])
            #expect(filtered.json?["execution_metadata"]?["events_scanned"] != nil)
            let empty = try await cluster.query("extraction", #"{"event_collection":"none"}"#)
            #expect(empty.text == #"{"result":[]}"#)
        }
    }

    @Test(arguments: [
        (#"{}"#, "MissingRequiredRequestFieldError"),
        (#"{"event_collection":"c","latest":0}"#, "InvalidParameterError"),
        (#"{"event_collection":"c","latest":10000001}"#, "QueryTooLargeError"),
        (#"{"event_collection":"c","interval":"daily"}"#, "InvalidParameterError"),
        (#"{"event_collection":"c","group_by":"a"}"#, "InvalidParameterError"),
        (#"{"event_collection":"c","email":"a@example.test"}"#, "NotSupportedError"),
        (#"{"event_collection":"c","content_type":"text/xml"}"#, "InvalidParameterError"),
        (#"{"event_collection":"c","property_names":[1]}"#, "InvalidParameterError"),
        (#"{"event_collection":"c","property_names":"$a"}"#, "InvalidPropertyNameError"),
    ])
    func wrongParametersAreNamed(body: String, code: String) async throws {
        try await TestCluster.with { cluster in
            let answer = try await cluster.query("extraction", body)
            #expect(answer.status == 400 && answer.code == code, "\(answer)")
            #expect(try await cluster.send(.get, path, key: "WRITE").status == 401)
        }
    }
}
