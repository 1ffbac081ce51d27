// millrace store, on a running system and on its data.

import Foundation
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct StoreCommandTests {
    @Test func rowsCanBeLookedAtWrittenAndCarried() async throws {
        let system = try await RunningSystem(arguments: ["--partitions", "1"])
        defer { system.discard() }
        let endpoints = try system.endpoints()
        let api = KeenAPI(endpoints)
        for number in 0..<3 {
            #expect(try api.record(#"{"n": \#(number)}"#, into: "page_views").status == 201)
        }
        await eventually(within: .seconds(10), "the events are stored") {
            try api.count("page_views") == 3
        }
        let project = endpoints.project.id
        func store(_ arguments: [String], status: Int32 = 0) throws -> String {
            let (command, rest) = (arguments[0], arguments.dropFirst())
            let result = try Tool.run(
                "millrace", ["store", command, "--data", system.directory] + rest)
            #expect(result.status == status, "\(arguments): \(result.errors)")
            return status == 0 ? result.output : result.errors
        }
        let tables = try store(["tables"])
        #expect(
            tables.contains(
                "store/rollups\tshard/project/collection/hour\tevents, a counter\tread\n"))
        #expect(
            try store(["get", "store/totals", "0/\(project)/page_views"])
                == "0/\(project)/page_views\tevents=3\n")
        #expect(try store(["slice", "store/schema", "0/\(project)"]).contains("/n\ttypes=num\n"))
        #expect(try store(["slice", "store/numbers"]) == "")
        #expect(try store(["slice", "store/blocks"]) == "")
        #expect(
            try store(["slice", "store/small"])
                .wholeMatch(of: /0\/.+\/page_views\tblocks=\d rows=3\n/) != nil)

        for (key, value) in [("ann/1", "tea"), ("ann/2", "milk"), ("bob/1", "\u{1}")] {
            _ = try store(["put", "user/carts", "0/\(key)", value])
        }
        _ = try store(["put", "counters/hits", "0/home", "5"])
        _ = try store(["put", "counters/hits", "0/home", "--", "-2"])
        #expect(
            try store(["slice", "user/carts", "0/ann", "--reverse"])
                == "0/ann/2\tmilk\n0/ann/1\ttea\n")
        #expect(try store(["slice", "user/carts"]).hasSuffix("0/bob/1\t0x01\n"))
        #expect(try store(["get", "counters/hits", "0/home"]) == "0/home\tnumber=3\n")
        _ = try store(["put", "user/carts", "0/ann/1", "--delete"])
        #expect(
            try store(["get", "user/carts", "0/ann/1"], status: 1).contains("there is no cell"))
        #expect(try store(["put", "store/totals", "0/a/b", "1"], status: 1).contains("own"))
        #expect(try store(["get", "store/nothing", "0/a"], status: 1).contains("no table"))
        #expect(try store(["get", "user/carts", "7/a"], status: 1).contains("shard 7"))
        #expect(try store(["get", "store/blocks", "x"], status: 64).contains("no integer"))
        #expect(try store(["get", "blocks", "0/a"], status: 64).contains("KEYSPACE/NAME"))

        let data = "\(system.directory)/store-0"
        func tool(_ arguments: [String]) throws -> Tool.Result {
            try Tool.run("millrace", ["store"] + arguments)
        }
        #expect(try tool(["verify", data]).status == 69, "a running node has its directory")
        #expect(system.stop() == 0)
        #expect(try tool(["verify", data]).output.contains("3 events in"))
        let export = "\(system.directory)/export"
        let copy = "\(system.directory)/copy"
        #expect(try tool(["export", data, "0", export]).status == 0)
        #expect(try tool(["export", data, "0", export]).status == 1)
        #expect(try tool(["import", copy, export]).status == 0)
        #expect(try tool(["import", copy, export]).status == 1)
        #expect(try tool(["verify", copy]).output.contains("3 events in"))
        #expect(try tool(["verify", export]).status == 64)
    }
}
