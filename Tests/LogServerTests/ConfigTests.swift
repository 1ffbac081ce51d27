// Changing the settings of topics over the wire: what is taken, what is refused and why, and that
// it counts at once and after a restart.

import Base
import Compression
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

extension KafkaTestClient {
    /// Changes settings of a topic; operations are the protocol's numbers.
    fileprivate func change(
        _ topic: String, _ changes: [(name: String, operation: Int8, value: String?)],
        type: Int8 = 2, isTrial: Bool = false
    ) throws -> IncrementalAlterConfigsResponse.Result? {
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.type, resource.name) = (type, topic)
        resource.configs = changes.map { change in
            var config = IncrementalAlterConfigsRequest.Config()
            (config.name, config.operation, config.value) = change
            return config
        }
        var request = IncrementalAlterConfigsRequest()
        (request.resources, request.validateOnly) = ([resource], isTrial)
        return try ask(request).results.first
    }

    /// Gives a topic all its settings anew.
    fileprivate func replace(
        _ topic: String, _ settings: [String: String]
    ) throws -> AlterConfigsResponse.Result? {
        var resource = AlterConfigsRequest.Resource()
        (resource.type, resource.name) = (2, topic)
        resource.configs = settings.map { name, value in
            var config = AlterConfigsRequest.Config()
            (config.name, config.value) = (name, value)
            return config
        }
        var request = AlterConfigsRequest()
        request.resources = [resource]
        return try ask(request).results.first
    }

    fileprivate func settings(
        of topic: String
    ) throws -> [String: DescribeConfigsResponse.Config] {
        var resource = DescribeConfigsRequest.Resource()
        (resource.type, resource.name) = (2, topic)
        var request = DescribeConfigsRequest()
        request.resources = [resource]
        (request.includeSynonyms, request.includeDocumentation) = (true, true)
        let found = try ask(request).results.first?.configs ?? []
        return Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0) })
    }
}

@Suite struct ConfigTests {
    @Test func settingsAreChangedOneByOne() async throws {
        let directory = try TemporaryDirectory()
        try await withServer(directory: directory) { server in
            let client = try server.client()
            _ = try client.createTopic("t", settings: ["retention.ms": "5000"])
            let changes: [(String, Int8, String?)] = [
                ("max.message.bytes", 0, "500"), ("retention.ms", 1, nil),
                ("cleanup.policy", 2, "compact"),
            ]
            let result = try #require(try client.change("t", changes))
            #expect(result.error == .none && result.name == "t" && result.type == 2)
            let found = try client.settings(of: "t")
            #expect(found["cleanup.policy"]?.value == "delete,compact")
            #expect(found["retention.ms"]?.value == "604800000")
            #expect(found["retention.ms"]?.source == 5)
            #expect(found["max.message.bytes"]?.source == 1)
            #expect(
                found["max.message.bytes"]?.synonyms.map(\.name)
                    == ["max.message.bytes", "message.max.bytes"])
            #expect(found.values.allSatisfy { $0.documentation?.isEmpty == false && $0.type > 0 })
            // It counts at once.
            let large = batch([String(repeating: "x", count: 600)])
            #expect(try client.produce("t", 0, large).error == .messageTooLarge)
            #expect(try client.produce("t", 0, batch(["no key"])).error == .invalidRecord)
            #expect(
                try client.change("t", [("cleanup.policy", 3, "compact")])?.error
                    == KafkaErrorCode.none)
            #expect(try client.produce("t", 0, batch(["no key"])).error == .none)
        }
        try await withServer(directory: directory) { server in
            let found = try server.client().settings(of: "t")
            #expect(found["max.message.bytes"]?.value == "500")
            #expect(found["cleanup.policy"]?.value == "delete")
        }
    }

    @Test func settingsAreReplacedTogether() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", settings: ["retention.ms": "5000"])
            #expect(try client.replace("t", ["segment.ms": "777"])?.error == KafkaErrorCode.none)
            let found = try client.settings(of: "t")
            #expect(found["retention.ms"]?.source == 5)
            #expect(found["segment.ms"]?.value == "777")
            #expect(try client.replace("t", ["nonsense": "1"])?.error == .invalidConfig)
            #expect(try client.settings(of: "t")["segment.ms"]?.value == "777")
        }
    }

    /// A change that is refused says which setting and why, and changes nothing.
    @Test func wrongChangesAreRefusedWhole() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let wrong: [(String, Int8, String?, KafkaErrorCode)] = [
                ("retention.ms", 0, "soon", .invalidConfig),
                ("retention.ms", 0, nil, .invalidConfig),
                ("retention.ms", 2, "5", .invalidConfig), ("no.such", 0, "5", .invalidConfig),
                ("cleanup.policy", 3, "delete", .invalidConfig),
                ("cleanup.policy", 0, "burn", .invalidConfig),
                ("segment.ms", 9, "1", .invalidRequest),
                ("min.compaction.lag.ms", 0, "10", .invalidConfig),
            ]
            for (name, operation, value, error) in wrong {
                let changes: [(String, Int8, String?)] = [
                    ("max.compaction.lag.ms", 0, "5"), (name, operation, value),
                ]
                let result = try client.change("t", changes)
                #expect(result?.error == error, "\(name) \(operation)")
                #expect(result?.errorMessage?.contains(name) == true, "\(name) \(operation)")
            }
            #expect(try client.settings(of: "t").values.allSatisfy { $0.source == 5 })
            let trial = try client.change("t", [("retention.ms", 0, "5")], isTrial: true)
            #expect(trial?.error == KafkaErrorCode.none)
            #expect(try client.settings(of: "t")["retention.ms"]?.source == 5)
            #expect(try client.change("none", [])?.error == .unknownTopicOrPartition)
            #expect(
                try client.change("__consumer_offsets", [("cleanup.policy", 0, "delete")])?.error
                    == .invalidRequest)
            let broker = try client.change("0", [("log.retention.ms", 0, "5")], type: 4)
            #expect(broker?.error == .invalidConfig && broker?.errorMessage != nil)
            #expect(try client.change("x", [], type: 99)?.error == .invalidRequest)
        }
    }

    /// Records without keys are found behind every codec.
    @Test(arguments: BatchCodec.allCases)
    func keysAreAskedForBehindEveryCodec(_ codec: BatchCodec) async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("c", settings: ["cleanup.policy": "compact"])
            let records = [Record(key: [1], value: [1]), Record(key: nil, value: [2])]
            let refused = try client.produce(
                "c", 0, try packed(encodeRecordBatch(records, timestamp: 1), codec))
            #expect(refused.error == .invalidRecord)
            #expect(refused.recordErrors.map(\.batchIndex) == [1])
            let fine = try packed(encodeRecordBatch([records[0]], timestamp: 1), codec)
            #expect(try client.produce("c", 0, fine).error == .none)
        }
    }

    /// A topic's codec counts, whatever the producer's: other records come out, in the same order.
    @Test(arguments: BatchCodec.allCases, ["uncompressed", "gzip", "snappy", "lz4", "zstd"])
    func batchesGetTheCodecOfTheirTopic(_ codec: BatchCodec, _ wanted: String) async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", settings: ["compression.type": wanted])
            let values = (0..<50).map { "\($0 % 3) value" }
            let sent = try packed(batch(values, producer: (id: 7, epoch: 0)), codec)
            #expect(try client.produce("t", 0, sent).baseOffset == 0)
            #expect(try client.produce("t", 0, sent).baseOffset == 0, "sent again")
            let next = try packed(batch(values, producer: (id: 7, epoch: 0), sequence: 50), codec)
            #expect(try client.produce("t", 0, next).baseOffset == 50)
            let found = try client.fetch("t", from: 0)
            let both = try #require(found.records?.bytes)
            let bytes = both.prefix(try RecordBatchHeader(both).totalByteCount)
            let header = try RecordBatchHeader.validated(bytes)
            #expect(try header.codec() == TopicSettings.codecs[wanted])
            #expect(header.producerID == 7 && header.baseTimestamp == 1000)
            let content = try bytes.recordContent(header)
            let original = try RecordBatchHeader(sent[...])
            #expect(Array(content) == Array(try sent[...].recordContent(original)))
            #expect(found.highWatermark == 100)
        }
    }

    /// What cannot be opened is refused, and what becomes too large.
    @Test func batchesThatCannotGetTheCodecAreRefused() async throws {
        try await withServer { server in
            let client = try server.client()
            let settings = ["compression.type": "uncompressed", "max.message.bytes": "2000"]
            _ = try client.createTopic("t", settings: settings)
            let large = try packed(batch([String(repeating: "x", count: 5000)]), .zstd)
            #expect(large.count < 2000)
            #expect(try client.produce("t", 0, large).error == .messageTooLarge)
            var header = try RecordBatchHeader(batch(["x"])[...])
            header.attributes = 4
            let garbage = [UInt8](batch(["x"]).dropFirst(RecordBatchHeader.byteCount))
            #expect(
                try client.produce("t", 0, sealedBatch(header, records: garbage)).error
                    == .corruptMessage)
            let wrong = try client.createTopic("u", settings: ["compression.type": "brotli"])
            #expect(wrong.error == .invalidConfig)
            #expect(wrong.errorMessage?.contains("compression.type: 'brotli'") == true)
        }
    }

    /// Offsets by time are those of the record, not of its batch.
    @Test(arguments: BatchCodec.allCases)
    func offsetsByTimeAreFoundBehindEveryCodec(_ codec: BatchCodec) async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let bytes = batch(["a", "b", "c"], timestamp: 100)
            _ = try client.produce("t", 0, try packed(bytes, codec))
            #expect(try client.listOffset("t", at: 101).offset == 1)
            #expect(try client.listOffset("t", at: 102).timestamp == 102)
            #expect(try client.listOffset("t", at: -3).offset == 2)
        }
    }
}
