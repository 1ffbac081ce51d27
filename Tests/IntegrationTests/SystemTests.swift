// The whole system on one machine, tried as a user would.

import Foundation
import TestSupport
import Testing

/// Events go in by HTTP, right answers come out, and stopping is orderly.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SystemTests {
    @Test func eventsAreAnsweredAndSurviveARestart() async throws {
        let system = try await RunningSystem()
        defer { system.discard() }
        let api = KeenAPI(try system.endpoints())
        let event = #"{"total": 12.5, "user": {"id": "u1", "plan": "pro"}, "tags": ["a", "b"]}"#
        #expect(try api.record(event, into: "orders").text.contains(#""created""#))
        await eventually(within: .seconds(5), "the event is counted") {
            try api.count("orders") == 1
        }
        // The query server writes as well, and knows such a GET from the schema's.
        let client = try SocketClient(port: try system.endpoints().queries[0].port)
        let path = "\(api.projectPath)/events/orders"
        let beacon = try client.request(
            "GET", "\(path)?api_key=\(api.endpoints.project.writeKey)&data=e30&c=clv1")
        #expect(beacon.status == 200 && beacon.header("content-type") == "image/gif")
        let schema = try client.request("GET", path, key: api.endpoints.project.readKey)
        #expect(schema.status == 200 && schema.text.contains("total"))
        await eventually(within: .seconds(5), "both events are counted") {
            try api.count("orders") == 2
        }
        let grouped = try api.query(
            "sum",
            #"{"event_collection": "orders", "target_property": "total", "group_by": "user.plan"}"#)
        #expect("\(grouped)".contains("12.5"))

        #expect(system.stop() == 0, "an orderly stop exits 0: \(system.upLog)")
        #expect(!FileManager.default.fileExists(atPath: "\(system.directory)/endpoints.json"))
        try await system.startAgain()
        #expect(try KeenAPI(system.endpoints()).count("orders") == 2)
    }

    @Test func whatIsDeletedIsGoneAtOnceAndWhatComesLaterStays() async throws {
        let system = try await RunningSystem(arguments: ["--partitions", "3"])
        defer { system.discard() }
        let endpoints = try system.endpoints()
        let api = KeenAPI(endpoints)
        func delete(_ target: String) throws -> Int {
            try SocketClient(port: endpoints.api.port).request(
                "DELETE", "\(api.projectPath)/events/\(target)", key: endpoints.project.masterKey
            ).status
        }
        for number in 0..<30 { _ = try api.record(#"{"n": \#(number % 3)}"#, into: "c") }
        await eventually(within: .seconds(5), "all are there") { try api.count("c") == 30 }
        let filters =
            "%5B%7B%22property_name%22:%22n%22,%22operator%22:%22eq%22,%22property_value%22:1%7D%5D"
        #expect(try delete("c?filters=\(filters)") == 204)
        await eventually(within: .seconds(1), "the delete is seen") { try api.count("c") == 20 }
        #expect(try delete("c") == 204)
        _ = try api.record("{}", into: "c")
        await eventually(within: .seconds(5), "one event is left") { try api.count("c") == 1 }
        // The log is read again from its beginning and comes to the same.
        #expect(system.stop() == 0, "\(system.upLog)")
        try FileManager.default.removeItem(atPath: "\(system.directory)/store-0")
        try await system.startAgain()
        await eventually(within: .seconds(10), "the replay comes to the same") {
            try KeenAPI(system.endpoints()).count("c") == 1
        }
    }

    @Test func secondProjectWorksEverywhereWithinASecond() async throws {
        let system = try await RunningSystem(arguments: ["--project", "5f00000000000000000000a1"])
        defer { system.discard() }
        var endpoints = try system.endpoints()
        #expect(endpoints.project.id == "5f00000000000000000000a1")
        let created = try Tool.run(
            "millrace",
            ["admin", "project", "create", "--log-brokers", endpoints.log[0], "--name", "second"])
        #expect(created.status == 0, "\(created.output)")
        endpoints.project = try SystemEndpoints.decoder.decode(
            SystemEndpoints.Project.self, from: Data(created.output.utf8))
        let api = KeenAPI(endpoints)
        await eventually(within: .seconds(1), "the new project can be written to") {
            try api.record("{}", into: "first").status == 201
        }
        await eventually(within: .seconds(5), "and read") { try api.count("first") >= 1 }
    }

    @Test func lagTableShowsEveryPartitionCaughtUp() async throws {
        let system = try await RunningSystem(arguments: ["--partitions", "2"])
        defer { system.discard() }
        let endpoints = try system.endpoints()
        for _ in 0..<20 { _ = try KeenAPI(endpoints).record(#"{"a": 1}"#, into: "c") }
        await eventually("the group has committed everything") {
            let table = try Tool.run(
                "millrace-lag", ["table", "--json", "--log-brokers", endpoints.log[0]])
            let object =
                try JSONSerialization.jsonObject(with: Data(table.output.utf8)) as? [String: Any]
            let rows = object?["partitions"] as? [[String: Any]] ?? []
            let depth = rows.compactMap { $0["depth"] as? Int }.reduce(0, +)
            let current = rows.compactMap { $0["current"] as? Int }.reduce(0, +)
            return rows.count == 2 && depth == 20 && current == 20
                && rows.allSatisfy { $0["delta"] as? Int == 0 }
        }
    }
}
