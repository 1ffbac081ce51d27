// From a request's key to its handler.

internal import KafkaWire
internal import Logging

extension KafkaConnection {
    /// Gives a request to its handler. Throws when it cannot be read or is not served; the
    /// connection is then closed, as Kafka does.
    func dispatch(_ frame: RequestFrame, _ open: OpenRequest) throws {
        switch frame.header.key {
        case .produce: try answer(frame, open, ProduceRequest.self, broker.produce)
        case .fetch: try answer(frame, open, FetchRequest.self, broker.fetch)
        case .listOffsets: try answer(frame, open, ListOffsetsRequest.self, broker.listOffsets)
        case .metadata: try answer(frame, open, MetadataRequest.self, broker.metadata)
        case .findCoordinator:
            try answer(frame, open, FindCoordinatorRequest.self, broker.findCoordinator)
        case .apiVersions: try answerVersions(frame, open)
        case .createTopics: try answer(frame, open, CreateTopicsRequest.self, broker.createTopics)
        case .deleteTopics: try answer(frame, open, DeleteTopicsRequest.self, broker.deleteTopics)
        case .deleteRecords:
            try answer(frame, open, DeleteRecordsRequest.self, broker.deleteRecords)
        case .initProducerID:
            try answer(frame, open, InitProducerIDRequest.self, broker.initProducerID)
        case .offsetForLeaderEpoch:
            try answer(frame, open, OffsetForLeaderEpochRequest.self, broker.offsetForLeaderEpoch)
        case .describeConfigs:
            try answer(frame, open, DescribeConfigsRequest.self, broker.describeConfigs)
        case .createPartitions:
            try answer(frame, open, CreatePartitionsRequest.self, broker.createPartitions)
        case .describeCluster:
            try answer(frame, open, DescribeClusterRequest.self, broker.describeCluster)
        case .saslHandshake: try answerHandshake(frame, open)
        case .saslAuthenticate: try answerAuthenticate(frame, open)
        case .describeUserScramCredentials:
            try answer(frame, open, DescribeUserScramCredentialsRequest.self, broker.describeUsers)
        case .alterUserScramCredentials:
            try answer(frame, open, AlterUserScramCredentialsRequest.self, broker.alterUsers)
        default: try dispatchToTransactions(frame, open)
        }
    }

    private func dispatchToTransactions(_ frame: RequestFrame, _ open: OpenRequest) throws {
        switch frame.header.key {
        case .addPartitionsToTxn:
            try answer(frame, open, AddPartitionsToTxnRequest.self, broker.addPartitionsToTxn)
        case .addOffsetsToTxn:
            try answer(frame, open, AddOffsetsToTxnRequest.self, broker.addOffsetsToTxn)
        case .endTxn: try answer(frame, open, EndTxnRequest.self, broker.endTxn)
        case .txnOffsetCommit:
            try coordinate(
                frame, open, TxnOffsetCommitRequest.self, broker.groups.commitInTransaction)
        case .describeTransactions:
            try answer(frame, open, DescribeTransactionsRequest.self, broker.describeTransactions)
        case .listTransactions:
            try answer(frame, open, ListTransactionsRequest.self, broker.listTransactions)
        default: try dispatchToAdmin(frame, open)
        }
    }

    private func dispatchToAdmin(_ frame: RequestFrame, _ open: OpenRequest) throws {
        switch frame.header.key {
        case .alterConfigs: try answer(frame, open, AlterConfigsRequest.self, broker.alterConfigs)
        case .incrementalAlterConfigs:
            try answer(frame, open, IncrementalAlterConfigsRequest.self, broker.changeConfigs)
        case .describeLogDirs:
            try answer(frame, open, DescribeLogDirsRequest.self, broker.describeLogDirs)
        case .describeProducers:
            try answer(frame, open, DescribeProducersRequest.self, broker.describeProducers)
        case .describeTopicPartitions:
            try answer(
                frame, open, DescribeTopicPartitionsRequest.self, broker.describeTopicPartitions)
        case .electLeaders: try answer(frame, open, ElectLeadersRequest.self, broker.electLeaders)
        case .listPartitionReassignments:
            try answer(
                frame, open, ListPartitionReassignmentsRequest.self, broker.listReassignments)
        case .describeAcls: try answer(frame, open, DescribeAclsRequest.self, broker.describeAcls)
        case .createAcls: try answer(frame, open, CreateAclsRequest.self, broker.createAcls)
        case .deleteAcls: try answer(frame, open, DeleteAclsRequest.self, broker.deleteAcls)
        case .describeClientQuotas:
            try answer(frame, open, DescribeClientQuotasRequest.self, broker.describeQuotas)
        default: try dispatchToGroups(frame, open)
        }
    }

    private func dispatchToGroups(_ frame: RequestFrame, _ open: OpenRequest) throws {
        let groups = broker.groups
        switch frame.header.key {
        case .joinGroup: try coordinate(frame, open, JoinGroupRequest.self, groups.join)
        case .syncGroup: try coordinate(frame, open, SyncGroupRequest.self, groups.sync)
        case .heartbeat: try coordinate(frame, open, HeartbeatRequest.self, groups.heartbeat)
        case .leaveGroup: try coordinate(frame, open, LeaveGroupRequest.self, groups.leave)
        case .offsetCommit: try coordinate(frame, open, OffsetCommitRequest.self, groups.commit)
        case .offsetFetch: try coordinate(frame, open, OffsetFetchRequest.self, groups.fetchOffsets)
        case .offsetDelete:
            try coordinate(frame, open, OffsetDeleteRequest.self, groups.deleteOffsets)
        case .describeGroups:
            try coordinate(frame, open, DescribeGroupsRequest.self, groups.describe)
        case .listGroups: try coordinate(frame, open, ListGroupsRequest.self, groups.list)
        case .deleteGroups: try coordinate(frame, open, DeleteGroupsRequest.self, groups.delete)
        default: throw UnservedRequest(key: frame.header.key)
        }
    }

    private typealias Coordination<Request: KafkaRequest> = (
        Request, Int16, GroupClient, @escaping GroupCoordinator.Reply<Request.Response>
    ) -> Void

    private func coordinate<Request: KafkaRequest>(
        _ frame: RequestFrame, _ open: OpenRequest, _ type: Request.Type,
        _ method: Coordination<Request>
    ) throws {
        try answer(frame, open, type) { request, context, reply in
            method(request, context.version, context.client) { reply(.response($0)) }
        }
    }

    /// Which versions are served: the one request that is answered in any version, since a client
    /// cannot know better yet.
    private func answerVersions(_ frame: RequestFrame, _ open: OpenRequest) throws {
        guard ApiVersionsRequest.versions.contains(frame.header.version) else {
            var header = frame.header
            header.version = 0
            return finish(
                open, .response(ServedAPIs.response(error: .unsupportedVersion)),
                ApiVersionsRequest.self, header)
        }
        try answer(frame, open, ApiVersionsRequest.self) { request, context, reply in
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
