// The requests of tools: sizes, producers, pages of topics, replicas, access lists, quotas.

import Base
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

@Suite struct AdminToolTests {
    @Test func sizesOfPartitionsAreTold() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t", partitions: 2)
            let bytes = batch(["abc"])
            _ = try client.produce("t", 1, bytes)
            let all = try #require(try client.ask(DescribeLogDirsRequest()).results.first)
            #expect(all.directory == server.directory.path)
            #expect(all.topics.map(\.name) == ["__consumer_offsets", "__transaction_state", "t"])
            #expect(all.topics.last?.partitions.map(\.byteCount) == [0, Int64(bytes.count)])
            #expect(0 < all.usableBytes && all.usableBytes <= all.totalBytes)
            var entry = DescribeLogDirsRequest.Topic()
            (entry.name, entry.partitions) = ("t", [1, 9])
            var request = DescribeLogDirsRequest()
            request.topics = [entry]
            let some = try client.ask(request, version: 1).results.first
            #expect(some?.topics.map { $0.partitions.map(\.index) } == [[1]])
        }
    }

    @Test func producersAreTold() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            let bytes = batch(["a", "b"], producer: (id: 77, epoch: 3))
            _ = try client.produce("t", 0, bytes)
            var entry = DescribeProducersRequest.Topic()
            (entry.name, entry.partitions) = ("t", [0, 5])
            var request = DescribeProducersRequest()
            request.topics = [entry]
            let found = try #require(try client.ask(request).topics.first?.partitions)
            #expect(found.map(\.error) == [.none, .unknownTopicOrPartition])
            let producer = try #require(found.first?.producers.first)
            #expect(producer.producerID == 77 && producer.epoch == 3)
            #expect(producer.lastSequence == 1 && producer.transactionStart == -1)
        }
    }

    /// Where an open transaction began, so that tools find one that hangs.
    @Test func openTransactionsAreTold() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            _ = try client.produce("t", 0, batch(["before"]))
            let producer = try await client.becomeProducer("id")
            #expect(try client.addPartitions([0], of: "t", to: "id", by: producer) == [.none])
            func start() throws -> Int64? {
                var entry = DescribeProducersRequest.Topic()
                (entry.name, entry.partitions) = ("t", [0])
                var request = DescribeProducersRequest()
                request.topics = [entry]
                let found = try client.ask(request).topics.first?.partitions.first?.producers
                return found?.first { $0.producerID == producer.id }?.transactionStart
            }
            #expect(try client.write("v", to: "t", by: producer, sequence: 0) == .none)
            #expect(try client.write("w", to: "t", by: producer, sequence: 1) == .none)
            #expect(try start() == 1)
            #expect(try client.endTransaction("id", by: producer, isCommit: true) == .none)
            #expect(try start() == -1)
        }
    }

    /// An id counts, whatever name stands beside it: null, or empty as Java sends it.
    @Test(arguments: [Int16(10), 11, 12], [nil, ""])
    func topicsAreFoundByID(_ version: Int16, _ name: String?) async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            var wanted = MetadataRequest.Topic()
            wanted.topicID = try #require(try client.metadata(["t"]).topics.first?.topicID)
            var other = MetadataRequest.Topic()
            other.topicID = KafkaUUID(high: 1, low: 2)
            (wanted.name, other.name) = (name, name)
            var request = MetadataRequest()
            request.topics = [wanted, other]
            let found = try client.ask(request, version: version).topics
            #expect(found.map(\.error) == [.none, .unknownTopicID])
            #expect(found.first?.name == "t")
            #expect(found.last?.topicID == other.topicID)
            #expect(found.last?.name == (version < 12 ? "" : nil))
        }
    }

    @Test func topicsComeInPages() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("a", partitions: 3)
            _ = try client.createTopic("b", partitions: 2)
            var request = DescribeTopicPartitionsRequest()
            request.partitionLimit = 2
            var seen: [String] = []
            for _ in 0..<10 {
                let page = try client.ask(request)
                for topic in page.topics {
                    seen += topic.partitions.map { "\(topic.name ?? "")-\($0.index)" }
                    #expect(topic.error == .none)
                }
                request.cursor = page.nextCursor
                if page.nextCursor == nil { break }
            }
            #expect(
                seen == [
                    "__consumer_offsets-0", "__transaction_state-0", "a-0", "a-1", "a-2", "b-0",
                    "b-1",
                ])
            request = DescribeTopicPartitionsRequest()
            request.topics = ["none", "b"].map { name in
                var topic = DescribeTopicPartitionsRequest.Topic()
                topic.name = name
                return topic
            }
            let named = try client.ask(request)
            #expect(named.topics.map(\.name) == ["b", "none"])
            #expect(named.topics.map(\.error) == [.none, .unknownTopicOrPartition])
            #expect(named.nextCursor == nil)
        }
    }

    @Test func aSingleNodeSaysSo() async throws {
        try await withServer { server in
            let client = try server.client()
            _ = try client.createTopic("t")
            var entry = ElectLeadersRequest.Topic()
            (entry.name, entry.partitions) = ("t", [0, 1])
            var election = ElectLeadersRequest()
            election.topics = [entry]
            #expect(
                try client.ask(election).topics.first?.partitions.map(\.error)
                    == [.electionNotNeeded, .unknownTopicOrPartition])
            let moves = try client.ask(ListPartitionReassignmentsRequest())
            #expect(moves.error == .none && moves.topics.isEmpty)
            #expect(try client.ask(DescribeAclsRequest()).error == .securityDisabled)
            var creation = CreateAclsRequest()
            creation.rules = [CreateAclsRequest.Rule()]
            #expect(try client.ask(creation).results.map(\.error) == [.securityDisabled])
            var deletion = DeleteAclsRequest()
            deletion.filters = [DeleteAclsRequest.Filter()]
            #expect(try client.ask(deletion).results.map(\.error) == [.securityDisabled])
            let quotas = try client.ask(DescribeClientQuotasRequest())
            #expect(quotas.error == .none && quotas.entries?.isEmpty == true)
        }
    }
}
