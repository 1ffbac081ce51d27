// The coordinator of all groups: requests of the protocol in, answers out, now or later.

package import EventLoop
package import KafkaWire
package import Logging

/// Coordinates all groups. Methods may be called from any thread and return at once.
package final class GroupCoordinator: Sendable {
    /// Called once, from any thread.
    package typealias Reply<Response> = @Sendable (Response) -> Void

    private let runner: GroupRunner

    /// Timers and replies run on `loop`; `random` gives the unguessable part of member ids.
    package init(
        configuration: GroupConfiguration, offsets: any OffsetsLog, topics: any TopicDirectory,
        loop: EventLoop, logger: Logger,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        let table = GroupTable(configuration: configuration, topics: topics, random: random)
        runner = GroupRunner(table: table, offsets: offsets, loop: loop, logger: logger)
    }

    // MARK: Before the first request

    /// Replays records of `__consumer_offsets` in their order, before the first request; may be
    /// called again with the records that follow. Returns when they are taken over.
    package func load(_ records: [OffsetsRecord]) { runner.load(.records(records)) }

    /// The same for everything that the topic may hold.
    func load(_ entry: OffsetsEntry) { runner.load(entry) }

    // MARK: Members

    /// Answers when the member's generation is known, or with what the member has to do first.
    package func join(
        _ request: JoinGroupRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<JoinGroupResponse>
    ) {
        runner.run { state, time in
            guard !state.isShutDown else {
                let response = JoinGroupResponse.refusal(
                    .coordinatorNotAvailable, version: version, memberID: request.memberID)
                return { reply(response) }
            }
            let id = state.nextRequest()
            state.joins[id] = reply
            state.table.join(request, version: version, client: client, id: id, at: time)
            return nil
        }
    }

    /// Answers when the leader has brought the assignment.
    package func sync(
        _ request: SyncGroupRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<SyncGroupResponse>
    ) {
        runner.run { state, time in
            guard !state.isShutDown else {
                var response = SyncGroupResponse()
                response.error = .coordinatorNotAvailable
                return { [response] in reply(response) }
            }
            let id = state.nextRequest()
            state.syncs[id] = reply
            state.table.sync(request, version: version, id: id, at: time)
            return nil
        }
    }

    /// Answers at once.
    package func heartbeat(
        _ request: HeartbeatRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<HeartbeatResponse>
    ) {
        var unavailable = HeartbeatResponse()
        unavailable.error = .coordinatorNotAvailable
        runner.answer(reply, unavailable) { $0.heartbeat(request, at: $1) }
    }

    /// Answers at once.
    package func leave(
        _ request: LeaveGroupRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<LeaveGroupResponse>
    ) {
        var unavailable = LeaveGroupResponse()
        unavailable.error = .coordinatorNotAvailable
        runner.answer(reply, unavailable) { $0.leave(request, version: version, at: $1) }
    }

    // MARK: Offsets

    /// Answers when the offsets are durable.
    package func commit(
        _ request: OffsetCommitRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<OffsetCommitResponse>
    ) {
        let unavailable = OffsetCommitResponse(request) { _, _ in .coordinatorNotAvailable }
        runner.answerLater(reply, unavailable, failing: { $0.failing($1) }) {
            $0.commit(request, at: $1)
        }
    }

    /// Answers when the offsets are durable; they count when their transaction is committed.
    package func commitInTransaction(
        _ request: TxnOffsetCommitRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<TxnOffsetCommitResponse>
    ) {
        let commit = OffsetCommitRequest(request)
        let producer = TransactionProducer(id: request.producerID, epoch: request.producerEpoch)
        let unavailable = OffsetCommitResponse(commit) { _, _ in .coordinatorNotAvailable }
        runner.answerLater(
            { reply(TxnOffsetCommitResponse($0)) }, unavailable, failing: { $0.failing($1) }
        ) {
            $0.commit(commit, in: producer, at: $1)
        }
    }

    /// The end of a transaction is in the offsets topic. `completion` is called when the offsets
    /// that it committed show.
    func endTransaction(_ marker: EndMarker, completion: @escaping @Sendable () -> Void) {
        runner.run { state, time in
            if !state.isShutDown { state.table.endTransaction(marker, at: time) }
            return completion
        }
    }

    /// Answers at once.
    package func fetchOffsets(
        _ request: OffsetFetchRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<OffsetFetchResponse>
    ) {
        let unavailable = OffsetFetchResponse(
            request, version: version, error: .coordinatorNotAvailable)
        runner.answer(reply, unavailable) { table, _ in table.fetch(request, version: version) }
    }

    /// Answers when the deletion is durable.
    package func deleteOffsets(
        _ request: OffsetDeleteRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<OffsetDeleteResponse>
    ) {
        var unavailable = OffsetDeleteResponse()
        unavailable.error = .coordinatorNotAvailable
        runner.answerLater(reply, unavailable, failing: { $0.failing($1) }) {
            $0.deleteOffsets(request, at: $1)
        }
    }

    // MARK: Operators

    /// Answers at once.
    package func describe(
        _ request: DescribeGroupsRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<DescribeGroupsResponse>
    ) {
        let unavailable = DescribeGroupsResponse(request, error: .coordinatorNotAvailable)
        runner.answer(reply, unavailable) { table, _ in table.describe(request) }
    }

    /// Answers at once.
    package func list(
        _ request: ListGroupsRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<ListGroupsResponse>
    ) {
        var unavailable = ListGroupsResponse()
        unavailable.error = .coordinatorNotAvailable
        runner.answer(reply, unavailable) { table, _ in table.list(request) }
    }

    /// Answers when the deletion is durable.
    package func delete(
        _ request: DeleteGroupsRequest, version: Int16, client: GroupClient,
        reply: @escaping Reply<DeleteGroupsResponse>
    ) {
        let unavailable = DeleteGroupsResponse(request, error: .coordinatorNotAvailable)
        runner.answerLater(reply, unavailable, failing: { $0.failing($1) }) {
            $0.delete(request, at: $1)
        }
    }

    /// A topic is gone: so are the offsets that groups committed for it.
    package func topicDeleted(_ topic: String) {
        runner.run { state, time in
            if !state.isShutDown { state.table.removeTopic(topic, at: time) }
            return nil
        }
    }

    // MARK: The end

    /// Answers what waits with "the coordinator cannot answer", as it does from then on. Records
    /// that were handed to the offsets log are still its to finish.
    package func shutdown() { runner.shutdown() }
}
