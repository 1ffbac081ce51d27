// From one generation to the next: the join phase, and the time that members have to sync.

internal import KafkaWire

extension GroupMachine {
    /// Ends the generation: members learn of it by their heartbeats and join again.
    mutating func prepareRebalance(_ reason: String, at time: GroupTime) {
        guard state != .preparing else { return }
        for member in ordered {
            guard let waiting = member.waitingSync else { continue }
            members[member.id]?.waitingSync = nil
            refuseSync(waiting, .rebalanceInProgress)
            touch(member.id, now: time.now)
        }
        let wasEmpty = state == .empty
        let delay = configuration.initialRebalanceDelay
        let deadline = time.now + (wasEmpty ? delay : rebalanceTimeout)
        joinDeadline = deadline
        initialEnd = wasEmpty ? time.now + max(delay, rebalanceTimeout) : nil
        hasNewcomer = false
        syncDeadline = nil
        enter(.preparing, at: time)
        schedule(deadline)
        act(.note(.rebalancing(id, reason: reason)))
    }

    private mutating func enter(_ state: GroupState, at time: GroupTime) {
        self.state = state
        stateTimestamp = time.wallMilliseconds
    }

    /// Ends the join phase if nobody is missing. The first phase of a group runs its full time.
    mutating func settle(at time: GroupTime) {
        guard state == .preparing, initialEnd == nil, pending.isEmpty,
            members.values.allSatisfy({ $0.waitingJoin != nil })
        else { return }
        beginGeneration(at: time)
    }

    /// The join phase has taken as long as it may.
    mutating func joinPhaseIsOver(at time: GroupTime) {
        if let end = initialEnd, hasNewcomer, time.now < end {
            hasNewcomer = false
            let deadline = min(time.now + configuration.initialRebalanceDelay, end)
            joinDeadline = deadline
            schedule(deadline)
        } else {
            beginGeneration(at: time)
        }
    }

    private mutating func beginGeneration(at time: GroupTime) {
        // A static member may be restarting; it keeps its place until its session expires.
        for member in ordered where member.waitingJoin == nil && member.instanceID == nil {
            remove(member.id)
        }
        initialEnd = nil
        guard members.isEmpty || electLeader() else {
            // Only static members are left, and none has come back.
            let deadline = time.now + rebalanceTimeout
            joinDeadline = deadline
            return schedule(deadline)
        }
        joinDeadline = nil
        unsynced = []
        generation = generation == .max ? 1 : generation + 1
        protocolName = chosenProtocol
        if members.isEmpty {
            enter(.empty, at: time)
            persistGroup(at: time)
        } else {
            enter(.completing, at: time)
            let deadline = time.now + rebalanceTimeout
            syncDeadline = deadline
            schedule(deadline)
            for member in ordered { tellGeneration(member, now: time.now) }
        }
        act(.note(.generation(id, number: generation, members: members.count)))
    }

    private mutating func tellGeneration(_ member: GroupMember, now: Duration) {
        members[member.id]?.waitingJoin = nil
        members[member.id]?.isNew = false
        members[member.id]?.assignment = []
        unsynced.insert(member.id)
        if let waiting = member.waitingJoin {
            act(
                .joined(waiting.id, currentGeneration(for: waiting.version, memberID: member.id)))
        }
        touch(member.id, now: now)
    }

    /// The leader stays if it has joined again; else the first that has. False if nobody has.
    private mutating func electLeader() -> Bool {
        if let leader, members[leader]?.waitingJoin != nil { return true }
        guard let next = ordered.first(where: { $0.waitingJoin != nil }) else { return false }
        leader = next.id
        return true
    }

    /// Of the protocols that all members support, the one that most like best; among equals the
    /// one that the first member ranks higher. Nil without members.
    var chosenProtocol: String? {
        let ordered = ordered
        guard let first = ordered.first else { return nil }
        let shared = first.protocols.map(\.name).filter { name in
            ordered.allSatisfy { $0.supports(name) }
        }
        var votes: [String: Int] = [:]
        for member in ordered {
            guard let best = member.protocols.first(where: { shared.contains($0.name) }) else {
                continue
            }
            votes[best.name, default: 0] += 1
        }
        // `max` takes the last of equals.
        return shared.reversed().max { votes[$0, default: 0] < votes[$1, default: 0] }
    }

    /// Members that have not asked for their assignment in time are given up.
    mutating func syncPhaseIsOver(at time: GroupTime) {
        syncDeadline = nil
        guard !unsynced.isEmpty else { return }
        for memberID in unsynced.sorted() {
            act(.note(.expired(id, memberID: memberID)))
            remove(memberID)
        }
        prepareRebalance("members have not synced", at: time)
    }
}
