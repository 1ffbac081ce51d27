// Junk that somebody else publishes straight into the topic of events, by a plain Kafka client.

import Foundation
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct DeadLetterTests {
    /// kcat, fed with `input`.
    private func kcat(_ arguments: [String], input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["kcat"] + arguments
        let (toIt, fromIt) = (Pipe(), Pipe())
        process.standardInput = toIt
        process.standardOutput = fromIt
        process.standardError = FileHandle.nullDevice
        try process.run()
        try toIt.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try toIt.fileHandleForWriting.close()
        let output = fromIt.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "kcat \(arguments)")
        return String(decoding: output, as: UTF8.self)
    }

    /// Every bad record is in the topic of dead letters with its reason and its place, any client
    /// can read it there, the good ones around it are counted, and people see it by the command.
    @Test func junkIsKeptForPeopleAndStopsNobody() async throws {
        let system = try await RunningSystem(arguments: ["--partitions", "2"])
        defer { system.discard() }
        let endpoints = try system.endpoints()
        let api = KeenAPI(endpoints)
        let broker = endpoints.log[0]
        let good = #"{"n":1,"keen":{"timestamp":"2024-01-01T00:00:00Z"}}"#
        let key = "\(endpoints.project.id)/c"
        let junk = ["nonsense", "[1]", #"{"keen":{"timestamp":"soon"}}"#]
        let lines = ([good] + junk + [good]).map { "\(key)\t\($0)\n" } + ["nokey\t\(good)\n"]
        _ = try kcat(
            ["-P", "-b", broker, "-t", "millrace.events", "-p", "1", "-K", "\t"],
            input: lines.joined())
        await eventually(within: .seconds(20), "the good events are counted") {
            try api.count("c") == 2
        }
        // Applied means that the dead letters were written before.
        let read = try kcat(["-C", "-b", broker, "-t", "millrace.dead", "-e", "-q", "-J"])
        let letters = try read.split(separator: "\n").map {
            try #require(
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        var found: [Int: (value: String, reason: String)] = [:]
        for letter in letters {
            let headers = try #require(letter["headers"] as? [String])
            let pairs = stride(from: 0, to: headers.count - 1, by: 2)
            let named = Dictionary(
                uniqueKeysWithValues: pairs.map { (headers[$0], headers[$0 + 1]) })
            #expect(named["millrace.topic"] == "millrace.events")
            #expect(named["millrace.partition"] == "1")
            #expect(Int64(named["millrace.timestamp"] ?? "") ?? 0 > 0)
            let offset = try #require(Int(named["millrace.offset"] ?? ""))
            found[offset] = (letter["payload"] as? String ?? "", named["millrace.reason"] ?? "")
        }
        #expect(found.mapValues(\.value) == [1: junk[0], 2: junk[1], 3: junk[2], 5: good])
        #expect(found[1]?.reason.hasPrefix("the event is no JSON") == true)
        #expect(found[5]?.reason.hasPrefix("the key is not project/collection") == true)

        let shown = try Tool.run(
            "millrace", ["admin", "dead-letters", "--data", system.directory, "--limit", "2"])
        #expect(shown.status == 0, "\(shown.errors)")
        let rows = shown.output.split(separator: "\n")
        #expect(rows.count == 2 && rows[1].contains("millrace.events[1]@5"), "\(shown.output)")
        let objects = try Tool.run(
            "millrace", ["admin", "dead-letters", "--data", system.directory, "--json"])
        #expect(objects.output.split(separator: "\n").count == 4, "\(objects.output)")
        #expect(objects.output.contains(#""offset":1,"key":"\#(key)","value":"nonsense""#))
    }
}
