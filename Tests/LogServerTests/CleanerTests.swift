// The cleaner of a running server: retention and compaction by themselves, as clients see them.

import Base
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

@Suite struct CleanerTests {
    private static func keyed(_ key: String, _ value: String) -> [UInt8] {
        let record = Record(key: Array(key.utf8), value: Array(value.utf8))
        return encodeRecordBatch([record], timestamp: wallClockMilliseconds())
    }

    /// Reads like a consumer, answer by answer.
    private static func values(
        _ client: KafkaTestClient, _ topic: String, from start: Int64
    ) throws -> [String] {
        var values: [String] = []
        var next = start
        while true {
            let part = try client.fetch(topic, from: next)
            guard part.error == .none, var rest = part.records?.bytes, !rest.isEmpty else {
                return values
            }
            values += try part.values()
            while !rest.isEmpty {
                let header = try RecordBatchHeader(rest)
                next = header.nextOffset
                rest = rest.dropFirst(header.totalByteCount)
            }
        }
    }

    @Test func aCompactedTopicShrinksByItself() async throws {
        let directory = try TemporaryDirectory()
        let settings = [
            "cleanup.policy": "compact", "segment.bytes": "500", "segment.ms": "50",
            "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "50",
        ]
        let change: (inout LogServerConfiguration) -> Void = {
            $0.compactionInterval = .milliseconds(20)
        }
        try await withServer(directory: directory, change) { server in
            let client = try server.client()
            _ = try client.createTopic("c", settings: settings)
            for round in 0..<40 {
                _ = try client.produce("c", 0, Self.keyed("k\(round % 4)", "v\(round)"))
            }
            await eventually("only the newest are left") {
                try Self.values(client, "c", from: 0) == ["v36", "v37", "v38", "v39"]
            }
            #expect(try client.listOffset("c", at: -1).offset == 40)
            #expect(try client.listOffset("c", at: -2).offset == 0)
        }
        try await withServer(directory: directory, change) { server in
            let client = try server.client()
            #expect(
                try Self.values(client, "c", from: 3) == ["v36", "v37", "v38", "v39"])
            #expect(try client.produce("c", 0, Self.keyed("k0", "new")).baseOffset == 40)
            await eventually("the old one goes") {
                try Self.values(client, "c", from: 0) == ["v37", "v38", "v39", "new"]
            }
        }
    }

    @Test func oldRecordsGoByThemselves() async throws {
        try await withServer({ $0.retentionCheckInterval = .milliseconds(20) }) { server in
            let client = try server.client()
            _ = try client.createTopic("t", settings: ["segment.bytes": "300"])
            for round in 0..<20 {
                _ = try client.produce("t", 0, Self.keyed("k", "v\(round)"))
            }
            #expect(try client.listOffset("t", at: -2).offset == 0)
            var config = IncrementalAlterConfigsRequest.Config()
            (config.name, config.value) = ("retention.bytes", "600")
            var resource = IncrementalAlterConfigsRequest.Resource()
            (resource.type, resource.name, resource.configs) = (2, "t", [config])
            var request = IncrementalAlterConfigsRequest()
            request.resources = [resource]
            #expect(try client.ask(request).results.map(\.error) == [.none])
            await eventually("the front has gone") {
                try client.listOffset("t", at: -2).offset > 5
            }
            #expect(try client.fetch("t", from: 0).error == .offsetOutOfRange)
            #expect(try client.fetch("t", from: 19).values() == ["v19"])
            (resource.configs[0].name, resource.configs[0].value) = ("retention.ms", "1")
            request.resources = [resource]
            _ = try client.ask(request)
            await eventually("all have gone") {
                try client.listOffset("t", at: -2).offset == 20
            }
            #expect(try client.produce("t", 0, Self.keyed("k", "next")).baseOffset == 20)
        }
    }
}
