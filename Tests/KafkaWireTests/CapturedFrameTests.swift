// What five clients really send is read as they meant it, and written again as the same bytes.

import KafkaWire
import Testing

@Suite struct CapturedFrameTests {
    private static let clients = ["aiokafka", "confluent", "java", "kafka_python", "kcat"]

    @Test func everyClientIsThere() {
        #expect(Set(CapturedFrame.all.map(\.client)) == Set(Self.clients))
        #expect(CapturedFrame.all.count > 100)
    }

    @Test(arguments: CapturedFrame.all) func isWrittenAsItWasRead(_ frame: CapturedFrame) throws {
        let header = try RequestFrame(frame.content[...]).header
        #expect(header.key == frame.key && header.version == frame.version)
        // A key that this target does not describe is another part's.
        guard let kind = MessageKind.all.first(where: { $0.key == frame.key }) else { return }
        let again = try kind.rewritten(frame.content[...])
        // librdkafka leaves up to three bytes behind some bodies.
        let rest = frame.content.count - again.count
        #expect((0...(frame.client == "confluent" || frame.client == "kcat" ? 3 : 0)) ~= rest)
        #expect(hex(again) == hex(frame.content.prefix(again.count)))
    }

    @Test func clientsNameThemselves() throws {
        let read = { try CapturedFrame.read(ApiVersionsRequest.self, from: $0) }
        #expect(try read("kcat").clientSoftwareName == "librdkafka")
        #expect(try read("kcat").clientSoftwareVersion == "2.0.2")
        #expect(try read("confluent").clientSoftwareName == "confluent-kafka-python")
        #expect(try read("kafka_python").clientSoftwareName == "kafka-python")
        #expect(try read("kafka_python").clientSoftwareVersion == "3.0.12")
        #expect(try read("java").clientSoftwareName == "apache-kafka-java")
        #expect(try read("java").clientSoftwareVersion == "3.9.2")
        // In version 0 there is no room for a name.
        #expect(try read("aiokafka").clientSoftwareName == "")
    }

    @Test(arguments: clients) func producersAskForAllAcks(_ client: String) throws {
        let request = try CapturedFrame.read(ProduceRequest.self, from: client)
        #expect(request.acks == -1)
        // Of Java the one within a transaction was kept.
        #expect(request.transactionalID == (client == "java" ? "id" : nil))
        let partition = try #require(request.topics.first?.partitions.first)
        let header = try RecordBatchHeader.validated(try #require(partition.records).bytes)
        #expect(header.recordCount > 0 && header.lastOffsetDelta == header.recordCount - 1)
    }

    @Test(arguments: clients) func consumersFetchWithTheUsualLimits(_ client: String) throws {
        let request = try CapturedFrame.read(FetchRequest.self, from: client)
        #expect(request.maxWaitMilliseconds <= 500)
        #expect(request.minBytes == 1)
        #expect(request.maxBytes == 50 << 20)
        #expect(request.topics.flatMap(\.partitions).allSatisfy { $0.maxBytes == 1 << 20 })
    }

    @Test(arguments: clients) func membersJoin(_ client: String) throws {
        let request = try CapturedFrame.read(JoinGroupRequest.self, from: client)
        #expect(request.groupID == "g")
        #expect(request.protocolType == "consumer")
        #expect(!request.protocols.isEmpty)
        let sync = try CapturedFrame.read(SyncGroupRequest.self, from: client)
        #expect(sync.groupID == "g" && sync.generationID > 0 && !sync.memberID.isEmpty)
        let beat = try CapturedFrame.read(HeartbeatRequest.self, from: client)
        #expect(beat.groupID == "g" && beat.generationID > 0 && !beat.memberID.isEmpty)
        let search = try CapturedFrame.read(FindCoordinatorRequest.self, from: client)
        #expect(search.keyType == (client == "java" ? 1 : 0))
    }

    @Test(arguments: ["aiokafka", "confluent", "kafka_python"])
    func administratorsSayWhatTheyWant(_ client: String) throws {
        let create = try CapturedFrame.read(CreateTopicsRequest.self, from: client)
        let topic = try #require(create.topics.first)
        #expect(topic.partitionCount > 0 && topic.replicationFactor == 1)
        let delete = try CapturedFrame.read(DeleteTopicsRequest.self, from: client)
        #expect(delete.names + delete.topics.compactMap(\.name) == ["t"])
        let records = try CapturedFrame.read(DeleteRecordsRequest.self, from: client)
        #expect(records.topics.first?.partitions.first?.offset == 40)
        let configs = try CapturedFrame.read(DescribeConfigsRequest.self, from: client)
        #expect(configs.resources.first?.name == "t")
        let grow = try CapturedFrame.read(CreatePartitionsRequest.self, from: client)
        #expect(grow.topics.first?.name == "t")
    }

    @Test(arguments: ["aiokafka", "confluent", "kafka_python"])
    func idempotentProducersWantAnID(_ client: String) throws {
        let request = try CapturedFrame.read(InitProducerIDRequest.self, from: client)
        #expect(request.transactionalID == nil)
    }

    /// A topic by its id, with an empty name beside it; and the requests that no other client sends.
    @Test func javaAsksInItsOwnWay() throws {
        let metadata = CapturedFrame.all.filter { $0.client == "java" && $0.key == .metadata }
        let topics = try metadata.compactMap {
            try RequestFrame($0.content[...]).body(MetadataRequest.self).topics?.first
        }
        #expect(topics.contains { $0.topicID != .zero && $0.name == "" })
        let election = try CapturedFrame.read(ElectLeadersRequest.self, from: "java")
        #expect(election.topics?.map(\.name) == ["t"])
        let producers = try CapturedFrame.read(DescribeProducersRequest.self, from: "java")
        #expect(producers.topics.first?.partitions == [0])
        let transactions = try CapturedFrame.read(DescribeTransactionsRequest.self, from: "java")
        #expect(transactions.transactionalIDs == ["id"])
        let commit = try CapturedFrame.read(TxnOffsetCommitRequest.self, from: "java")
        #expect(commit.groupID == "g" && commit.transactionalID == "id")
    }
}
