// All groups: finds the one that a request is for, checks what does not depend on its state, and
// collects what is to be done. Pure like the machine; GroupCoordinator runs it.

internal import Base
internal import KafkaWire

/// What the runner has to do.
enum GroupTableAction: Sendable {
    case joined(GroupRequestID, JoinGroupResponse)
    case synced(GroupRequestID, SyncGroupResponse)
    /// Append, as records of a transaction if there is a producer, and call `appended` with the
    /// outcome.
    case append(AppendID, [OffsetsRecord], in: TransactionProducer?)
    /// Call `wake` for the group at this time.
    case wake(String, at: Duration)
    case note(GroupNote)
}

/// An answer, given once the append is durable if there is one.
struct GroupAnswer<Response: Sendable>: Sendable {
    var response: Response
    var append: AppendID?
}

/// The groups of this node.
struct GroupTable: Sendable {
    let configuration: GroupConfiguration
    let topics: any TopicDirectory
    private(set) var groups: [String: GroupMachine] = [:]
    /// What all groups take, roughly.
    private(set) var byteCount = 0
    private var random: any RandomNumberGenerator & Sendable
    private var lastAppend: UInt64 = 0
    /// Which group's offsets an append on its way changes.
    private var changedGroups: [AppendID: String] = [:]
    /// Offsets that open transactions commit.
    var pendingOffsets = PendingOffsets()
    private var actions: [GroupTableAction] = []

    init(
        configuration: GroupConfiguration, topics: any TopicDirectory,
        random: any RandomNumberGenerator & Sendable
    ) {
        self.configuration = configuration
        self.topics = topics
        self.random = random
    }

    /// Everything to do since the last call, in order.
    mutating func takeActions() -> [GroupTableAction] {
        defer { actions = [] }
        return actions
    }

    // MARK: Access for the extensions

    /// Works on a group, which appears if need be, and collects what it wants done. A group that
    /// has nothing to keep disappears again. `changesMembers` is false where it is called often and
    /// for offsets or deadlines only.
    mutating func withGroup<Result>(
        _ id: String, at time: GroupTime, always: Bool = false, changesMembers: Bool = true,
        _ body: (inout GroupMachine) -> Result
    ) -> Result {
        let known = groups.removeValue(forKey: id)
        byteCount -= known?.byteCount ?? 0
        var group =
            known
            ?? GroupMachine(
                id: id, configuration: configuration, wallMilliseconds: time.wallMilliseconds)
        let before = group.wakeAt
        let result = body(&group)
        for action in group.takeActions() { take(action) }
        if let wakeAt = group.wakeAt, always || wakeAt != before {
            actions.append(.wake(id, at: wakeAt))
        }
        guard !group.isForgettable else { return result }
        if changesMembers { group.countMembers() }
        byteCount += group.byteCount
        groups[id] = group
        return result
    }

    private mutating func take(_ action: GroupAction) {
        switch action {
        case .joined(let id, let response): actions.append(.joined(id, response))
        case .synced(let id, let response): actions.append(.synced(id, response))
        case .persist(let records): _ = append(records)
        case .note(let note): actions.append(.note(note))
        }
    }

    mutating func append(
        _ records: [OffsetsRecord], in producer: TransactionProducer? = nil
    ) -> AppendID {
        lastAppend += 1
        let id = AppendID(number: lastAppend)
        actions.append(.append(id, records, in: producer))
        return id
    }

    /// Appends changes of a group's offsets, which show once they are durable.
    mutating func append(
        _ records: [OffsetsRecord], changing changes: [TopicPartition: GroupOffsets.Change],
        in groupID: String, at time: GroupTime
    ) -> AppendID {
        let id = append(records)
        changedGroups[id] = groupID
        withGroup(groupID, at: time, changesMembers: false) { $0.offsets.begin(id, changes) }
        return id
    }

    /// An append has ended.
    mutating func appended(_ id: AppendID, isDurable: Bool, at time: GroupTime) {
        pendingOffsets.end(id, isDurable: isDurable)
        guard let groupID = changedGroups.removeValue(forKey: id), groups[groupID] != nil else {
            return
        }
        withGroup(groupID, at: time, changesMembers: false) {
            $0.offsets.end(id, isDurable: isDurable)
        }
    }

    mutating func forget(_ id: String) {
        byteCount -= groups.removeValue(forKey: id)?.byteCount ?? 0
    }

    /// Whether there is room for so many more bytes.
    func hasRoom(for growth: Int) -> Bool {
        growth <= 0 || byteCount + growth <= configuration.bytesMax
    }

    func isValid(groupID: String) -> Bool {
        !groupID.isEmpty && groupID.utf8.count <= Limits.groupNameBytesMax
    }

    // MARK: Members

    mutating func join(
        _ request: JoinGroupRequest, version: Int16, client: GroupClient, id: GroupRequestID,
        at time: GroupTime
    ) {
        if let error = refusal(of: request) {
            let response = JoinGroupResponse.refusal(
                error, version: version, memberID: request.memberID)
            return actions.append(.joined(id, response))
        }
        let client = GroupClient(
            clientID: cut(client.clientID), host: cut(client.host))
        let join = GroupJoin(
            id: id, request: request, version: version, client: client,
            newMemberID: request.memberID.isEmpty ? newMemberID(for: request, client) : "")
        withGroup(request.groupID, at: time) { $0.join(join, at: time) }
    }

    private func refusal(of request: JoinGroupRequest) -> KafkaErrorCode? {
        guard isValid(groupID: request.groupID) else { return .invalidGroupID }
        guard (request.groupInstanceID?.utf8.count ?? 0) <= Limits.groupNameBytesMax,
            request.groupInstanceID != "",
            request.protocolType.utf8.count <= Limits.groupNameBytesMax,
            request.protocols.allSatisfy({ $0.name.utf8.count <= Limits.groupNameBytesMax })
        else { return .invalidRequest }
        let session = Duration.milliseconds(request.sessionTimeoutMilliseconds)
        guard configuration.sessionTimeouts.contains(session) else { return .invalidSessionTimeout }
        let old = groups[request.groupID]?.members[request.memberID]?.protocolBytes ?? -2048
        guard hasRoom(for: GroupMember.bytes(of: request.protocols) - old) else {
            return .policyViolation
        }
        guard groups[request.groupID] == nil else { return nil }
        // A member id that we have forgotten does not make a group.
        guard request.memberID.isEmpty else { return .unknownMemberID }
        return groups.count < Limits.groupsMax ? nil : .policyViolation
    }

    private func cut(_ text: String) -> String {
        String(decoding: text.utf8.prefix(Limits.groupNameBytesMax), as: UTF8.self)
    }

    private mutating func newMemberID(for request: JoinGroupRequest, _ client: GroupClient)
        -> String
    {
        let name = request.groupInstanceID ?? client.clientID
        return "\(name)-\(KafkaUUID.random(using: &random).text)"
    }

    mutating func sync(
        _ request: SyncGroupRequest, version: Int16, id: GroupRequestID, at time: GroupTime
    ) {
        guard isValid(groupID: request.groupID), groups[request.groupID] != nil else {
            var response = SyncGroupResponse()
            response.error = isValid(groupID: request.groupID) ? .unknownMemberID : .invalidGroupID
            return actions.append(.synced(id, response))
        }
        guard hasRoom(for: request.assignments.reduce(0) { $0 + $1.assignment.count }) else {
            var response = SyncGroupResponse()
            response.error = .policyViolation
            return actions.append(.synced(id, response))
        }
        let sync = GroupSync(id: id, request: request, version: version)
        withGroup(request.groupID, at: time) { $0.sync(sync, at: time) }
    }

    mutating func heartbeat(_ request: HeartbeatRequest, at time: GroupTime) -> HeartbeatResponse {
        var response = HeartbeatResponse()
        if !isValid(groupID: request.groupID) {
            response.error = .invalidGroupID
        } else if groups[request.groupID] == nil {
            response.error = .unknownMemberID
        } else {
            response.error = withGroup(request.groupID, at: time, changesMembers: false) {
                $0.heartbeat(request, at: time)
            }
        }
        return response
    }

    mutating func leave(
        _ request: LeaveGroupRequest, version: Int16, at time: GroupTime
    ) -> LeaveGroupResponse {
        var response = LeaveGroupResponse()
        guard isValid(groupID: request.groupID) else {
            response.error = .invalidGroupID
            return response
        }
        guard version >= 3 else {
            response.error = leave(
                request.groupID, memberID: request.memberID, instanceID: nil, at: time)
            return response
        }
        response.members = request.members.map { member in
            var outcome = LeaveGroupResponse.Member()
            outcome.memberID = member.memberID
            outcome.groupInstanceID = member.groupInstanceID
            outcome.error = leave(
                request.groupID, memberID: member.memberID, instanceID: member.groupInstanceID,
                at: time)
            return outcome
        }
        return response
    }

    private mutating func leave(
        _ groupID: String, memberID: String, instanceID: String?, at time: GroupTime
    ) -> KafkaErrorCode {
        guard groups[groupID] != nil else { return .unknownMemberID }
        return withGroup(groupID, at: time) {
            $0.leave(memberID: memberID, instanceID: instanceID, at: time)
        }
    }

    // MARK: Time

    /// A group's deadline may have come.
    mutating func wake(_ groupID: String, at time: GroupTime) {
        guard groups[groupID] != nil else { return }
        withGroup(groupID, at: time, always: true) { $0.wake(at: time) }
    }

    /// Answers everything that waits.
    mutating func shutdown(at time: GroupTime) {
        for id in groups.keys.sorted() { withGroup(id, at: time) { $0.shutdown() } }
    }
}
