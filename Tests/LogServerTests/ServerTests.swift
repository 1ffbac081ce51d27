// The server over real sockets: producing, fetching, asking.

import Base
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

@Suite struct ServerTests {
    // MARK: Negotiation

    @Test func versionsAreListedAsServed() async throws {
        try await withServer { server in
            let client = try server.client()
            for version in ApiVersionsRequest.versions {
                let answer = try client.ask(ApiVersionsRequest(), version: version)
                #expect(answer.error == .none)
                let listed = Dictionary(
                    uniqueKeysWithValues: answer.apis.map {
                        ($0.key, [$0.minVersion, $0.maxVersion])
                    })
                // What older clients look for before they compress, or join a group.
                #expect(listed[0] == [0, 11])
                #expect(listed[10] == [0, 6])
                #expect(listed[1] == [4, 17])
                #expect(listed[68] == nil && listed[71] == nil)
            }
        }
    }

    /// The one request that is answered in a version that is not served.
    @Test func anUnknownVersionOfTheListIsAnsweredInTheFirst() async throws {
        try await withServer { server in
            let client = try server.client()
            try client.socket.send([0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 7, 0, 1, 0x61])
            let frame = try client.receiveFrame()
            let (id, answer) = try decodeResponse(
                to: ApiVersionsRequest.self, version: 0, frame[...])
            #expect(id == 7)
            #expect(answer.error == .unsupportedVersion)
            #expect(answer.apis.contains { $0.key == 18 && $0.maxVersion == 4 })
            // The connection goes on.
            #expect(try client.ask(ApiVersionsRequest(), version: 0).error == .none)
        }
    }

    /// Every listed request in every listed version gets an answer that can be read.
    @Test func everythingListedIsServed() async throws {
        try await withServer { server in
            let client = try server.client()
            func check<Request: KafkaRequest>(_ type: Request.Type, _ request: Request) throws {
                for version in Request.versions {
                    try client.send(request, version: version)
                    _ = try client.receive(answerTo: type, version: version)
                }
            }
            var produce = ProduceRequest()
            produce.acks = 1
            try check(ProduceRequest.self, produce)
            try check(FetchRequest.self, FetchRequest())
            try check(ListOffsetsRequest.self, ListOffsetsRequest())
            var metadata = MetadataRequest()
            metadata.topics = []
            try check(MetadataRequest.self, metadata)
            try check(OffsetCommitRequest.self, OffsetCommitRequest())
            var offsets = OffsetFetchRequest()
            offsets.topics = []
            try check(OffsetFetchRequest.self, offsets)
            try check(FindCoordinatorRequest.self, FindCoordinatorRequest())
            try check(JoinGroupRequest.self, JoinGroupRequest())
            try check(HeartbeatRequest.self, HeartbeatRequest())
            try check(LeaveGroupRequest.self, LeaveGroupRequest())
            try check(SyncGroupRequest.self, SyncGroupRequest())
            try check(DescribeGroupsRequest.self, DescribeGroupsRequest())
            try check(ListGroupsRequest.self, ListGroupsRequest())
            try check(ApiVersionsRequest.self, ApiVersionsRequest())
            try check(CreateTopicsRequest.self, CreateTopicsRequest())
            try check(DeleteTopicsRequest.self, DeleteTopicsRequest())
            try check(DeleteRecordsRequest.self, DeleteRecordsRequest())
            try check(InitProducerIDRequest.self, InitProducerIDRequest())
            try check(OffsetForLeaderEpochRequest.self, OffsetForLeaderEpochRequest())
            try check(DescribeConfigsRequest.self, DescribeConfigsRequest())
            try check(CreatePartitionsRequest.self, CreatePartitionsRequest())
            try check(DeleteGroupsRequest.self, DeleteGroupsRequest())
            try check(OffsetDeleteRequest.self, OffsetDeleteRequest())
            try check(DescribeClusterRequest.self, DescribeClusterRequest())
            try check(SaslHandshakeRequest.self, SaslHandshakeRequest())
            try check(SaslAuthenticateRequest.self, SaslAuthenticateRequest())
            try check(
                DescribeUserScramCredentialsRequest.self, DescribeUserScramCredentialsRequest())
            try check(AlterUserScramCredentialsRequest.self, AlterUserScramCredentialsRequest())
            try check(AddPartitionsToTxnRequest.self, AddPartitionsToTxnRequest())
            try check(AddOffsetsToTxnRequest.self, AddOffsetsToTxnRequest())
            try check(EndTxnRequest.self, EndTxnRequest())
            try check(TxnOffsetCommitRequest.self, TxnOffsetCommitRequest())
            try check(DescribeTransactionsRequest.self, DescribeTransactionsRequest())
            try check(ListTransactionsRequest.self, ListTransactionsRequest())
            try check(AlterConfigsRequest.self, AlterConfigsRequest())
            try check(IncrementalAlterConfigsRequest.self, IncrementalAlterConfigsRequest())
            try check(DescribeLogDirsRequest.self, DescribeLogDirsRequest())
            try check(DescribeProducersRequest.self, DescribeProducersRequest())
            try check(DescribeTopicPartitionsRequest.self, DescribeTopicPartitionsRequest())
            try check(ElectLeadersRequest.self, ElectLeadersRequest())
            try check(
                ListPartitionReassignmentsRequest.self, ListPartitionReassignmentsRequest())
            try check(DescribeAclsRequest.self, DescribeAclsRequest())
            try check(CreateAclsRequest.self, CreateAclsRequest())
            try check(DeleteAclsRequest.self, DeleteAclsRequest())
            try check(DescribeClientQuotasRequest.self, DescribeClientQuotasRequest())
            #expect(ServedAPIs.all.count == 45, "a request is listed that this test leaves out")
        }
    }

    @Test func whatIsNotServedClosesTheConnection() async throws {
        try await withServer { server in
            let other = try server.client()
            let frames: [[UInt8]] = [
                [0, 0, 0, 11, 0, 68, 0, 0, 0, 0, 0, 1, 0, 1, 0x61],  // key 68
                [0, 0, 0, 11, 0, 1, 0, 99, 0, 0, 0, 1, 0, 1, 0x61],  // Fetch 99
                [0, 0, 0, 11, 0, 1, 0, 4, 0, 0, 0, 1, 0, 1, 0x61],  // Fetch without a body
                [0, 0, 0, 3, 0, 0, 0],  // too short for a header
                [0, 0, 0, 0],
                [0xFF, 0xFF, 0xFF, 0xFF],
                [0x7F, 0xFF, 0xFF, 0xFF],
                Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8),
                [UInt8](repeating: 0x16, count: 300),
            ]
            for frame in frames {
                let client = try server.client()
                try client.socket.send(frame)
                #expect(try client.socket.receiveAll().isEmpty, "\(frame.prefix(12))")
            }
            #expect(try other.ask(ApiVersionsRequest(), version: 0).error == .none)
        }
    }

    /// A request that comes byte by byte, and several that come at once.
    @Test func framesMayBeSplitAndJoined() async throws {
        try await withServer { server in
            let client = try server.client()
            let one = try encodeRequest(
                MetadataRequest(), version: 9, correlationID: 1, clientID: "a"
            ).flatMap(\.self)
            for byte in one { try client.socket.send([byte]) }
            _ = try client.receiveFrame()
            try client.socket.send((0..<50).flatMap { _ in one })
            for _ in 0..<50 { _ = try client.receiveFrame() }
        }
    }

    // MARK: Produce and fetch

    @Test(arguments: [Int16(3), 7, 9, 11])
    func recordsComeBack(version: Int16) async throws {
        try await withServer { server in
            let client = try server.client()
            let created = try client.createTopic("t")
            #expect(created.error == .none)
            #expect(
                try client.produce("t", 0, batch(["a", "b"]), version: version).baseOffset == 0)
            #expect(try client.produce("t", 0, batch(["c"]), version: version).baseOffset == 2)
            for fetchVersion in [Int16(4), 11, 12] {
                let found = try client.fetch("t", from: 0, version: fetchVersion)
                #expect(try found.values() == ["a", "b", "c"])
                #expect(found.highWatermark == 3 && found.lastStableOffset == 3)
            }
            // From version 13 on by id.
            var request = KafkaTestClient.fetchRequest("", from: 2)
            request.topics[0].topicID = created.topicID
            let byID = try client.ask(request, version: 17)
            #expect(byID.topics.first?.topicID == created.topicID)
            #expect(try byID.topics.first?.partitions.first?.values() == ["c"])
            request.topics[0].topicID.low ^= 1
            let unknown = try client.ask(request, version: 17)
            #expect(unknown.topics.first?.partitions.first?.error == .unknownTopicID)
        }
    }

    @Test func refusalsArePerPartition() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            _ = try client.createTopic("strict", settings: ["min.insync.replicas": "2"])
            _ = try client.createTopic("small", settings: ["max.message.bytes": "70"])
            var corrupt = batch(["x"])
            corrupt[corrupt.count - 1] ^= 1
            var old = batch(["x"])
            old[16] = 0
            let cases: [(String, Int32, [UInt8]?, KafkaErrorCode)] = [
                ("none", 0, batch(["x"]), .unknownTopicOrPartition),
                ("t", 1, batch(["x"]), .unknownTopicOrPartition),
                ("t", -1, batch(["x"]), .unknownTopicOrPartition),
                ("t", 0, corrupt, .corruptMessage), ("t", 0, old, .unsupportedForMessageFormat),
                ("t", 0, nil, .invalidRecord),
                ("small", 0, batch([String(repeating: "x", count: 100)]), .messageTooLarge),
                ("strict", 0, batch(["x"]), .notEnoughReplicas),
                ("__consumer_offsets", 0, batch(["x"]), .invalidTopic),
            ]
            for (topic, partition, bytes, code) in cases {
                let result = try client.produce(topic, partition, bytes)
                #expect(result.error == code, "\(topic) \(partition)")
                #expect(result.baseOffset == -1)
            }
            #expect(try client.produce("t", 0, batch(["x"]), acks: 2).error == .invalidRequiredAcks)
            #expect(
                try client.produce("t", 0, batch(["x"]), version: 2).error
                    == .unsupportedVersion)
            // One request for several partitions: the good one is stored.
            var request = KafkaTestClient.produceRequest("t", 0, batch(["good"]))
            request.topics.append(
                contentsOf: KafkaTestClient.produceRequest("none", 0, batch(["bad"])).topics)
            let both = try client.ask(request, version: 9)
            #expect(
                both.topics.map { $0.partitions.first?.error } == [
                    KafkaErrorCode.none, .unknownTopicOrPartition,
                ])
            #expect(try client.fetch("t", from: 0).values() == ["good"])
        }
    }

    @Test func withoutAcksThereIsNoAnswer() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            try client.send(
                KafkaTestClient.produceRequest("t", 0, batch(["quiet"]), acks: 0), version: 9)
            // The next answer belongs to the next request.
            let found = try client.fetch("t", from: 0, wait: 5000)
            #expect(try found.values() == ["quiet"])
            // A failure can only be told by closing.
            try client.send(
                KafkaTestClient.produceRequest("none", 0, batch(["x"]), acks: 0), version: 9)
            #expect(try client.socket.receiveAll().isEmpty)
        }
    }

    @Test func acksOneIsAnsweredToo() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            #expect(try client.produce("t", 0, batch(["x"]), acks: 1).error == .none)
            #expect(try client.fetch("t", from: 0, wait: 5000).values() == ["x"])
        }
    }

    @Test func idempotentProducersMayRepeatThemselves() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let id = try client.ask(InitProducerIDRequest()).producerID
            #expect(try client.ask(InitProducerIDRequest()).producerID != id)
            func send(_ sequence: Int32) throws -> ProduceResponse.Partition {
                try client.produce(
                    "t", 0, batch(["\(sequence)"], producer: (id, 0), sequence: sequence))
            }
            #expect(try send(0).baseOffset == 0)
            #expect(try send(1).baseOffset == 1)
            #expect(try send(0).baseOffset == 0)
            #expect(try send(1).baseOffset == 1)
            #expect(try send(3).error == .outOfOrderSequenceNumber)
            #expect(try send(2).baseOffset == 2)
            #expect(try client.fetch("t", from: 0).values() == ["0", "1", "2"])
        }
    }

    @Test func producerIDsAreNeverGivenTwice() async throws {
        let directory = try TemporaryDirectory()
        var seen: Set<Int64> = []
        for _ in 0..<3 {
            try await withServer(directory: directory) { server in
                let client = try server.client()
                for _ in 0..<5 {
                    let answer = try client.ask(InitProducerIDRequest())
                    #expect(seen.insert(answer.producerID).inserted)
                }
            }
        }
        #expect(seen.count == 15)
    }

    // MARK: Waiting

    /// A fetch at the end waits and is woken by the append, long before its time is up.
    @Test func aFetchWaitsForRecords() async throws {
        try await withServer { server in
            let (reader, writer) = (try server.client(), try server.client())
            _ = try writer.createTopic("t")
            try reader.send(
                KafkaTestClient.fetchRequest("t", from: 0, wait: 60_000), version: 12)
            #expect(try writer.produce("t", 0, batch(["now"])).error == .none)
            let answer = try reader.receive(answerTo: FetchRequest.self, version: 12)
            #expect(try answer.topics.first?.partitions.first?.values() == ["now"])
        }
    }

    @Test func aFetchWaitsForEnough() async throws {
        try await withServer { server in
            let (reader, writer) = (try server.client(), try server.client())
            _ = try writer.createTopic("t")
            let size = Int32(batch(["x"]).count)
            try reader.send(
                KafkaTestClient.fetchRequest("t", from: 0, wait: 60_000, minBytes: 3 * size),
                version: 12)
            for _ in 0..<3 { #expect(try writer.produce("t", 0, batch(["x"])).error == .none) }
            let answer = try reader.receive(answerTo: FetchRequest.self, version: 12)
            #expect(try answer.topics.first?.partitions.first?.values().count == 3)
        }
    }

    @Test func timeIsUpWithNothing() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let found = try client.fetch("t", from: 0, wait: 50)
            #expect(found.error == .none)
            #expect(found.records?.count == 0)
        }
    }

    /// Deleting the topic answers who waits on it.
    @Test func aDeletedTopicWakesReaders() async throws {
        try await withServer { server in
            let (reader, writer) = (try server.client(), try server.client())
            _ = try writer.createTopic("t")
            try reader.send(
                KafkaTestClient.fetchRequest("t", from: 0, wait: 60_000), version: 12)
            var request = DeleteTopicsRequest()
            request.names = ["t"]
            let deleted = try writer.ask(request, version: 5)
            #expect(deleted.topics.map(\.error) == [.none])
            let answer = try reader.receive(answerTo: FetchRequest.self, version: 12)
            #expect(answer.topics.first?.partitions.first?.error == .unknownTopicOrPartition)
        }
    }

    @Test func offsetsOutsideTheLogAreToldSo() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            _ = try client.produce("t", 0, batch(["x"]))
            for offset in [Int64(-1), 2, .max] {
                let found = try client.fetch("t", from: offset, wait: 60_000)
                #expect(found.error == .offsetOutOfRange)
                #expect(found.highWatermark == 1 && found.logStartOffset == 0)
            }
            var request = KafkaTestClient.fetchRequest("t", from: 0)
            request.sessionID = 5
            #expect(try client.ask(request, version: 12).error == .fetchSessionIDNotFound)
            request = KafkaTestClient.fetchRequest("t", from: 0)
            request.topics[0].partitions[0].currentLeaderEpoch = 3
            let ahead = try client.ask(request, version: 12)
            #expect(ahead.topics.first?.partitions.first?.error == .unknownLeaderEpoch)
        }
    }
}

/// Memory of requests is given back, however they end.
@Suite struct RequestMemoryTests {
    @Test func largeRequestsGiveTheirRoomBack() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", settings: ["max.message.bytes": "5000000"])
            let large = batch([String(repeating: "x", count: 1 << 20)])
            #expect(try client.produce("t", 0, large).error == .none)
            #expect(server.server.requestBytesFree == Limits.logRequestsBytesMax)
            // Given up in the middle.
            let quitter = try server.client()
            try quitter.socket.send([0, 0x20, 0, 0, 1, 2, 3])
            await eventually("the room is taken") {
                server.server.requestBytesFree < Limits.logRequestsBytesMax
            }
            quitter.socket.finishSending()
            await eventually("the room is given back") {
                server.server.requestBytesFree == Limits.logRequestsBytesMax
            }
            // Gone while it waits for records: a fetch of many partitions is a large request.
            var request = KafkaTestClient.fetchRequest("t", from: 1, wait: 60_000)
            request.topics[0].partitions = Array(
                repeating: request.topics[0].partitions[0], count: 5000)
            let waiter = try server.client()
            try waiter.send(request, version: 11)
            await eventually("the fetch waits") {
                server.server.requestBytesFree < Limits.logRequestsBytesMax
            }
            waiter.socket.finishSending()
            await eventually("the room is given back") {
                server.server.requestBytesFree == Limits.logRequestsBytesMax
            }
        }
    }

    /// Who announces much and sends little takes little: others go on.
    @Test func announcingTakesNoRoom() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", settings: ["max.message.bytes": "50000000"])
            // The largest request that there may be, of which nearly nothing comes.
            let announcers = try (0..<20).map { _ in try server.client() }
            for announcer in announcers { try announcer.socket.send([0x06, 0x40, 0, 0, 0, 1]) }
            await eventually("they have what they get") {
                server.server.requestBytesFree
                    == Limits.logRequestsBytesMax - 20 * Limits.logRequestRoomBytes
            }
            let large = batch([String(repeating: "x", count: 20 << 20)])
            #expect(try client.produce("t", 0, large).error == .none)
            for announcer in announcers { announcer.socket.finishSending() }
            await eventually("the room is given back") {
                server.server.requestBytesFree == Limits.logRequestsBytesMax
            }
        }
    }

    /// A client that asks and does not read is not read from, and harms nobody.
    @Test func whoDoesNotReadIsNotServedFurther() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            for _ in 0..<4 {
                _ = try client.produce("t", 0, batch([String(repeating: "x", count: 1_000_000)]))
            }
            let deaf = try server.client()
            for _ in 0..<100 {
                try deaf.send(
                    KafkaTestClient.fetchRequest("t", from: 0, maxBytes: 4 << 20), version: 11)
            }
            #expect(try client.produce("t", 0, batch(["on"])).error == .none)
            // One answer is under way, and counted.
            await eventually("it is counted") { server.server.unsentBytes > 0 }
            #expect(server.server.unsentBytes < 5 << 20)
            // Reading at last, all answers are there.
            for _ in 0..<100 { _ = try deaf.receiveFrame() }
            await eventually("it is taken") { server.server.unsentBytes == 0 }
        }
    }

    /// What one connection does not take is forgotten with it, and all of them have a bound.
    @Test func unsentAnswersAreBounded() async throws {
        #expect(Broker.fetchBytes(asked: 1 << 20, unsent: 0) == 1 << 20)
        #expect(Broker.fetchBytes(asked: .max, unsent: 0) == Limits.logFetchBytesMax)
        #expect(Broker.fetchBytes(asked: -1, unsent: 0) == 0)
        #expect(Broker.fetchBytes(asked: 1 << 20, unsent: Limits.logUnsentBytesMax - 5) == 5)
        #expect(Broker.fetchBytes(asked: 1 << 20, unsent: 2 * Limits.logUnsentBytesMax) == 0)
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            for _ in 0..<16 {
                _ = try client.produce("t", 0, batch([String(repeating: "x", count: 1_000_000)]))
            }
            do {
                let deaf = try server.client()
                try deaf.send(
                    KafkaTestClient.fetchRequest("t", from: 0, maxBytes: .max), version: 11)
                await eventually("it is counted") { server.server.unsentBytes > 0 }
            }
            await eventually("it is forgotten") { server.server.unsentBytes == 0 }
        }
    }

    /// Asking for one thing many times gives it once.
    @Test func repetitionsAreAnsweredOnce() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", partitions: 100)
            let names = Array(repeating: "t", count: 20_000)
            #expect(try client.metadata(names + ["none"], creates: false).topics.count == 2)
            var configs = DescribeConfigsRequest()
            configs.resources = names.map {
                var resource = DescribeConfigsRequest.Resource()
                (resource.type, resource.name) = (2, $0)
                return resource
            }
            #expect(try client.ask(configs).results.count == 1)
            var groups = DescribeGroupsRequest()
            groups.groups = names
            #expect(try client.ask(groups).groups.count == 1)
            var offsets = OffsetFetchRequest()
            offsets.groups = names.map {
                var group = OffsetFetchRequest.Group()
                group.groupID = $0
                return group
            }
            #expect(try client.ask(offsets).groups.count == 1)
        }
    }
}
