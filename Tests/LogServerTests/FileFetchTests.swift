// Records that go from their file into the socket without passing through the process.

import Base
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

@Suite struct FileFetchTests {
    /// Answers that mix parts of files, parts in memory and empty ones, in every layout.
    @Test(arguments: [Int16(4), 11, 12]) func mixedAnswersComeWhole(version: Int16) async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", partitions: 5)
            let sizes = [[200_000], [10, 20], [], [40_000, 5, 40_000], [33_000]]
            for (index, batches) in sizes.enumerated() {
                for (number, size) in batches.enumerated() {
                    let text = String(repeating: "\(number)", count: size)
                    let part = try client.produce("t", Int32(index), batch([text]))
                    #expect(part.error == .none)
                }
            }
            var entry = FetchRequest.Topic()
            entry.name = "t"
            entry.partitions = [Int32(3), 1, 0, 2, 4].map {
                var part = FetchRequest.Partition()
                (part.index, part.maxBytes) = ($0, 1 << 20)
                return part
            }
            var request = FetchRequest()
            (request.topics, request.maxBytes) = ([entry], 1 << 20)
            // Several in a row, so that answers queue behind each other.
            for _ in 0..<5 {
                let answer = try client.ask(request, version: version)
                for part in answer.topics[0].partitions {
                    let values = try part.values()
                    #expect(values.map(\.utf8.count) == sizes[Int(part.index)])
                    for (number, value) in values.enumerated() {
                        #expect(value.allSatisfy { $0 == Character("\(number)") })
                    }
                }
            }
        }
    }

    /// What was promised is sent, also when the segment is removed before it is.
    @Test func aRemovedSegmentIsStillSent() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", settings: ["segment.bytes": "1000000"])
            for index in 0..<12 {
                let text = String(repeating: "\(index % 10)", count: 900_000)
                _ = try client.produce("t", 0, batch([text]))
            }
            let deaf = try server.client()
            var asked: [Int] = []
            for index in 0..<10 {
                try deaf.send(
                    KafkaTestClient.fetchRequest("t", from: Int64(index), maxBytes: 1), version: 11)
                asked.append(index)
            }
            await eventually("one is under way") { server.server.unsentBytes > 0 }
            var part = DeleteRecordsRequest.Partition()
            part.offset = 11
            var entry = DeleteRecordsRequest.Topic()
            (entry.name, entry.partitions) = ("t", [part])
            var request = DeleteRecordsRequest()
            request.topics = [entry]
            _ = try client.ask(request)
            let first = try deaf.receiveFrame()
            let (_, response) = try decodeResponse(
                to: FetchRequest.self, version: 11, first[...])
            let values = try response.topics[0].partitions[0].values()
            #expect(values == [String(repeating: "0", count: 900_000)])
        }
    }
}
