// What members of a generation ask: their assignment, whether they still belong, and to leave.

internal import Base
internal import KafkaWire

/// A SyncGroup request with the name of its answer.
struct GroupSync: Sendable {
    let id: GroupRequestID
    let request: SyncGroupRequest
    let version: Int16
}

extension GroupMachine {
    /// A member wants its assignment; the leader brings everybody's.
    mutating func sync(_ sync: GroupSync, at time: GroupTime) {
        let waiting = GroupMember.Waiting(id: sync.id, version: sync.version)
        let request = sync.request
        if let error = refusal(of: request) { return refuseSync(waiting, error) }
        switch state {
        case .empty: refuseSync(waiting, .unknownMemberID)
        case .preparing: refuseSync(waiting, .rebalanceInProgress)
        case .stable:
            hasSynced(request.memberID)
            answerSync(waiting, memberID: request.memberID)
            touch(request.memberID, now: time.now)
        case .completing:
            guard fits(request.assignments) else { return refuseSync(waiting, .invalidRequest) }
            hasSynced(request.memberID)
            if let former = members[request.memberID]?.waitingSync {
                refuseSync(former, .rebalanceInProgress)
            }
            members[request.memberID]?.waitingSync = waiting
            members[request.memberID]?.deadline = nil
            if leader == request.memberID { assign(request.assignments, at: time) }
        }
    }

    private func refusal(of request: SyncGroupRequest) -> KafkaErrorCode? {
        if let error = refusal(memberID: request.memberID, instanceID: request.groupInstanceID) {
            return error
        }
        guard request.generationID == generation else { return .illegalGeneration }
        if let type = request.protocolType, type != protocolType {
            return .inconsistentGroupProtocol
        }
        if let name = request.protocolName, name != protocolName {
            return .inconsistentGroupProtocol
        }
        return nil
    }

    private func fits(_ assignments: [SyncGroupRequest.Assignment]) -> Bool {
        assignments.reduce(0) { $0 + $1.assignment.count } <= Limits.groupBytesMax
    }

    private mutating func hasSynced(_ memberID: String) {
        unsynced.remove(memberID)
        if unsynced.isEmpty { syncDeadline = nil }
    }

    /// The group is stable: members that the leader left out get nothing.
    private mutating func assign(
        _ assignments: [SyncGroupRequest.Assignment], at time: GroupTime
    ) {
        for assignment in assignments {
            members[assignment.memberID]?.assignment = assignment.assignment
        }
        state = .stable
        stateTimestamp = time.wallMilliseconds
        for member in ordered {
            guard let waiting = member.waitingSync else { continue }
            members[member.id]?.waitingSync = nil
            answerSync(waiting, memberID: member.id)
            touch(member.id, now: time.now)
        }
        persistGroup(at: time)
    }

    private mutating func answerSync(_ waiting: GroupMember.Waiting, memberID: String) {
        var response = SyncGroupResponse()
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.assignment = members[memberID]?.assignment ?? []
        act(.synced(waiting.id, response))
    }

    mutating func refuseSync(_ waiting: GroupMember.Waiting, _ error: KafkaErrorCode) {
        var response = SyncGroupResponse()
        response.error = error
        act(.synced(waiting.id, response))
    }

    // MARK: Heartbeats

    /// A member is alive.
    mutating func heartbeat(_ request: HeartbeatRequest, at time: GroupTime) -> KafkaErrorCode {
        if let error = refusal(memberID: request.memberID, instanceID: request.groupInstanceID) {
            return error
        }
        guard request.generationID == generation else { return .illegalGeneration }
        touch(request.memberID, now: time.now)
        return state == .preparing ? .rebalanceInProgress : .none
    }

    // MARK: Leaving

    /// A member goes, or an operator sends a static member away by its instance id.
    mutating func leave(memberID: String, instanceID: String?, at time: GroupTime) -> KafkaErrorCode
    {
        defer { settle(at: time) }
        if memberID.isEmpty {
            guard let current = instanceID.flatMap({ instances[$0] }) else {
                return .unknownMemberID
            }
            removeAndRebalance(current, reason: "a member is removed", at: time)
            return .none
        }
        if pending.removeValue(forKey: memberID) != nil { return .none }
        if let error = refusal(memberID: memberID, instanceID: instanceID) { return error }
        removeAndRebalance(memberID, reason: "a member leaves", at: time)
        return .none
    }
}
