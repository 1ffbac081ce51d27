// Topics, offsets and settings over the wire, and what a restart keeps of them.

import Base
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

@Suite struct AdminTests {
    @Test func topicsAreMadeOnFirstUse() async throws {
        try await withServer({ $0.defaultPartitions = 3 }) { server in
            let client = try server.client()
            let silent = try client.metadata(["new"], creates: false)
            #expect(silent.topics.map(\.error) == [.unknownTopicOrPartition])
            let made = try #require(try client.metadata(["new"]).topics.first)
            #expect(made.error == .none)
            #expect(made.partitions.map(\.index) == [0, 1, 2])
            #expect(try client.metadata(["no/slash"]).topics.first?.error == .invalidTopic)
            let all = try client.metadata(nil)
            #expect(all.topics.map(\.name) == ["__consumer_offsets", "__transaction_state", "new"])
            #expect(all.topics.map(\.isInternal) == [true, true, false])
            #expect(all.brokers.map(\.port) == [Int32(server.port)])
            #expect(all.clusterID?.utf8.count == 22)
            #expect(try client.metadata([]).topics.isEmpty)
        }
        try await withServer({ $0.autoCreatesTopics = false }) { server in
            let found = try server.client().metadata(["new"])
            #expect(found.topics.map(\.error) == [.unknownTopicOrPartition])
        }
    }

    @Test func topicsAreMadeAsAskedOrNot() async throws {
        try await withServer { server in
            let client = try server.client()
            #expect(try client.createTopic("t", partitions: 2).partitionCount == 2)
            #expect(try client.createTopic("t").error == .topicAlreadyExists)
            #expect(try client.createTopic("d", partitions: -1).partitionCount == 4)
            #expect(try client.createTopic("..").error == .invalidTopic)
            #expect(try client.createTopic("a.b").error == .none)
            #expect(try client.createTopic("a_b").error == .invalidTopic)
            #expect(try client.createTopic("e", partitions: 0).error == .invalidPartitions)
            #expect(try client.createTopic("e", partitions: 20_000).error == .invalidPartitions)
            let wrong = [["nonsense": "1"], ["retention.ms": "x"], ["cleanup.policy": "burn"]]
            for settings in wrong {
                let answer = try client.createTopic("e", settings: settings)
                #expect(answer.error == .invalidConfig)
                #expect(answer.errorMessage?.isEmpty == false)
            }
            #expect(
                try client.metadata(["e"], creates: false).topics.first?.error
                    == .unknownTopicOrPartition)
            let made = try client.createTopic("c", settings: ["cleanup.policy": "compact"])
            let policy = made.configs?.first { $0.name == "cleanup.policy" }
            #expect(policy?.value == "compact" && policy?.source == 1)
        }
    }

    @Test func partitionsCanBeAdded() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", partitions: 1)
            func grow(_ count: Int32) throws -> KafkaErrorCode? {
                var entry = CreatePartitionsRequest.Topic()
                (entry.name, entry.count) = ("t", count)
                var request = CreatePartitionsRequest()
                request.topics = [entry]
                return try client.ask(request).topics.first?.error
            }
            #expect(try grow(1) == .invalidPartitions)
            #expect(try grow(3) == KafkaErrorCode.none)
            #expect(try client.produce("t", 2, batch(["x"])).baseOffset == 0)
            #expect(try client.metadata(["t"]).topics.first?.partitions.count == 3)
        }
    }

    @Test func offsetsAreFoundByTimeAndByName() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            for index in 1...3 {
                _ = try client.produce("t", 0, batch(["a", "b"], timestamp: Int64(index) * 100))
            }
            #expect(try client.listOffset("t", at: -1).offset == 6)
            #expect(try client.listOffset("t", at: -2).offset == 0)
            #expect(try client.listOffset("t", at: 150).offset == 2)
            #expect(try client.listOffset("t", at: 201).offset == 3)
            #expect(try client.listOffset("t", at: 201).timestamp == 201)
            #expect(try client.listOffset("t", at: 999).offset == -1)
            #expect(try client.listOffset("t", at: -3).offset == 5)
            #expect(try client.listOffset("none", at: -1).error == .unknownTopicOrPartition)
        }
    }

    @Test func recordsCanBeDeletedAtTheBeginning() async throws {
        let directory = try TemporaryDirectory()
        func delete(
            _ client: KafkaTestClient, _ topic: String, _ offset: Int64
        ) throws -> DeleteRecordsResponse.Partition? {
            var part = DeleteRecordsRequest.Partition()
            part.offset = offset
            var entry = DeleteRecordsRequest.Topic()
            (entry.name, entry.partitions) = (topic, [part])
            var request = DeleteRecordsRequest()
            request.topics = [entry]
            return try client.ask(request).topics.first?.partitions.first
        }
        try await withServer(directory: directory) { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            _ = try client.createTopic("c", settings: ["cleanup.policy": "compact"])
            for _ in 0..<4 { _ = try client.produce("t", 0, batch(["x"])) }
            #expect(try delete(client, "t", 2)?.lowWatermark == 2)
            #expect(try delete(client, "t", 9)?.error == .offsetOutOfRange)
            #expect(try delete(client, "c", 0)?.error == .policyViolation)
            #expect(try client.fetch("t", from: 1).error == .offsetOutOfRange)
            #expect(try client.listOffset("t", at: -2).offset == 2)
        }
        try await withServer(directory: directory) { server in
            let client = try server.client()
            #expect(try client.listOffset("t", at: -2).offset == 2)
            #expect(try client.fetch("t", from: 2).values().count == 2)
            #expect(try delete(client, "t", -1)?.lowWatermark == 4)
        }
    }

    @Test func settingsAreShownWithTheirOrigin() async throws {
        try await withServer({ $0.segmentBytes = 2 << 20 }) { server in
            let client = try server.client()
            _ = try client.createTopic("t", settings: ["retention.ms": "5000"])
            func describe(
                _ type: Int8, _ name: String
            ) throws -> DescribeConfigsResponse.Result? {
                var resource = DescribeConfigsRequest.Resource()
                (resource.type, resource.name) = (type, name)
                var request = DescribeConfigsRequest()
                (request.resources, request.includeSynonyms) = ([resource], true)
                return try client.ask(request).results.first
            }
            let found = try #require(try describe(2, "t"))
            let byName = Dictionary(uniqueKeysWithValues: found.configs.map { ($0.name, $0) })
            #expect(byName["retention.ms"]?.value == "5000")
            #expect(byName["retention.ms"]?.source == 1)
            #expect(byName["retention.ms"]?.synonyms.map(\.value) == ["5000", "604800000"])
            #expect(byName["segment.bytes"]?.value == "2097152")
            #expect(byName["segment.bytes"]?.source == 4)
            #expect(byName["max.message.bytes"]?.source == 5)
            #expect(try describe(2, "none")?.error == .unknownTopicOrPartition)
            #expect(try describe(4, "0")?.configs.contains { $0.name == "num.partitions" } == true)
            #expect(try describe(4, "9")?.error == .invalidRequest)
        }
    }

    /// Topics, ids, settings and records are the same after a restart; a deleted topic stays gone
    /// and its name may be used again.
    @Test func aRestartKeepsEverything() async throws {
        let directory = try TemporaryDirectory()
        var (kept, old) = (KafkaUUID.zero, KafkaUUID.zero)
        var cluster: String?
        try await withServer(directory: directory) { server in
            let client = try server.client()
            kept = try client.createTopic(
                "kept", partitions: 2, settings: ["max.message.bytes": "1000"]
            ).topicID
            old = try client.createTopic("gone").topicID
            _ = try client.produce("kept", 1, batch(["a"]))
            _ = try client.produce("gone", 0, batch(["b"]))
            var request = DeleteTopicsRequest()
            var entry = DeleteTopicsRequest.Topic()
            entry.topicID = old
            request.topics = [entry]
            let deleted = try client.ask(request)
            #expect(deleted.topics.map(\.name) == ["gone"])
            #expect(deleted.topics.map(\.error) == [.none])
            cluster = try client.metadata([]).clusterID
        }
        try await withServer(directory: directory) { server in
            let client = try server.client()
            let all = try client.metadata(nil, creates: false)
            #expect(
                all.topics.map(\.name) == ["__consumer_offsets", "__transaction_state", "kept"])
            #expect(all.topics.last?.topicID == kept)
            #expect(all.clusterID == cluster)
            #expect(try client.fetch("kept", 1, from: 0).values() == ["a"])
            let large = batch([String(repeating: "x", count: 2000)])
            #expect(try client.produce("kept", 0, large).error == .messageTooLarge)
            #expect(try client.createTopic("gone").topicID != old)
            #expect(try client.fetch("gone", from: 0).values().isEmpty)
        }
    }

    @Test func oneServerHasADirectory() async throws {
        let directory = try TemporaryDirectory()
        try await withServer(directory: directory) { _ in
            await #expect(throws: LogStorageError.self) {
                try await RunningServer(directory: directory)
            }
        }
    }

    /// A damaged record is refused, is not passed over in silence, and harms nobody else.
    @Test func aDamagedRecordIsRefused() async throws {
        let directory = try TemporaryDirectory()
        try await withServer(directory: directory, { $0.segmentBytes = 1000 }) { server in
            let client = try server.client()
            _ = try client.createTopic("t", partitions: 2)
            for _ in 0..<20 {
                _ = try client.produce("t", 0, batch([String(repeating: "x", count: 200)]))
            }
            _ = try client.produce("t", 1, batch(["fine"]))
        }
        try damageFirstSegment(under: directory.path + "/topics", topic: "t-", partition: "0")
        try await withServer(directory: directory, { $0.segmentBytes = 1000 }) { server in
            let client = try server.client()
            #expect(try client.produce("t", 0, batch(["x"])).baseOffset == 20)
            #expect(try client.fetch("t", 0, from: 0).error == .corruptMessage)
            #expect(try client.fetch("t", 0, from: 0).highWatermark == 21)
            #expect(try client.listOffset("t", at: -1).offset == 21)
            #expect(try client.fetch("t", 0, from: 20).values() == ["x"])
            #expect(try client.fetch("t", 1, from: 0).values() == ["fine"])
            #expect(try client.metadata(["t"]).topics.first?.partitions.count == 2)
        }
    }

    private func damageFirstSegment(under root: String, topic: String, partition: String) throws {
        let disk = LocalDisk()
        let name = try #require(try disk.names(in: root).first { $0.hasPrefix(topic) })
        let path = "\(root)/\(name)/\(partition)/00000000000000000000.log"
        let file = try disk.openFile(path, isNew: false)
        let byte = try file.read(1, at: 150)
        try file.write([byte[0] ^ 1], [], at: 150)
    }
}
