// JoinGroup: who may come in, under which member id, and whether the group has to rebalance.

internal import Base
internal import KafkaWire

extension GroupMachine {
    /// A member comes, or comes back.
    mutating func join(_ join: GroupJoin, at time: GroupTime) {
        defer { settle(at: time) }
        let request = join.request
        guard hasRoom(for: request) else { return refuse(join, .groupMaxSizeReached) }
        guard isCompatible(request) else { return refuse(join, .inconsistentGroupProtocol) }
        if request.memberID.isEmpty {
            joinNew(join, at: time)
        } else if request.groupInstanceID == nil,
            pending.removeValue(forKey: request.memberID) != nil
        {
            add(join, as: request.memberID, at: time)
        } else {
            joinKnown(join, at: time)
        }
    }

    private func hasRoom(for request: JoinGroupRequest) -> Bool {
        let known = members[request.memberID]
        let others = members.values.lazy.filter { $0.id != request.memberID }
        let bytes = others.reduce(GroupMember.bytes(of: request.protocols)) {
            $0 + $1.protocolBytes
        }
        guard bytes <= Limits.groupBytesMax else { return false }
        if known != nil || request.groupInstanceID.map({ instances[$0] != nil }) == true {
            return true
        }
        // One that has its id already passed this when it got it, and must again: others came.
        let promised = request.memberID.isEmpty ? pending.count : 0
        return members.count < configuration.membersMax && promised < configuration.membersMax
    }

    /// Whether the member shares a protocol with all others.
    private func isCompatible(_ request: JoinGroupRequest) -> Bool {
        guard !request.protocolType.isEmpty, !request.protocols.isEmpty else { return false }
        guard state != .empty else { return true }
        // A static member that comes back replaces its former self.
        let own = request.groupInstanceID.flatMap { instances[$0] } ?? request.memberID
        let others = members.values.filter { $0.id != own }
        return request.protocolType == protocolType
            && request.protocols.contains { offered in
                others.allSatisfy { $0.supports(offered.name) }
            }
    }

    private mutating func joinNew(_ join: GroupJoin, at time: GroupTime) {
        if let instanceID = join.request.groupInstanceID {
            if let old = instances[instanceID] {
                replaceStaticMember(old, by: join, at: time)
            } else {
                add(join, as: join.newMemberID, at: time)
            }
        } else if join.version >= 4 {
            // A client that loses this answer leaves only an id behind, not a member.
            let deadline = time.now + .milliseconds(join.request.sessionTimeoutMilliseconds)
            pending[join.newMemberID] = deadline
            schedule(deadline)
            refuse(join, .memberIDRequired, memberID: join.newMemberID)
        } else {
            add(join, as: join.newMemberID, at: time)
        }
    }

    private mutating func joinKnown(_ join: GroupJoin, at time: GroupTime) {
        let memberID = join.request.memberID
        if let error = refusal(memberID: memberID, instanceID: join.request.groupInstanceID) {
            return refuse(join, error)
        }
        guard let member = members[memberID] else { return refuse(join, .unknownMemberID) }
        let isUnchanged = member.protocols == join.request.protocols
        switch state {
        case .completing where isUnchanged:
            // It has not got the answer to its last join.
            answerCurrentGeneration(join, memberID: memberID)
            touch(memberID, now: time.now)
        case .stable where isUnchanged && leader != memberID:
            answerCurrentGeneration(join, memberID: memberID)
            touch(memberID, now: time.now)
        case .preparing, .completing, .stable:
            members[memberID]?.update(join)
            wait(join, as: memberID, now: time.now)
            let reason = isUnchanged ? "the leader joins again" : "a member's subscription changes"
            prepareRebalance(reason, at: time)
        case .empty:
            refuse(join, .unknownMemberID)
        }
    }

    private mutating func add(_ join: GroupJoin, as memberID: String, at time: GroupTime) {
        if members.isEmpty { protocolType = join.request.protocolType }
        members[memberID] = GroupMember(join, id: memberID, number: nextNumber())
        if let instanceID = join.request.groupInstanceID { instances[instanceID] = memberID }
        if leader == nil { leader = memberID }
        if initialEnd != nil { hasNewcomer = true }
        wait(join, as: memberID, now: time.now)
        prepareRebalance("a member joins", at: time)
    }

    /// A static member is back under a new id; whoever used the old one is fenced off.
    private mutating func replaceStaticMember(
        _ oldID: String, by join: GroupJoin, at time: GroupTime
    ) {
        guard var member = members.removeValue(forKey: oldID) else { return }
        if let waiting = member.waitingJoin { refuse(waiting, .fencedInstanceID, memberID: oldID) }
        if let waiting = member.waitingSync { refuseSync(waiting, .fencedInstanceID) }
        member.waitingJoin = nil
        member.waitingSync = nil
        let newID = join.newMemberID
        let oldLeader = leader
        member.id = newID
        member.update(join)
        members[newID] = member
        if let instanceID = member.instanceID { instances[instanceID] = newID }
        if leader == oldID { leader = newID }
        if unsynced.remove(oldID) != nil { unsynced.insert(newID) }
        guard state == .stable, chosenProtocol == protocolName else {
            wait(join, as: newID, now: time.now)
            return prepareRebalance("a static member joins again", at: time)
        }
        let isLeader = leader == newID
        var response = currentGeneration(for: join.version, memberID: newID)
        if join.version >= 9 {
            response.skipAssignment = isLeader
        } else {
            // A client that took itself for the leader would compute an assignment that a stable
            // group does not take.
            response.leader = oldLeader ?? ""
            response.members = []
        }
        act(.joined(join.id, response))
        touch(newID, now: time.now)
        persistGroup(at: time)
    }

    // MARK: Answers

    /// Keeps the request until the generation is known. One that still waits is answered: its
    /// client has given it up.
    private mutating func wait(_ join: GroupJoin, as memberID: String, now: Duration) {
        if let former = members[memberID]?.waitingJoin {
            refuse(former, .rebalanceInProgress, memberID: memberID)
        }
        members[memberID]?.waitingJoin = .init(id: join.id, version: join.version)
        if members[memberID]?.isNew == true {
            let deadline = now + .seconds(Limits.groupNewMemberSeconds)
            members[memberID]?.deadline = deadline
            schedule(deadline)
        } else {
            members[memberID]?.deadline = nil
        }
    }

    private mutating func answerCurrentGeneration(_ join: GroupJoin, memberID: String) {
        act(.joined(join.id, currentGeneration(for: join.version, memberID: memberID)))
    }

    /// What a member learns about the generation; only the leader learns who is in it.
    func currentGeneration(for version: Int16, memberID: String) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.generationID = generation
        response.protocolType = protocolType
        response.protocolName = protocolName ?? ""
        response.leader = leader ?? ""
        response.memberID = memberID
        guard leader == memberID else { return response }
        response.members = ordered.map { member in
            var entry = JoinGroupResponse.Member()
            entry.memberID = member.id
            entry.groupInstanceID = member.instanceID
            entry.metadata = member.metadata(for: protocolName)
            return entry
        }
        return response
    }

    private mutating func refuse(
        _ join: GroupJoin, _ error: KafkaErrorCode, memberID: String? = nil
    ) {
        let waiting = GroupMember.Waiting(id: join.id, version: join.version)
        refuse(waiting, error, memberID: memberID ?? join.request.memberID)
    }

    mutating func refuse(
        _ waiting: GroupMember.Waiting, _ error: KafkaErrorCode, memberID: String
    ) {
        act(.joined(waiting.id, .refusal(error, version: waiting.version, memberID: memberID)))
    }
}

extension JoinGroupResponse {
    /// The answer that there is no generation for the member.
    static func refusal(
        _ error: KafkaErrorCode, version: Int16, memberID: String
    ) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.error = error
        response.memberID = memberID
        // Null is not allowed before version 7.
        response.protocolName = version >= 7 ? nil : ""
        return response
    }
}
