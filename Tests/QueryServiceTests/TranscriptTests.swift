import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

/// Requests byte by byte as clients that cannot run here send them, and the answers that they read.
@Suite struct TranscriptTests {
    /// Sends a request's head and body as they are written; the answer.
    private func say(_ cluster: TestCluster, _ head: String, _ body: String = "") throws -> Answer {
        let client = try SocketClient(port: cluster.port)
        var lines = head.replacing(" P/", with: " \(TestCluster.projectPath)/")
        if !body.isEmpty { lines += "\nContent-Length: \(body.utf8.count)" }
        let text = lines.replacing("\n", with: "\r\n") + "\r\nHost: localhost\r\n\r\n" + body
        try client.send(Array(text.utf8))
        return try client.receiveAnswer(hasBody: !head.hasPrefix("HEAD"))
    }

    private func json(_ answer: Answer) -> JSONValue? { try? JSONValue(parsing: answer.body) }

    private func withOrders(_ body: (TestCluster) async throws -> Void) async throws {
        try await Desk.with(
            (0..<6).map { number in
                try JSONValue(
                    parsing:
                        #"{"total":\#(number * 10),"user":{"plan":"\#(number < 2 ? "pro" : "free")"},"#
                        + #""keen":{"timestamp":"2020-03-31T10:00:00.000Z"}}"#)
            }
        ) { cluster, _ in try await body(cluster) }
    }

    /// keen-analysis.js in Node: POST with its own members added; DELETE with quoted texts and empty
    /// pairs; results of saved queries and datasets with the key twice.
    @Test func javaScript() async throws {
        try await withOrders { cluster in
            let query = #"""
                {"analysis_type":"count","event_collection":"orders",\#
                "timeframe":"this_7_days","timezone":3600,\#
                "filters":[{"property_name":"total","operator":"gt","property_value":10}]}
                """#
            let head = """
                POST P/queries/count HTTP/1.1
                Authorization: READ
                Content-type: application/json
                keen-sdk: javascript-3.7.0
                """
            #expect(json(try say(cluster, head, query))?["result"] == 4)
            let error = try say(cluster, head, "{")
            #expect(error.status == 400 && error.header("access-control-allow-origin") == "*")
            #expect(
                json(error)?["error_code"] == "InvalidJSONError" && json(error)?["message"] != nil)
            let preflight = try say(
                cluster,
                """
                OPTIONS P/queries/count HTTP/1.1
                Origin: https://dash.example.test
                Access-Control-Request-Method: POST
                Access-Control-Request-Headers: authorization,content-type,keen-sdk
                """)
            #expect((200...204).contains(preflight.status))
            let allowed = preflight.header("access-control-allow-headers")?.lowercased() ?? ""
            for name in ["authorization", "content-type", "keen-sdk"] {
                #expect(allowed.contains(name))
            }
            for method in ["GET", "POST", "PUT", "DELETE"] {
                #expect(
                    preflight.header("access-control-allow-methods")?.contains(method) == true)
            }
            let saved = #"{"query":{"analysis_type":"count","event_collection":"orders"}}"#
            let put = """
                PUT P/queries/saved/js HTTP/1.1
                Authorization: MASTER
                Content-type: application/json
                """
            #expect(try say(cluster, put, saved).status == 201)
            let result = """
                GET P/queries/saved/js/result?api_key=READ& HTTP/1.1
                Authorization: READ
                Content-type: application/json
                """
            #expect(json(try say(cluster, result))?["result"] == 6)
            let delete = """
                DELETE P/events/orders?filters=%5B%7B%22property_name%22%3A%22total%22%2C\
                %22operator%22%3A%22eq%22%2C%22property_value%22%3A0%7D%5D\
                &timeframe=%22this_7_days%22&timezone=%22UTC%22&&api_key=MASTER& HTTP/1.1
                Authorization: MASTER
                Content-type: application/json
                """
            #expect(try say(cluster, delete, "{}").status == 204)
            #expect(json(try say(cluster, head, #"{"event_collection":"orders"}"#))?["result"] == 5)
        }
    }

    /// Java: everything by POST, all of a query's members, offsets without a colon.
    @Test func java() async throws {
        try await withOrders { cluster in
            func head(_ analysis: String) -> String {
                """
                POST P/queries/\(analysis) HTTP/1.1
                Accept: application/json
                Authorization: READ
                Keen-Sdk: java-6.0.0
                Content-Type: application/json
                User-Agent: Java/17
                """
            }
            let frame =
                #""timeframe":{"start":"2020-03-31T00:00:00.000+0000","end":"2020-04-01T00:00:00.000+0000"}"#
            let multi = try say(
                cluster, head("multi_analysis"),
                #"{"event_collection":"orders",\#(frame),"analyses":{"p":{"#
                    + #""analysis_type":"percentile","target_property":"total","percentile":50.0},"#
                    + #""n":{"analysis_type":"count"}},"group_by":["user.plan"],"interval":"daily"}"#
            )
            #expect(
                json(multi)?["result"]?.array?.first?["value"] == [
                    ["user.plan": "free", "p": 30, "n": 4], ["user.plan": "pro", "p": 0, "n": 2],
                ], "\(multi.text)")
            let funnel = try say(
                cluster, head("funnel"),
                #"{"steps":[{"event_collection":"orders","actor_property":"total",\#(frame)},"#
                    + #"{"event_collection":"orders","actor_property":"total",\#(frame),"#
                    + #""inverted":true,"with_actors":true}]}"#
            )
            #expect(json(funnel)?["result"] == [6, 0])
            #expect(json(funnel)?["actors"] == [.null, []])
        }
    }

    /// Ruby: GETs, an empty JSON text as the body of a POST; PHP: DELETE with a query; .NET: GETs of
    /// schemas with the read key.
    @Test func others() async throws {
        try await withOrders { cluster in
            let ruby = """
                GET P/queries/sum?event_collection=orders&target_property=total\
                &timeframe=previous_2_days&group_by=user.plan HTTP/1.1
                Authorization: READ
                Content-Type: application/json
                Keen-Sdk: ruby-1.1.1
                User-Agent: keen-gem, v1.1.1, ruby 2.6.0
                """
            #expect(
                json(try say(cluster, ruby))?["result"]
                    == [["user.plan": "free", "result": 140], ["user.plan": "pro", "result": 10]])
            let make = """
                POST P/keys HTTP/1.1
                Authorization: MASTER
                Content-Type: application/json
                """
            let made = try say(cluster, make, #"{"name":"ruby","permitted":["queries"]}"#)
            let key = try #require(json(made)?["key"]?.string)
            let revoke = """
                POST P/keys/\(key)/revoke HTTP/1.1
                Authorization: MASTER
                Content-Type: application/json
                """
            #expect(json(try say(cluster, revoke, #""""#))?["is_active"] == false)
            let schema = """
                GET P/events/orders HTTP/1.1
                Authorization: READ
                """
            #expect(json(try say(cluster, schema))?["properties"]?["total"] == "num")
            let php = """
                DELETE P/events/orders/properties/user.plan HTTP/1.1
                Authorization: MASTER
                Keen-Sdk: php-2.8.0
                """
            #expect(try say(cluster, php).status == 204)
            let head = """
                HEAD P/queries/count?event_collection=orders HTTP/1.1
                Authorization: READ
                """
            #expect(try say(cluster, head).status == 200)
            let missing = """
                GET P/nothing/here HTTP/1.1
                Authorization: READ
                """
            #expect(json(try say(cluster, missing))?["error_code"] == "ResourceNotFoundError")
        }
    }
}
