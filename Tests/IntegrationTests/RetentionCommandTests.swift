// millrace admin retention, on a running system.

import Foundation
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct RetentionCommandTests {
    @Test func retentionIsShownSetAndCleared() async throws {
        let system = try await RunningSystem(arguments: ["--partitions", "2"])
        defer { system.discard() }
        let endpoints = try system.endpoints()
        let api = KeenAPI(endpoints)
        let project = endpoints.project.id
        func retention(_ arguments: [String], status: Int32 = 0) throws -> String {
            let result = try Tool.run(
                "millrace", ["admin", "retention", "--data", system.directory] + arguments)
            #expect(result.status == status, "\(arguments): \(result.errors)")
            return status == 0 ? result.output : result.errors
        }
        let old = #"{"n": 1, "keen": {"timestamp": "2015-01-01T00:00:00Z"}}"#
        #expect(try api.record(old, into: "views").status == 201)
        #expect(try api.record(#"{"n": 2}"#, into: "views").status == 201)
        await eventually(within: .seconds(20), "the events are stored") {
            try api.count("views") == 2
        }
        #expect(try retention([project]) == "")
        #expect(try retention([project, "views"]) == "\(project)/views\tfor good\n")
        #expect(
            try retention([project, "views", "--days", "30"]) == "\(project)/views\t30 days\n")
        // Also before a collection has events.
        #expect(try retention([project, "later", "--days", "1"]) == "\(project)/later\t1 day\n")
        #expect(
            try retention([project])
                == "\(project)/later\t1 day\n\(project)/views\t30 days\n")
        // What is too old goes when the store next looks, within a minute.
        await eventually(within: .seconds(90), "the old event is gone") {
            try api.count("views") == 1
        }
        #expect(
            try retention([project, "views", "--forever"]) == "\(project)/views\tfor good\n")
        #expect(try retention([project]) == "\(project)/later\t1 day\n")

        #expect(
            try retention(["nobody", "views", "--days", "1"], status: 1).contains("no project"))
        #expect(try retention([project, "views", "--days", "0"], status: 64).contains("--days"))
        #expect(try retention([project, "--days", "1"], status: 64).contains("which collection"))
        #expect(
            try retention([project, "views", "--days", "1", "--forever"], status: 64)
                .contains("exclude"))
    }
}
