// Which requests and versions are served: what the handlers' descriptions cover, no more, no less.
//
// The lower ends look odd and are not: clients test for exact old versions before they use a
// feature. Produce is listed from 0 although 0 to 2 are refused, or older librdkafka would send
// compressed batches uncompressed; FindCoordinator from 0, or its groups would never join.

internal import KafkaWire

/// One kind of request that is served, and how clients are told.
struct ServedAPI: Sendable {
    var kind: any KafkaRequest.Type
    var api: ApiVersionsResponse.API
}

enum ServedAPIs {
    static let served: [ServedAPI] = [
        entry(ProduceRequest.self), entry(FetchRequest.self), entry(ListOffsetsRequest.self),
        entry(MetadataRequest.self), entry(OffsetCommitRequest.self),
        entry(OffsetFetchRequest.self), entry(FindCoordinatorRequest.self),
        entry(JoinGroupRequest.self), entry(HeartbeatRequest.self),
        entry(LeaveGroupRequest.self), entry(SyncGroupRequest.self),
        entry(DescribeGroupsRequest.self), entry(ListGroupsRequest.self),
        entry(ApiVersionsRequest.self), entry(CreateTopicsRequest.self),
        entry(DeleteTopicsRequest.self), entry(DeleteRecordsRequest.self),
        entry(InitProducerIDRequest.self), entry(OffsetForLeaderEpochRequest.self),
        entry(DescribeConfigsRequest.self), entry(CreatePartitionsRequest.self),
        entry(DeleteGroupsRequest.self), entry(OffsetDeleteRequest.self),
        entry(DescribeClusterRequest.self),
        entry(SaslHandshakeRequest.self), entry(SaslAuthenticateRequest.self),
        entry(DescribeUserScramCredentialsRequest.self),
        entry(AlterUserScramCredentialsRequest.self),
        entry(AddPartitionsToTxnRequest.self), entry(AddOffsetsToTxnRequest.self),
        entry(EndTxnRequest.self), entry(TxnOffsetCommitRequest.self),
        entry(DescribeTransactionsRequest.self), entry(ListTransactionsRequest.self),
        entry(AlterConfigsRequest.self), entry(IncrementalAlterConfigsRequest.self),
        entry(DescribeLogDirsRequest.self), entry(DescribeProducersRequest.self),
        entry(DescribeTopicPartitionsRequest.self), entry(ElectLeadersRequest.self),
        entry(ListPartitionReassignmentsRequest.self), entry(DescribeAclsRequest.self),
        entry(CreateAclsRequest.self), entry(DeleteAclsRequest.self),
        entry(DescribeClientQuotasRequest.self),
    ]

    static let all = served.map(\.api)

    private static func entry<Request: KafkaRequest>(_ type: Request.Type) -> ServedAPI {
        var api = ApiVersionsResponse.API()
        api.key = Request.key.rawValue
        api.minVersion = Request.versions.lowerBound
        api.maxVersion = Request.versions.upperBound
        return ServedAPI(kind: type, api: api)
    }

    /// The list, with an error when the client asked in a version that is not known.
    static func response(error: KafkaErrorCode = .none) -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.error = error
        response.apis = all
        return response
    }
}
