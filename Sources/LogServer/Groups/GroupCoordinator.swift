// The coordinator of all groups: the thin runner around the pure table of groups.

package import EventLoop
package import KafkaWire
package import Logging

/// Coordinates all groups. Methods may be called from any thread.
package final class GroupCoordinator: Sendable {
    /// Called once, from any thread.
    package typealias Reply<Response> = @Sendable (Response) -> Void

    /// Timers run on `loop`.
    package init(
        configuration: GroupConfiguration, offsets: any OffsetsLog, topics: any TopicDirectory,
        loop: EventLoop, logger: Logger
    ) {}

    /// Replays records of `__consumer_offsets` in their order, before the first request; may be
    /// called again with the records that follow.
    package func load(_ records: [OffsetsRecord]) {}

    package func join(
        _ request: JoinGroupRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<JoinGroupResponse>
    ) { reply(JoinGroupResponse()) }

    package func sync(
        _ request: SyncGroupRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<SyncGroupResponse>
    ) { reply(SyncGroupResponse()) }

    package func heartbeat(
        _ request: HeartbeatRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<HeartbeatResponse>
    ) { reply(HeartbeatResponse()) }

    package func leave(
        _ request: LeaveGroupRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<LeaveGroupResponse>
    ) { reply(LeaveGroupResponse()) }

    package func commit(
        _ request: OffsetCommitRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<OffsetCommitResponse>
    ) { reply(OffsetCommitResponse()) }

    package func fetchOffsets(
        _ request: OffsetFetchRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<OffsetFetchResponse>
    ) { reply(OffsetFetchResponse()) }

    package func deleteOffsets(
        _ request: OffsetDeleteRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<OffsetDeleteResponse>
    ) { reply(OffsetDeleteResponse()) }

    package func describe(
        _ request: DescribeGroupsRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<DescribeGroupsResponse>
    ) { reply(DescribeGroupsResponse()) }

    package func list(
        _ request: ListGroupsRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<ListGroupsResponse>
    ) { reply(ListGroupsResponse()) }

    package func delete(
        _ request: DeleteGroupsRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<DeleteGroupsResponse>
    ) { reply(DeleteGroupsResponse()) }

    /// A topic is gone: so are the offsets that groups committed for it.
    package func topicDeleted(_ topic: String) {}

    /// Answers what waits with "the coordinator cannot answer", as it does from then on.
    package func shutdown() {}
}
