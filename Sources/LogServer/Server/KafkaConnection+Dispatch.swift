// From a request's key to its handler.

internal import KafkaWire
internal import Logging

extension KafkaConnection {
    /// Gives a request to its handler. Throws when it cannot be read or is not served; the
    /// connection is then closed, as Kafka does.
    func dispatch(_ frame: RequestFrame) throws {
        switch frame.header.key {
        case .produce: try answer(frame, ProduceRequest.self, broker.produce)
        case .fetch: try answer(frame, FetchRequest.self, broker.fetch)
        case .listOffsets: try answer(frame, ListOffsetsRequest.self, broker.listOffsets)
        case .metadata: try answer(frame, MetadataRequest.self, broker.metadata)
        case .findCoordinator:
            try answer(frame, FindCoordinatorRequest.self, broker.findCoordinator)
        case .apiVersions: try answerVersions(frame)
        case .createTopics: try answer(frame, CreateTopicsRequest.self, broker.createTopics)
        case .deleteTopics: try answer(frame, DeleteTopicsRequest.self, broker.deleteTopics)
        case .deleteRecords: try answer(frame, DeleteRecordsRequest.self, broker.deleteRecords)
        case .initProducerID: try answer(frame, InitProducerIDRequest.self, broker.initProducerID)
        case .offsetForLeaderEpoch:
            try answer(frame, OffsetForLeaderEpochRequest.self, broker.offsetForLeaderEpoch)
        case .describeConfigs:
            try answer(frame, DescribeConfigsRequest.self, broker.describeConfigs)
        case .createPartitions:
            try answer(frame, CreatePartitionsRequest.self, broker.createPartitions)
        case .describeCluster:
            try answer(frame, DescribeClusterRequest.self, broker.describeCluster)
        default: try dispatchToGroups(frame)
        }
    }

    private func dispatchToGroups(_ frame: RequestFrame) throws {
        let groups = broker.groups
        switch frame.header.key {
        case .joinGroup: try coordinate(frame, JoinGroupRequest.self, groups.join)
        case .syncGroup: try coordinate(frame, SyncGroupRequest.self, groups.sync)
        case .heartbeat: try coordinate(frame, HeartbeatRequest.self, groups.heartbeat)
        case .leaveGroup: try coordinate(frame, LeaveGroupRequest.self, groups.leave)
        case .offsetCommit: try coordinate(frame, OffsetCommitRequest.self, groups.commit)
        case .offsetFetch: try coordinate(frame, OffsetFetchRequest.self, groups.fetchOffsets)
        case .offsetDelete: try coordinate(frame, OffsetDeleteRequest.self, groups.deleteOffsets)
        case .describeGroups: try coordinate(frame, DescribeGroupsRequest.self, groups.describe)
        case .listGroups: try coordinate(frame, ListGroupsRequest.self, groups.list)
        case .deleteGroups: try coordinate(frame, DeleteGroupsRequest.self, groups.delete)
        default: throw UnservedRequest(key: frame.header.key)
        }
    }

    private typealias Coordination<Request: KafkaRequest> = (
        Request, Int16, GroupClient, @escaping GroupCoordinator.Reply<Request.Response>
    ) -> Void

    private func coordinate<Request: KafkaRequest>(
        _ frame: RequestFrame, _ type: Request.Type, _ method: Coordination<Request>
    ) throws {
        try answer(frame, type) { request, context, reply in
            method(request, context.version, context.client) { reply(.response($0)) }
        }
    }

    /// Which versions are served: the one request that is answered in any version, since a client
    /// cannot know better yet.
    private func answerVersions(_ frame: RequestFrame) throws {
        guard ApiVersionsRequest.versions.contains(frame.header.version) else {
            var header = frame.header
            header.version = 0
            return answer(
                ServedAPIs.response(error: .unsupportedVersion), to: ApiVersionsRequest.self,
                header)
        }
        try answer(frame, ApiVersionsRequest.self) { request, context, reply in
            if !request.clientSoftwareName.isEmpty {
                broker.logger.debug(
                    "client connected",
                    metadata: [
                        LogKeys.clientSoftware:
                            "\(request.clientSoftwareName)/\(request.clientSoftwareVersion)",
                        LogKeys.peerAddress: "\(context.client.host)",
                    ])
            }
            reply(.response(ServedAPIs.response()))
        }
    }
}

/// A request that nobody was told to send.
struct UnservedRequest: Error, CustomStringConvertible {
    var key: APIKey
    var description: String { "requests of key \(key.rawValue) are not served" }
}
