import Base
import Catalog
import EventLoop
import Foundation
import HTTP
import JSON
import LogClient
import Logging
import MockLog
import Model
import QueryService
import Synchronization
import TestSupport
import Testing

private let path = "\(TestCluster.projectPath)/queries/saved"

extension TestCluster {
    fileprivate func put(
        _ name: String, _ body: String, key: String = "MASTER"
    ) async throws -> TestAnswer {
        try await send(.put, "\(path)/\(name)", key: key, body: body)
    }

    fileprivate func result(_ name: String) async throws -> TestAnswer {
        try await send(.get, "\(path)/\(name)/result")
    }

    func deleteOrders() async throws {
        let answer = try await send(
            .delete, "\(Self.projectPath)/events/orders", key: "MASTER")
        #expect(answer.status == 204, "\(answer)")
    }
}

private let count = #"{"analysis_type":"count","event_collection":"orders"}"#

/// Saved queries over HTTP.
@Suite struct SavedQueryRequestTests {
    @Test func aSavedQueryLives() async throws {
        try await Desk.with { cluster, desk in
            let made = try await cluster.put(
                "daily-orders",
                #"""
                {"refresh_rate":0,"metadata":{"display_name":"Orders"},"urls":{"a":"b"},
                "query":{"analysis_type":"count","event_collection":"orders",
                "timeframe":"this_7_days","group_by":"plan","interval":null}}
                """#)
            let definition = #"""
                {"query_name":"daily-orders","refresh_rate":0,"query":{"analysis_type":"count",\#
                "event_collection":"orders","timeframe":"this_7_days","group_by":["plan"],\#
                "filters":[],"interval":null,"timezone":null},\#
                "metadata":{"display_name":"Orders"},\#
                "created_date":"2020-04-01T09:30:00.000000+00:00",\#
                "last_modified_date":"2020-04-01T09:30:00.000000+00:00",\#
                "user_last_modified_date":"2020-04-01T09:30:00.000000+00:00",\#
                "run_information":null,"urls":{"cached_query_url":"\#(path)/daily-orders",\#
                "cached_query_results_url":"\#(path)/daily-orders/result"}
                """#
            #expect(made.status == 201 && made.text == definition + #","created":true}"#)
            let found = try await cluster.send(.get, "\(path)/daily-orders", key: "MASTER")
            #expect(found.status == 200 && found.text == definition + "}")
            let result = try await cluster.result("daily-orders")
            let rows = #","result":[{"plan":"free","result":6},{"plan":"pro","result":4}]}"#
            #expect(result.status == 200 && result.text == definition + rows, "\(result)")
            // As keen-analysis.js asks for the list.
            let list = try await cluster.send(
                .get, "\(path)?api_key=MASTER&&analysis_type=saved", key: nil)
            #expect(list.text == "[\(definition)}]")

            desk.pass(seconds: 60)
            let changed = try await cluster.put(
                "daily-orders", #"{"query":\#(count),"query_name":"all-orders"}"#)
            #expect(changed.status == 200 && changed.json?["created"] == nil, "\(changed)")
            #expect(changed.json?["created_date"] == found.json?["created_date"])
            #expect(
                changed.json?["last_modified_date"] == "2020-04-01T09:31:00.000000+00:00")
            #expect(try await cluster.result("all-orders").result == 10)
            #expect(try await cluster.result("daily-orders").status == 404)

            let gone = try await cluster.send(.delete, "\(path)/all-orders", key: "MASTER")
            #expect(gone.status == 204 && gone.text.isEmpty)
            for method in [HTTPMethod.get, .delete] {
                let missing = try await cluster.send(method, "\(path)/all-orders", key: "MASTER")
                #expect(missing.status == 404 && missing.code == "ResourceNotFoundError")
            }
            #expect(try await cluster.send(.get, path, key: "MASTER").text == "[]")
        }
    }

    @Test func keysAndNames() async throws {
        try await Desk.with { cluster, _ in
            let body = #"{"query":\#(count)}"#
            #expect(try await cluster.put("a", body, key: "READ").code == "AdminOnlyEndpointError")
            #expect(try await cluster.put("a", body, key: "nonsense").code == "InvalidApiKeyError")
            #expect(try await cluster.put("a", body).status == 201)
            for target in [path, "\(path)/a"] {
                #expect(try await cluster.send(.get, target, key: "READ").status == 401)
                #expect(try await cluster.send(.get, target, key: "MASTER").status == 200)
            }
            #expect(try await cluster.send(.delete, "\(path)/a", key: "WRITE").status == 401)
            let result = "\(path)/a/result"
            #expect(try await cluster.send(.get, result, key: "WRITE").status == 401)
            #expect(try await cluster.send(.get, result, key: "MASTER").status == 200)
            let other = "/3.0/projects/p2/queries/saved/a/result"
            #expect(try await cluster.send(.get, other, key: "READ2").status == 404)
            #expect(try await cluster.put("b", body).status == 201)
            let taken = try await cluster.put("b", #"{"query":\#(count),"query_name":"a"}"#)
            #expect(taken.status == 400 && taken.text.contains("another"), "\(taken)")
            #expect(try await cluster.put("a%20b", body).status == 400)
        }
    }

    @Test(arguments: [
        ("", "MissingRequiredRequestFieldError"), ("{", "InvalidJSONError"),
        (#"{"query":1}"#, "InvalidParameterError"),
        (#"{"query":{}}"#, "MissingRequiredRequestFieldError"),
        (#"{"query":{"analysis_type":"guess"}}"#, "InvalidParameterError"),
        (#"{"query":{"analysis_type":"count"}}"#, "MissingRequiredRequestFieldError"),
        (#"{"query":{"analysis_type":"funnel"}}"#, "MissingRequiredRequestFieldError"),
        (
            #"{"query":{"analysis_type":"count","event_collection":"c","timeframe":"soon"}}"#,
            "TimeframeDefinitionError"
        ),
        (#"{"query":\#(count),"refresh_rate":-1}"#, "InvalidParameterError"),
        (#"{"query":\#(count),"refresh_rate":14399}"#, "InvalidParameterError"),
        (#"{"query":\#(count),"refresh_rate":86401}"#, "InvalidParameterError"),
        (#"{"query":\#(count),"metadata":[]}"#, "InvalidParameterError"),
        (
            #"{"query":\#(count.dropLast()),"allow_partial":true},"refresh_rate":14400}"#,
            "InvalidParameterError"
        ),
        (#"{"query":\#(count),"query_name":"a b"}"#, "InvalidParameterError"),
    ])
    func whatIsWrongIsRefused(body: String, code: String) async throws {
        try await Desk.with { cluster, desk in
            let answer = try await cluster.put("name", body)
            #expect(answer.status == 400 && answer.code == code, "\(answer)")
            #expect(desk.catalog.savedQueries.isEmpty)
        }
    }

    @Test func sizesAndNumbersAreBounded() async throws {
        try await Desk.with { cluster, _ in
            let large = String(repeating: "x", count: Limits.savedQueryBytesMax)
            let tooLarge = try await cluster.put(
                "large", #"{"query":\#(count),"metadata":{"a":"\#(large)"}}"#)
            #expect(tooLarge.code == "QueryTooLargeError")
            let cached = #"{"query":\#(count),"refresh_rate":14400}"#
            for number in 0..<Limits.cachedQueriesPerProjectMax {
                #expect(try await cluster.put("q\(number)", cached).status == 201)
            }
            let refused = try await cluster.put("more", cached)
            #expect(refused.code == "OverCachedQueryLimitError", "\(refused)")
            #expect(try await cluster.put("q7", cached).status == 200)
            #expect(try await cluster.put("more", #"{"query":\#(count)}"#).status == 201)
            // What Keen's explorer asks before it offers to cache one more.
            let usage = try await cluster.send(
                .get, "\(TestCluster.projectPath)/organization-usage")
            #expect(
                usage.json?["cached_queries"]
                    == ["limited": true, "limit": 100, "current_usage": 100], "\(usage)")
        }
    }

    @Test func aSavedFunnelsResultIsItsWholeAnswer() async throws {
        try await Desk.with { cluster, _ in
            let steps = #"[{"event_collection":"orders","actor_property":"plan"}]"#
            let made = try await cluster.put(
                "f", #"{"query":{"analysis_type":"funnel","steps":\#(steps)}}"#)
            #expect(made.status == 201, "\(made)")
            let answer = try await cluster.result("f")
            #expect(answer.result?["result"] == [2], "\(answer)")
            #expect(answer.result?["steps"]?.array?.count == 1)
        }
    }
}

/// Results that are kept: of cached queries and for `max_age`.
@Suite struct KeptResultTests {
    @Test func aCachedQueryIsRefreshedWhenItIsDue() async throws {
        try await Desk.with { cluster, desk in
            let body = #"{"query":\#(count),"refresh_rate":14400}"#
            #expect(try await cluster.put("c", body).status == 201)
            let loop = cluster.group.next()
            await cluster.service.refreshCachedQueries(on: loop)
            let first = try await cluster.result("c")
            #expect(first.result == 10)
            #expect(
                first.json?["run_information"] == [
                    "last_run_date": "2020-04-01T09:30:00.000000+00:00",
                    "last_run_status": "success", "last_run_message": nil,
                    "next_run_date": "2020-04-01T13:30:00.000000+00:00",
                ])
            try await cluster.deleteOrders()
            desk.pass(seconds: 14_399)
            await cluster.service.refreshCachedQueries(on: loop)
            #expect(try await cluster.result("c").result == 10, "not due yet")
            desk.pass(seconds: 1)
            #expect(try await cluster.result("c").result == 10, "due, but not run yet")
            await cluster.service.refreshCachedQueries(on: loop)
            #expect(try await cluster.result("c").result == 0)
        }
    }

    @Test func aFailedRunKeepsTheResultAndIsTriedAgain() async throws {
        try await Desk.with { cluster, desk in
            let body = #"{"query":\#(count),"refresh_rate":86400}"#
            #expect(try await cluster.put("c", body).status == 201)
            let loop = cluster.group.next()
            #expect(try await cluster.result("c").result == 10, "the first asker runs it")
            let shards = cluster.cluster.partitionCount
            cluster.cluster.partitionCount = 0
            desk.pass(seconds: 86_400)
            await cluster.service.refreshCachedQueries(on: loop)
            let failed = try await cluster.result("c")
            #expect(failed.result == 10)
            let information = failed.json?["run_information"]
            #expect(information?["last_run_status"] == "failure", "\(failed)")
            #expect(information?["last_run_message"]?.string?.contains("shards") == true)
            cluster.cluster.partitionCount = shards
            try await cluster.deleteOrders()
            await cluster.service.refreshCachedQueries(on: loop)
            #expect(try await cluster.result("c").result == 10, "not tried again yet")
            desk.pass(seconds: Limits.cachedQueryRetrySeconds)
            await cluster.service.refreshCachedQueries(on: loop)
            let better = try await cluster.result("c")
            #expect(better.result == 0)
            #expect(better.json?["run_information"]?["last_run_status"] == "success")
        }
    }

    @Test func aChangedQueryRunsAnew() async throws {
        try await Desk.with { cluster, _ in
            let cached = #""refresh_rate":14400}"#
            let made = try await cluster.put("c", #"{"query":\#(count),"# + cached)
            #expect(made.status == 201)
            #expect(try await cluster.result("c").result == 10)
            let sum =
                #"{"analysis_type":"sum","event_collection":"orders","target_property":"n"}"#
            #expect(try await cluster.put("c", #"{"query":\#(sum),"# + cached).status == 200)
            #expect(try await cluster.result("c").result == 45)
        }
    }

    @Test func maxAgeGivesAnEarlierAnswer() async throws {
        try await Desk.with { cluster, desk in
            func ask(_ more: String) async throws -> JSONValue? {
                try await cluster.query("count", #"{"event_collection":"orders"\#(more)}"#).result
            }
            #expect(try await ask(#","max_age":600"#) == 10)
            try await cluster.deleteOrders()
            #expect(try await ask("") == 0, "without max_age it is worked out")
            let target = "\(TestCluster.projectPath)/queries/count"
            let spelled = try await cluster.send(
                .get, "\(target)?max_age=600&event_collection=orders&api_key=READ", key: nil)
            #expect(spelled.result == 10, "another spelling of the same query")
            #expect(try await ask(#","max_age":600,"timezone":3600"#) == 0, "another query")
            #expect(
                try await ask(#","max_age":600,"allow_partial":true"#) == 0,
                "what may lack something is not kept")
            #expect(try await ask(#","max_age":600,"allow_partial":false"#) == 0, "another query")
            desk.pass(seconds: 601)
            #expect(try await ask(#","max_age":600"#) == 0, "too old")
            for wrong in ["-1", "129601", #""soon""#] {
                let answer = try await cluster.query(
                    "count", #"{"event_collection":"orders","max_age":\#(wrong)}"#)
                #expect(answer.status == 400 && answer.text.contains("max_age"), "\(answer)")
            }
        }
    }
}

/// Definitions are in the catalog: every query server knows what one was told.
@Suite struct SharedSavedQueryTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func configuration(_ writer: CatalogWriter) -> QueryServiceConfiguration {
        var configuration = TestCluster.configuration
        configuration.now = { .init(milliseconds: wallClockMilliseconds()) }
        configuration.publish = { try await writer.publish($0, timeout: .seconds(10)) }
        return configuration
    }

    @Test func twoServersKnowTheSame() async throws {
        let log = MockLog(topics: [MillraceTopics.catalog: 1])
        let connection = LogConnection(brokers: log.brokers)
        let writer = try CatalogWriter(connection: connection, logger: quiet)
        let followers = try [
            CatalogFollower(connection: connection, logger: quiet),
            CatalogFollower(connection: connection, logger: quiet),
        ]
        let project = Project(
            id: try ProjectID(TestCluster.project), name: "shop", masterKey: "MASTER",
            writeKey: "WRITE", readKey: "READ", created: Timestamp(milliseconds: 0))
        try await writer.put(project, timeout: .seconds(10))
        await eventually("the project is known") {
            followers.allSatisfy { $0.isCurrent && !$0.state.projects.isEmpty }
        }
        let settings = configuration(writer)
        try await TestCluster.with(
            configuration: settings, catalog: { followers[0].state }
        ) { first in
            try await TestCluster.with(
                configuration: settings, catalog: { followers[1].state }
            ) { second in
                try await second.store(try Desk.orders())
                let made = try await first.put("q", #"{"query":\#(count)}"#)
                #expect(made.status == 201, "\(made)")
                let here = try await first.send(.get, "\(path)/q", key: "MASTER")
                #expect(here.status == 200, "who made it sees it at once")
                await eventually(within: .seconds(5), "the other server answers it") {
                    try await second.result("q").result == 10
                }
                let changed = try await second.put(
                    "q", #"{"query":\#(count),"metadata":{"a":1},"query_name":"r"}"#)
                #expect(changed.status == 200, "\(changed)")
                await eventually(within: .seconds(5), "the change comes back") {
                    let list = try await first.send(.get, path, key: "MASTER").json?.array
                    return list?.count == 1 && list?.first?["query_name"] == "r"
                }
                #expect(try await first.send(.delete, "\(path)/r", key: "MASTER").status == 204)
                await eventually(within: .seconds(5), "it is gone everywhere") {
                    try await second.result("r").status == 404
                }
            }
        }
        for follower in followers { await follower.close() }
        await writer.close()
    }
}
