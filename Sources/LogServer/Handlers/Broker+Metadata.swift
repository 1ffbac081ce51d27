// Metadata, DescribeCluster and FindCoordinator: which topics there are, and that it is us.

internal import Base
internal import EventLoop
internal import KafkaWire

/// Operations that a client may do, as bits; without access control everybody may do everything.
enum AllowedOperations {
    /// read, write, create, delete, alter, describe, describe configs, alter configs
    static let topic: Int32 = 0xDF8
    /// create, alter, describe, cluster action, describe and alter configs, idempotent write
    static let cluster: Int32 = 0x1FA0
}

extension Broker {
    func metadata(
        _ request: MetadataRequest, _ context: RequestContext,
        _ reply: @escaping Reply<MetadataResponse>
    ) {
        let mayCreate = request.allowAutoTopicCreation && configuration.autoCreatesTopics
        let missing = (request.topics ?? []).compactMap(\.wantedName).filter {
            Topic.isValid(name: $0) && topics.topic(named: $0) == nil
        }
        guard mayCreate, !missing.isEmpty else {
            return reply(.response(metadata(request, context)))
        }
        run(on: control, reply) { [self] in
            for name in Set(missing).sorted() where topics.topic(named: name) == nil {
                // Why it could not be made shows in the answer: the topic is unknown.
                _ = try? topics.create(name, partitions: configuration.defaultPartitions)
            }
            return metadata(request, context)
        }
    }

    private func metadata(
        _ request: MetadataRequest, _ context: RequestContext
    ) -> MetadataResponse {
        let address = context.advertised
        var response = MetadataResponse()
        var broker = MetadataResponse.Broker()
        broker.nodeID = nodeID
        broker.host = address.host
        broker.port = Int32(address.port)
        response.brokers = [broker]
        response.clusterID = identity.clusterID
        response.controllerID = nodeID
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AllowedOperations.cluster
        }
        // In version 0 an empty list asks for all topics, later on for none.
        if let entries = request.topics, context.version > 0 || !entries.isEmpty {
            // Each once: a small request that repeats a large topic would ask for gigabytes.
            response.topics = unique(entries) { Named(name: $0.name, id: $0.topicID) }
                .map { describe($0, version: context.version) }
        } else {
            response.topics = topics.all.map { describe($0) }
        }
        if request.includeTopicAuthorizedOperations {
            for index in response.topics.indices where response.topics[index].error == .none {
                response.topics[index].authorizedOperations = AllowedOperations.topic
            }
        }
        return response
    }

    private struct Named: Hashable {
        var name: String?
        var id: KafkaUUID
    }

    private func describe(
        _ entry: MetadataRequest.Topic, version: Int16
    ) -> MetadataResponse.Topic {
        var unknown = MetadataResponse.Topic()
        // Before version 12 an answer without a name cannot be written.
        unknown.name = entry.wantedName ?? (version < 12 ? "" : nil)
        unknown.topicID = entry.topicID
        guard let name = entry.wantedName else {
            if let topic = topics.topic(id: entry.topicID) { return describe(topic) }
            unknown.error = .unknownTopicID
            return unknown
        }
        if let topic = topics.topic(named: name) { return describe(topic) }
        unknown.error = Topic.isValid(name: name) ? .unknownTopicOrPartition : .invalidTopic
        return unknown
    }

    private func describe(_ topic: Topic) -> MetadataResponse.Topic {
        var result = MetadataResponse.Topic()
        result.name = topic.name
        result.topicID = topic.id
        result.isInternal = topic.isInternal
        // A damaged partition keeps its leader, so that clients come and are told.
        result.partitions = topic.partitions.map { partition in
            var entry = MetadataResponse.Partition()
            entry.index = partition.index
            entry.leaderID = nodeID
            entry.leaderEpoch = partition.log?.leaderEpoch ?? 0
            entry.replicaNodes = [nodeID]
            entry.inSyncReplicaNodes = [nodeID]
            return entry
        }
        return result
    }

    func describeCluster(
        _ request: DescribeClusterRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeClusterResponse>
    ) {
        var response = DescribeClusterResponse()
        guard request.endpointType == 1 else {
            response.error = .invalidRequest
            response.errorMessage = "only endpoints of brokers are known"
            return reply(.response(response))
        }
        let address = context.advertised
        var broker = DescribeClusterResponse.Broker()
        broker.nodeID = nodeID
        broker.host = address.host
        broker.port = Int32(address.port)
        response.brokers = [broker]
        response.clusterID = identity.clusterID
        response.controllerID = nodeID
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AllowedOperations.cluster
        }
        reply(.response(response))
    }

    func findCoordinator(
        _ request: FindCoordinatorRequest, _ context: RequestContext,
        _ reply: @escaping Reply<FindCoordinatorResponse>
    ) {
        var response = FindCoordinatorResponse()
        let keys = context.version >= 4 ? request.keys : [request.key]
        response.coordinators = keys.map {
            coordinator(of: $0, type: request.keyType, at: context.advertised)
        }
        if context.version < 4, let only = response.coordinators.first {
            response.error = only.error
            response.errorMessage = only.errorMessage
            response.nodeID = only.nodeID
            response.host = only.host
            response.port = only.port
        }
        reply(.response(response))
    }

    private func coordinator(
        of key: String, type: Int8, at address: HostPort
    ) -> FindCoordinatorResponse.Coordinator {
        var result = FindCoordinatorResponse.Coordinator()
        result.key = key
        result.nodeID = -1
        result.port = -1
        guard type == 0 || type == 1 else {
            result.error = .invalidRequest
            result.errorMessage = "only groups and transactions have a coordinator"
            return result
        }
        if let damage = type == 0 ? groupsDamage : transactionsDamage {
            result.error = .coordinatorNotAvailable
            result.errorMessage = damage
            return result
        }
        result.nodeID = nodeID
        result.host = address.host
        result.port = Int32(address.port)
        return result
    }
}

extension MetadataRequest.Topic {
    /// The name that is asked for; nil when it is the id: Java sends an empty name beside it.
    fileprivate var wantedName: String? { topicID == .zero ? name : nil }
}
