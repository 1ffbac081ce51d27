import Catalog
import HTTP
import JSON
import Testing

private let keys = "\(TestCluster.projectPath)/keys"
private let queries = "\(TestCluster.projectPath)/queries"
private let count = #"{"analysis_type":"count","event_collection":"orders"}"#

extension TestCluster {
    /// Makes a key; its text.
    fileprivate func key(_ permitted: String, _ options: String = "{}") async throws -> String {
        let answer = try await send(
            .post, keys, key: "MASTER",
            body: #"{"name":"k","is_active":true,"permitted":\#(permitted),"options":\#(options)}"#)
        return try #require(answer.json?["key"]?.string, "\(answer)")
    }

    fileprivate func get(_ target: String, _ key: String) async throws -> TestAnswer {
        try await send(.get, target, key: key)
    }
}

/// Access keys over HTTP: their life, and that each opens what it says and nothing else.
@Suite struct AccessKeyTests {
    /// As the Python client goes about it: a key is read, changed and sent back whole.
    @Test func aKeyLives() async throws {
        try await Desk.with { cluster, desk in
            let made = try await cluster.send(
                .post, keys, key: "MASTER",
                body: #"""
                    {"name":"team A","is_active":true,"permitted":["queries","writes"],
                    "options":{"queries":{"filters":[{"property_name":"plan","operator":"eq",
                    "property_value":"pro"}]},"writes":{"autofill":{"plan":"pro"}},"datasets":null}}
                    """#)
            #expect(made.status == 201, "\(made)")
            let key = try #require(made.json?["key"]?.string)
            #expect(AccessKey.isName(key))
            #expect(
                made.text == #"""
                    {"key":"\#(key)","name":"team A","is_active":true,\#
                    "permitted":["queries","writes"],"project_id":"\#(TestCluster.project)",\#
                    "options":{"queries":{"filters":[{"property_name":"plan","operator":"eq",\#
                    "property_value":"pro"}]},"writes":{"autofill":{"plan":"pro"}},\#
                    "saved_queries":null,"cached_queries":null,"datasets":null}}
                    """#)
            #expect(try await cluster.get("\(keys)/\(key)", "MASTER").text == made.text)
            #expect(try await cluster.get(keys, "MASTER").text == "[\(made.text)]")
            #expect(try await cluster.get("\(keys)?name=other", "MASTER").text == "[]")

            let query = "\(queries)/count?event_collection=orders"
            #expect(try await cluster.get(query, key).result == 4)
            let revoked = try await cluster.send(
                .post, "\(keys)/\(key)/revoke", key: "MASTER", body: #""""#)
            #expect(revoked.status == 200 && revoked.json?["is_active"] == false, "\(revoked)")
            let refused = try await cluster.get(query, key)
            #expect(refused.status == 401 && refused.code == "InvalidApiKeyError", "\(refused)")
            let back = try await cluster.send(.post, "\(keys)/\(key)/unrevoke", key: "MASTER")
            #expect(back.status == 200 && back.json?["is_active"] == true)
            #expect(try await cluster.get(query, key).result == 4)

            let changed = try await cluster.send(
                .post, "\(keys)/\(key)", key: "MASTER",
                body: #"{"name":"b","is_active":true,"permitted":["schema"],"options":{}}"#)
            #expect(changed.status == 200 && changed.json?["name"] == "b", "\(changed)")
            #expect(try await cluster.get(query, key).status == 401)
            #expect(
                try await cluster.get("\(TestCluster.projectPath)/events", key).status == 200)

            let gone = try await cluster.send(.delete, "\(keys)/\(key)", key: "MASTER")
            #expect(gone.status == 204 && gone.text.isEmpty)
            #expect(try await cluster.get("\(keys)/\(key)", "MASTER").status == 404)
            #expect(desk.catalog.accessKeys.isEmpty)
        }
    }

    /// Every kind of route with a key of every permission.
    @Test func permissionsOpenWhatTheySay() async throws {
        try await Desk.with { cluster, _ in
            for (name, rate) in [("s", 0), ("c", 14_400)] {
                let made = try await cluster.send(
                    .put, "\(queries)/saved/\(name)", key: "MASTER",
                    body: #"{"query":\#(count),"refresh_rate":\#(rate)}"#)
                #expect(made.status == 201)
            }
            let set = "\(TestCluster.projectPath)/datasets/d"
            let dataset = try await cluster.send(
                .put, set, key: "MASTER",
                body: #"""
                    {"query":{"analysis_type":"count","event_collection":"orders",
                    "timeframe":"this_3_days","interval":"daily"},"index_by":"plan"}
                    """#)
            #expect(dataset.status == 201, "\(dataset)")
            let routes: [(target: String, opens: Set<String>)] = [
                ("\(queries)/count?event_collection=orders", ["queries"]),
                ("\(queries)/extraction?event_collection=orders", ["queries"]),
                (queries, ["queries"]),
                ("\(TestCluster.projectPath)/events", ["schema"]),
                ("\(TestCluster.projectPath)/events/orders/properties", ["schema"]),
                ("\(queries)/saved", ["saved_queries"]),
                ("\(queries)/saved/s", ["saved_queries"]),
                ("\(queries)/saved/s/result", ["saved_queries"]),
                ("\(queries)/saved/c/result", ["saved_queries", "cached_queries"]),
                ("\(TestCluster.projectPath)/datasets", ["datasets"]),
                (set, ["datasets"]),
                ("\(set)/results?index_by=pro", ["datasets"]),
                (keys, []),
                (TestCluster.projectPath, []),
            ]
            for permission in Permission.allCases.map(\.rawValue) {
                let key = try await cluster.key(#"["\#(permission)"]"#)
                for route in routes {
                    let answer = try await cluster.get(route.target, key)
                    let expected = route.opens.contains(permission) ? [200] : [401, 403]
                    #expect(
                        expected.contains(answer.status),
                        "\(permission) \(route.target): \(answer)")
                }
                let delete = try await cluster.send(
                    .delete, "\(TestCluster.projectPath)/events/orders", key: key)
                #expect(delete.code == "AdminOnlyEndpointError")
                let put = try await cluster.send(
                    .put, "\(queries)/saved/x", key: key, body: #"{"query":\#(count)}"#)
                #expect(put.code == "AdminOnlyEndpointError")
            }
        }
    }

    /// The filters of a key cannot be got around, whatever the analysis.
    @Test func filtersAreForced() async throws {
        try await Desk.with { cluster, _ in
            let filter = #"{"property_name":"plan","operator":"eq","property_value":"pro"}"#
            let key = try await cluster.key(
                #"["queries","saved_queries","cached_queries"]"#,
                #"{"queries":{"filters":[\#(filter)]},"saved_queries":{"filters":[\#(filter)]}}"#)
            func ask(_ analysis: String, _ body: String) async throws -> TestAnswer {
                try await cluster.send(.post, "\(queries)/\(analysis)", key: key, body: body)
            }
            let orders = #""event_collection":"orders""#
            let free = #"{"property_name":"plan","operator":"eq","property_value":"free"}"#
            #expect(try await ask("count", "{\(orders)}").result == 4)
            #expect(try await ask("count", #"{\#(orders),"filters":[\#(free)]}"#).result == 0)
            #expect(
                try await ask(
                    "count", #"{\#(orders),"filters":[{"operator":"or","operands":[\#(free)]}]}"#
                ).result == 0)
            #expect(try await ask("count", #"{\#(orders),"filters":"x"}"#).status == 400)
            #expect(try await ask("count", #"{\#(orders),"max_age":600}"#).result == 4)
            #expect(
                try await cluster.query("count", #"{\#(orders),"max_age":600}"#).result == 10,
                "another key's answer is not given")
            #expect(
                try await ask(
                    "multi_analysis",
                    #"{\#(orders),"analyses":{"a":{"analysis_type":"count","filters":[]}}}"#
                ).result == ["a": 4])
            #expect(try await ask("extraction", "{\(orders)}").result?.array?.count == 4)
            let step = #"{\#(orders),"actor_property":"n"}"#
            #expect(
                try await ask(
                    "funnel",
                    #"{"steps":[\#(step),{\#(orders),"actor_property":"n","#
                        + #""filters":[]}]}"#
                ).result == [4, 4])
            let retention = try await ask(
                "retention",
                #"""
                {"first":\#(step),"returning":\#(step),"interval":"daily",
                "timeframe":"this_2_days"}
                """#)
            #expect(
                retention.result?.array?.first?["value"] == ["actors": 4, "returned": [4, 0]],
                "\(retention)")
            for (name, rate) in [("s", 0), ("c", 14_400)] {
                _ = try await cluster.send(
                    .put, "\(queries)/saved/\(name)", key: "MASTER",
                    body: #"{"query":\#(count),"refresh_rate":\#(rate)}"#)
            }
            #expect(try await cluster.get("\(queries)/saved/s/result", key).result == 4)
            #expect(
                try await cluster.get("\(queries)/saved/c/result", key).result == 10,
                "a kept result is what it is")
            #expect(try await cluster.get("\(queries)/saved/s/result", "READ").result == 10)
        }
    }

    @Test func namesAreAllowedAndBlocked() async throws {
        try await Desk.with { cluster, _ in
            for name in ["a", "b"] {
                _ = try await cluster.send(
                    .put, "\(queries)/saved/\(name)", key: "MASTER",
                    body: #"{"query":\#(count)}"#)
            }
            let only = try await cluster.key(
                #"["saved_queries"]"#, #"{"saved_queries":{"allowed":["a"]}}"#)
            let but = try await cluster.key(
                #"["saved_queries"]"#, #"{"saved_queries":{"blocked":["a"]}}"#)
            for (key, opens, name) in [(only, true, "a"), (only, false, "b"), (but, false, "a")] {
                for target in ["\(queries)/saved/\(name)", "\(queries)/saved/\(name)/result"] {
                    let answer = try await cluster.get(target, key)
                    #expect(answer.status == (opens ? 200 : 403), "\(target) \(answer)")
                    #expect(opens || answer.code == "RequestForbiddenError")
                }
            }
            let list = try await cluster.get("\(queries)/saved", but)
            #expect(list.json?.array?.map { $0["query_name"] } == ["b"])
        }
    }

    @Test(arguments: [
        (#"{"permitted":[]}"#, "MissingRequiredRequestFieldError"),
        (#"{"name":1}"#, "InvalidParameterError"),
        (#"{"name":"a","permitted":["everything"]}"#, "InvalidParameterError"),
        (#"{"name":"a","options":{"queries":{"filter":[]}}}"#, "InvalidParameterError"),
        (#"{"name":"a","options":{"others":{"a":1}}}"#, "InvalidParameterError"),
        (#"{"name":"a","options":{"queries":{"filters":{}}}}"#, "InvalidParameterError"),
        (
            #"{"name":"a","options":{"queries":{"filters":[{"operator":"eq"}]}}}"#,
            "MissingRequiredRequestFieldError"
        ),
        (#"{"name":"a","options":{"writes":{"autofill":{"a.b":1}}}}"#, "InvalidPropertyNameError"),
        (#"{"name":"a","options":{"writes":{"autofill":{"keen":{}}}}}"#, "InvalidParameterError"),
        (#"{"name":"a","options":{"datasets":{"operations":["x"]}}}"#, "InvalidParameterError"),
        ("[", "InvalidJSONError"),
    ])
    func wrongKeysAreRefused(body: String, code: String) async throws {
        try await Desk.with { cluster, desk in
            let answer = try await cluster.send(.post, keys, key: "MASTER", body: body)
            #expect(answer.status == 400 && answer.code == code, "\(answer)")
            #expect(desk.catalog.accessKeys.isEmpty)
        }
    }
}
