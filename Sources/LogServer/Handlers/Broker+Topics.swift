// CreateTopics, DeleteTopics and CreatePartitions.

internal import Base
internal import EventLoop
internal import KafkaWire

extension Broker {
    // MARK: CreateTopics

    func createTopics(
        _ request: CreateTopicsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<CreateTopicsResponse>
    ) {
        run(on: control, reply) { [self] in
            let counts = request.topics.reduce(into: [:]) { $0[$1.name, default: 0] += 1 }
            var response = CreateTopicsResponse()
            response.topics = request.topics.map { entry in
                var result = CreateTopicsResponse.Topic()
                result.name = entry.name
                do throws(TopicError) {
                    guard counts[entry.name] == 1 else {
                        throw TopicError(.invalidRequest, "the topic is named twice")
                    }
                    let record = try create(entry, isTrial: request.validateOnly)
                    result.topicID = request.validateOnly ? .zero : record.id
                    result.partitionCount = Int32(record.partitionCount)
                    result.replicationFactor = 1
                    result.configs = configs(of: record.settings)
                } catch {
                    result.error = error.code
                    result.errorMessage = error.message
                }
                return result
            }
            return response
        }
    }

    private func create(
        _ entry: CreateTopicsRequest.Topic, isTrial: Bool
    ) throws(TopicError) -> TopicRecord {
        var settings = TopicSettings()
        for config in entry.configs { try settings.set(config.name, to: config.value) }
        try settings.check(topicDefaults)
        return try topics.create(
            entry.name, partitions: try partitionCount(entry), settings: settings,
            isTrial: isTrial)
    }

    private func partitionCount(
        _ entry: CreateTopicsRequest.Topic
    ) throws(TopicError) -> Int {
        if entry.assignments.isEmpty {
            // There is one node: any wish for replicas is met with the one copy there can be.
            guard entry.replicationFactor == -1 || entry.replicationFactor > 0 else {
                throw TopicError(.invalidReplicationFactor)
            }
            guard entry.partitionCount == -1 || entry.partitionCount > 0 else {
                throw TopicError(.invalidPartitions)
            }
            return entry.partitionCount == -1
                ? configuration.defaultPartitions : Int(entry.partitionCount)
        }
        guard entry.partitionCount == -1, entry.replicationFactor == -1 else {
            throw TopicError(.invalidRequest, "both numbers and an assignment were given")
        }
        let indexes = entry.assignments.map(\.index).sorted()
        guard indexes == (0..<Int32(indexes.count)).map(\.self),
            entry.assignments.allSatisfy({ $0.brokerIDs == [nodeID] })
        else {
            throw TopicError(.invalidReplicaAssignment, "node \(nodeID) has every partition")
        }
        return indexes.count
    }

    private func configs(of settings: TopicSettings) -> [CreateTopicsResponse.Config] {
        TopicSettings.definitions.map { definition in
            var config = CreateTopicsResponse.Config()
            config.name = definition.name
            config.value = settings.value(definition.name, topicDefaults)
            config.source = source(of: definition.name, in: settings).rawValue
            return config
        }
    }

    // MARK: DeleteTopics

    func deleteTopics(
        _ request: DeleteTopicsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DeleteTopicsResponse>
    ) {
        var entries = request.topics
        for name in request.names {
            var entry = DeleteTopicsRequest.Topic()
            entry.name = name
            entries.append(entry)
        }
        let all = entries
        run(on: control, reply) { [self] in
            var response = DeleteTopicsResponse()
            response.topics = all.map { delete($0) }
            return response
        }
    }

    private func delete(_ entry: DeleteTopicsRequest.Topic) -> DeleteTopicsResponse.Topic {
        var result = DeleteTopicsResponse.Topic()
        result.name = entry.name
        result.topicID = entry.topicID
        do throws(TopicError) {
            let found =
                entry.name.map { topics.topic(named: $0) } ?? topics.topic(id: entry.topicID)
            guard let topic = found else {
                throw TopicError(
                    entry.name == nil ? .unknownTopicID : .unknownTopicOrPartition)
            }
            result.name = topic.name
            result.topicID = topic.id
            try topics.delete(topic)
            groups.topicDeleted(topic.name)
        } catch {
            result.error = error.code
            result.errorMessage = error.message
        }
        return result
    }

    // MARK: CreatePartitions

    func createPartitions(
        _ request: CreatePartitionsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<CreatePartitionsResponse>
    ) {
        run(on: control, reply) { [self] in
            var response = CreatePartitionsResponse()
            response.topics = request.topics.map { entry in
                var result = CreatePartitionsResponse.Topic()
                result.name = entry.name
                do throws(TopicError) {
                    try grow(entry, isTrial: request.validateOnly)
                } catch {
                    result.error = error.code
                    result.errorMessage = error.message
                }
                return result
            }
            return response
        }
    }

    private func grow(
        _ entry: CreatePartitionsRequest.Topic, isTrial: Bool
    ) throws(TopicError) {
        guard let topic = topics.topic(named: entry.name) else {
            throw TopicError(.unknownTopicOrPartition)
        }
        guard !topic.isInternal else {
            throw TopicError(.invalidPartitions, "'\(topic.name)' belongs to the server")
        }
        if let assignments = entry.assignments {
            guard assignments.count == Int(entry.count) - topic.partitions.count,
                assignments.allSatisfy({ $0.brokerIDs == [nodeID] })
            else {
                throw TopicError(.invalidReplicaAssignment, "node \(nodeID) has every partition")
            }
        }
        try topics.grow(topic, to: Int(entry.count), isTrial: isTrial)
    }
}
