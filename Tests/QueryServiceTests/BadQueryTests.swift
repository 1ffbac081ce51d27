import HTTP
import JSON
import Testing

/// A wrong request and the answer it must get.
struct WrongQuery: Sendable, CustomTestStringConvertible {
    var what: String
    var analysis = "count"
    /// Members besides the collection.
    var members = ""
    var status = 400
    var code: String
    /// Whether the same text in a URL would be a name, and right.
    var isBodyOnly = false

    var testDescription: String { what }
    var body: String {
        #"{"event_collection":"c""# + (members.isEmpty ? "" : "," + members) + "}"
    }
}

/// Bad input gets its status and its code, by POST and by GET, and disturbs nothing.
@Suite struct BadQueryTests {
    private static func filter(_ filter: String) -> String { "\"filters\":[\(filter)]" }

    private static let wrong = [
        WrongQuery(
            what: "unknown analysis", analysis: "guess", status: 404, code: "ResourceNotFoundError"),
        WrongQuery(
            what: "no target", analysis: "sum", code: "MissingRequiredRequestFieldError"),
        WrongQuery(
            what: "bad target", analysis: "sum", members: #""target_property":"a..b""#,
            code: "InvalidPropertyNameError"),
        WrongQuery(
            what: "target of another type", analysis: "sum", members: #""target_property":{}"#,
            code: "InvalidParameterError", isBodyOnly: true),
        WrongQuery(
            what: "bad timeframe", members: #""timeframe":"lastish_week""#,
            code: "TimeframeDefinitionError"),
        WrongQuery(
            what: "timeframe that ends before it starts",
            members: #""timeframe":{"start":"2020-02-01T00:00:00Z","end":"2020-01-01T00:00:00Z"}"#,
            code: "TimeframeDefinitionError"),
        WrongQuery(
            what: "timeframe without times", members: #""timeframe":{}"#,
            code: "TimeframeDefinitionError"),
        WrongQuery(
            what: "unknown timezone", members: #""timezone":"Mars/Olympus""#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "timezone that climbs", members: #""timezone":"../../etc/passwd""#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "timezone that is a directory", members: #""timezone":"Europe""#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "timezone out of range", members: #""timezone":99999999"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "bad interval", members: #""timeframe":"today","interval":"every_0_days""#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "interval without timeframe", members: #""interval":"daily""#,
            code: "MissingRequiredRequestFieldError"),
        WrongQuery(
            what: "too many buckets", members: #""timeframe":"this_9_years","interval":"minutely""#,
            code: "QueryTooLargeError"),
        WrongQuery(
            what: "bad operator",
            members: filter(#"{"property_name":"a","operator":"is","property_value":1}"#),
            code: "InvalidParameterError"),
        WrongQuery(
            what: "or of nothing",
            members: filter(#"{"operator":"or","operands":[]}"#), code: "InvalidParameterError"),
        WrongQuery(
            what: "or without operands",
            members: filter(#"{"operator":"or","property_name":"a","property_value":1}"#),
            code: "MissingRequiredRequestFieldError"),
        WrongQuery(
            what: "not of two",
            members: filter(
                #"""
                {"operator":"not","operands":[
                {"property_name":"a","operator":"eq","property_value":1},
                {"property_name":"a","operator":"eq","property_value":1}]}
                """#), code: "InvalidParameterError"),
        WrongQuery(
            what: "filters nested too deep",
            members: filter(
                String(repeating: #"{"operator":"and","operands":["#, count: 17)
                    + #"{"property_name":"a","operator":"eq","property_value":1}"#
                    + String(repeating: "]}", count: 17)), code: "QueryTooLargeError"),
        WrongQuery(
            what: "a pattern that is none",
            members: filter(#"{"property_name":"a","operator":"regex","property_value":"(a"}"#),
            code: "InvalidParameterError"),
        WrongQuery(
            what: "a pattern that goes back",
            members: filter(#"{"property_name":"a","operator":"regex","property_value":"(?=a)"}"#),
            code: "InvalidParameterError"),
        WrongQuery(
            what: "a pattern too long to run",
            members: filter(
                #"{"property_name":"a","operator":"regex","property_value":"((a{99}){99}){99}"}"#),
            code: "InvalidParameterError"),
        WrongQuery(
            what: "a pattern of nothing, very often",
            members: filter(
                #"{"property_name":"a","operator":"regex","property_value":"((){999}){999}"}"#),
            code: "InvalidParameterError"),
        WrongQuery(
            what: "filter without a value",
            members: filter(#"{"property_name":"a","operator":"eq"}"#),
            code: "MissingRequiredRequestFieldError"),
        WrongQuery(
            what: "in without a list",
            members: filter(#"{"property_name":"a","operator":"in","property_value":1}"#),
            code: "InvalidParameterError"),
        WrongQuery(
            what: "within elsewhere",
            members: filter(#"{"property_name":"a","operator":"within","property_value":{}}"#),
            code: "InvalidPropertyNameForGeoFilter"),
        WrongQuery(
            what: "filters that are none", members: #""filters":"a""#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "too many filters",
            members: filter(
                (0...256).map { _ in #"{"property_name":"a","operator":"eq","property_value":1}"# }
                    .joined(separator: ",")),
            code: "QueryTooLargeError"),
        WrongQuery(
            what: "group_by with an empty range",
            members: #""group_by":[{"property_name":"a","ranges":[{"from":5,"to":5}]}]"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "group_by with a range of everything",
            members: #""group_by":[{"property_name":"a","ranges":[{}]}]"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "group_by with two ranges of one name",
            members: #""group_by":[{"property_name":"a","ranges":[{"from":0},{"from":0}]}]"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "group_by with buckets of no size",
            members: #""group_by":[{"property_name":"a","buckets":{"size":0}}]"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "multi_analysis of nothing", analysis: "multi_analysis",
            code: "MissingRequiredRequestFieldError"),
        WrongQuery(
            what: "multi_analysis of an extraction", analysis: "multi_analysis",
            members: #""analyses":{"a":{"analysis_type":"extraction"}}"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "a label that is a group", analysis: "multi_analysis",
            members: #""group_by":"a","analyses":{"a":{"analysis_type":"count"}}"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "percentile without its number", analysis: "percentile",
            members: #""target_property":"a""#, code: "MissingRequiredRequestFieldError"),
        WrongQuery(
            what: "percentile out of range", analysis: "percentile",
            members: #""target_property":"a","percentile":100.01"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "percentile of three decimals", analysis: "percentile",
            members: #""target_property":"a","percentile":99.999"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "order_by without group_by",
            members: #""order_by":{"property_name":"result"}"#,
            code: "MissingRequiredRequestFieldError"),
        WrongQuery(
            what: "order_by elsewhere",
            members: #""group_by":"a","order_by":{"property_name":"b"}"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "bad limit",
            members: #""group_by":"a","order_by":{"property_name":"a"},"limit":-1"#,
            code: "InvalidParameterError"),
        WrongQuery(
            what: "limit without order_by", members: #""group_by":"a","limit":1"#,
            code: "MissingRequiredRequestFieldError"),
    ]

    @Test func everyMistakeIsNamed() async throws {
        try await TestCluster.with { cluster in
            for query in Self.wrong {
                expect(try await cluster.query(query.analysis, query.body), query)
                let members = try #require(try JSONValue(parsing: query.body).object)
                let pairs = members.map { ($0.key, $0.value.string ?? pythonJSON($0.value)) }
                let target = "\(TestCluster.projectPath)/queries/\(query.analysis)?\(form(pairs))"
                guard !query.isBodyOnly, target.utf8.count < 15_000 else { continue }
                expect(try await cluster.send(.get, target), query)
            }
            #expect(try await cluster.query("count", #"{"event_collection":"c"}"#).result == 0)
        }
    }

    private func expect(_ answer: TestAnswer, _ query: WrongQuery) {
        #expect(answer.status == query.status, "\(query.what): \(answer)")
        #expect(answer.code == query.code, "\(query.what): \(answer)")
        #expect(answer.json?["message"]?.string?.isEmpty == false, "\(query.what): \(answer)")
    }

    @Test func collectionsAndBodies() async throws {
        try await TestCluster.with { cluster in
            for (body, code) in [
                ("{}", "MissingRequiredRequestFieldError"),
                ("", "MissingRequiredRequestFieldError"),
                (#"{"event_collection":null}"#, "MissingRequiredRequestFieldError"),
                (#"{"event_collection":"$c"}"#, "InvalidCollectionNameError"),
                (#"{"event_collection":7}"#, "InvalidParameterError"),
                ("[]", "InvalidJSONError"), ("nonsense", "InvalidJSONError"),
                (#"{"event_collection":"c""#, "InvalidJSONError"),
                (String(repeating: "[", count: 100_000), "InvalidJSONError"),
            ] {
                let answer = try await cluster.query("count", body)
                #expect(
                    answer.status == 400 && answer.code == code, "\(body.prefix(80)): \(answer)")
            }
        }
    }

    @Test func keys() async throws {
        try await TestCluster.with { cluster in
            let path = TestCluster.projectPath
            let count = "\(path)/queries/count?event_collection=c"
            for key in ["READ", "MASTER"] {
                #expect(try await cluster.send(.get, count, key: key).status == 200)
                #expect(
                    try await cluster.send(.get, "\(count)&api_key=\(key)", key: nil).status == 200)
            }
            for key in ["WRITE", "nonsense", "READ2", "", nil] {
                for target in [count, "\(path)/queries", "\(path)/events", "\(path)/events/c"] {
                    let answer = try await cluster.send(.get, target, key: key)
                    #expect(
                        answer.status == 401 && answer.code == "InvalidApiKeyError", "\(answer)")
                }
            }
            for target in [path, "/3.0/projects"] {
                let answer = try await cluster.send(.get, target, key: "READ")
                #expect(
                    answer.status == 401 && answer.code == "AdminOnlyEndpointError", "\(answer)")
                let nobody = try await cluster.send(.get, target, key: "nonsense")
                #expect(nobody.status == 401 && nobody.code == "InvalidApiKeyError", "\(nobody)")
            }
            let unknown = "/3.0/projects/ffffffffffffffffffffffff"
            for target in ["\(unknown)/queries/count", "\(unknown)/events", unknown] {
                let answer = try await cluster.send(.get, target, key: "nonsense")
                #expect(
                    answer.status == 404 && answer.code == "ResourceNotFoundError", "\(answer)")
            }
            let lost = try await cluster.send(.get, "\(path)/nothing")
            #expect(lost.status == 404 && lost.code == "ResourceNotFoundError")
        }
    }

    /// While the catalog has not been read, nobody is told that his project does not exist.
    @Test func theCatalogComesFirst() async throws {
        try await TestCluster.with(catalog: { nil }) { cluster in
            for target in ["\(TestCluster.projectPath)/queries/count", "/3.0/projects"] {
                let answer = try await cluster.send(.get, target)
                #expect(answer.status == 503 && answer.code == "ServiceUnavailableError")
                #expect(answer.response.header("retry-after") == "1")
            }
        }
    }
}
