// What tools ask besides: sizes of partitions, idempotent producers, topics page by page, and what
// a single node answers about its replicas.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Synchronization

extension Broker {
    // MARK: DescribeLogDirs

    func describeLogDirs(
        _ request: DescribeLogDirsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeLogDirsResponse>
    ) {
        run(on: readers, reply) { [self] in describeLogDirs(request) }
    }

    private func describeLogDirs(_ request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
        var directory = DescribeLogDirsResponse.Result()
        directory.directory = configuration.directory
        if let room = DiskRoom(of: configuration.directory) {
            (directory.totalBytes, directory.usableBytes) = (room.totalBytes, room.usableBytes)
        }
        let asked = request.topics.map { entries in
            Dictionary(entries.map { ($0.name, Set($0.partitions)) }) { $0.union($1) }
        }
        let found = asked.map { $0.keys.sorted().compactMap(topics.topic(named:)) } ?? topics.all
        directory.topics = found.map { topic in
            let wanted = asked?[topic.name]
            var result = DescribeLogDirsResponse.Topic()
            result.name = topic.name
            result.partitions = topic.partitions.compactMap { partition in
                guard wanted?.contains(partition.index) ?? true, let log = partition.log else {
                    return nil
                }
                var size = DescribeLogDirsResponse.Partition()
                size.index = partition.index
                size.byteCount = Int64(log.byteCount)
                return size
            }
            return result
        }
        var response = DescribeLogDirsResponse()
        response.results = [directory]
        return response
    }

    // MARK: DescribeProducers

    func describeProducers(
        _ request: DescribeProducersRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeProducersResponse>
    ) {
        var response = DescribeProducersResponse()
        response.topics = unique(request.topics, by: \.name).map { entry in
            var topic = DescribeProducersResponse.Topic()
            topic.name = entry.name
            topic.partitions = unique(entry.partitions, by: \.self).map {
                producers(of: entry.name, $0)
            }
            return topic
        }
        reply(.response(response))
    }

    private func producers(
        of topic: String, _ index: Int32
    ) -> DescribeProducersResponse.Partition {
        var result = DescribeProducersResponse.Partition()
        result.index = index
        guard let partition = topics.partition(topic, index) else {
            result.error = .unknownTopicOrPartition
            return result
        }
        guard let log = partition.log else {
            result.error = .storageError
            return result
        }
        result.producers = log.producers.withLock { $0.described }
        return result
    }

    // MARK: DescribeTopicPartitions

    /// Partitions of one page: Kafka's own bound.
    private static let pagePartitionsMax = 2000

    func describeTopicPartitions(
        _ request: DescribeTopicPartitionsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeTopicPartitionsResponse>
    ) {
        let names =
            request.topics.isEmpty
            ? topics.all.map(\.name) : Set(request.topics.map(\.name)).sorted()
        let first = request.cursor
        var room = min(max(Int(request.partitionLimit), 1), Self.pagePartitionsMax)
        var response = DescribeTopicPartitionsResponse()
        for name in names where name >= first?.topic ?? "" {
            let start = name == first?.topic ? Int(max(first?.partition ?? 0, 0)) : 0
            let topic = topics.topic(named: name)
            guard room > 0 else {
                response.nextCursor = Self.cursor(name, start)
                break
            }
            let page = Array((topic?.partitions ?? []).dropFirst(start).prefix(room))
            room -= max(page.count, 1)
            response.topics.append(describe(name, topic, page))
            if let topic, start + page.count < topic.partitions.count {
                response.nextCursor = Self.cursor(name, start + page.count)
                break
            }
        }
        reply(.response(response))
    }

    private static func cursor(
        _ topic: String, _ partition: Int
    ) -> DescribeTopicPartitionsRequest.Cursor {
        var cursor = DescribeTopicPartitionsRequest.Cursor()
        (cursor.topic, cursor.partition) = (topic, Int32(clamping: partition))
        return cursor
    }

    private func describe(
        _ name: String, _ topic: Topic?, _ page: [Partition]
    ) -> DescribeTopicPartitionsResponse.Topic {
        var result = DescribeTopicPartitionsResponse.Topic()
        result.name = name
        guard let topic else {
            result.error = Topic.isValid(name: name) ? .unknownTopicOrPartition : .invalidTopic
            return result
        }
        result.topicID = topic.id
        result.isInternal = topic.isInternal
        result.authorizedOperations = AllowedOperations.topic
        result.partitions = page.map { partition in
            var entry = DescribeTopicPartitionsResponse.Partition()
            entry.index = partition.index
            entry.leaderID = nodeID
            entry.leaderEpoch = partition.log?.leaderEpoch ?? 0
            entry.replicaNodes = [nodeID]
            entry.inSyncReplicaNodes = [nodeID]
            return entry
        }
        return result
    }

    // MARK: Replicas

    func electLeaders(
        _ request: ElectLeadersRequest, _ context: RequestContext,
        _ reply: @escaping Reply<ElectLeadersResponse>
    ) {
        var response = ElectLeadersResponse()
        // Asked for all partitions, only those that had an election would be listed.
        response.topics = (request.topics ?? []).map { entry in
            var topic = ElectLeadersResponse.Topic()
            topic.name = entry.name
            topic.partitions = entry.partitions.map { index in
                var result = ElectLeadersResponse.Partition()
                result.index = index
                let isThere = topics.hasPartition(topic: entry.name, partition: index)
                result.error = isThere ? .electionNotNeeded : .unknownTopicOrPartition
                result.errorMessage = result.error.text
                return result
            }
            return topic
        }
        reply(.response(response))
    }

    func listReassignments(
        _ request: ListPartitionReassignmentsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<ListPartitionReassignmentsResponse>
    ) {
        // There is no other node that a partition could move to.
        reply(.response(ListPartitionReassignmentsResponse()))
    }
}

extension ProducerStates {
    /// The producers as clients are told.
    fileprivate var described: [DescribeProducersResponse.Producer] {
        known.map { id, epoch, last in
            var producer = DescribeProducersResponse.Producer()
            producer.producerID = id
            producer.epoch = Int32(epoch)
            producer.lastSequence = last?.lastSequence ?? -1
            producer.lastTimestamp = last?.timestamp ?? -1
            producer.coordinatorEpoch = -1
            producer.transactionStart = transactions.open[id]?.firstOffset ?? -1
            return producer
        }
    }
}
