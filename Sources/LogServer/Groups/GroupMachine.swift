// One group of the classic protocol, without clocks, locks and sockets: requests go in with the
// time, actions come out, so that a test can run any order of events from a seed.
//
//     empty ──join──▶ preparing ──all there, or time over──▶ completing ──leader's sync──▶ stable
//       ▲               │ ▲                                     │                            │
//       └──nobody left──┘ └────── a member comes, goes or changes its subscription ──────────┘
//
// Kept at all times:
// - Every JoinGroup and SyncGroup is answered exactly once: at once, with its generation, or when
//   its member is removed, replaced, or asks again.
// - A member that waits for an answer cannot run out of session time; one that does not wait has a
//   deadline. A new member has one in any case.
// - All members of a generation support its protocol, so a joining one must share a protocol with
//   everybody else.
// - `wakeAt` is never later than the earliest deadline. It may be earlier: heartbeats move a
//   deadline without looking for the new earliest one.

internal import Base
internal import KafkaWire

/// The states of a group. The raw values are what goes over the wire.
enum GroupState: String, Sendable {
    case empty = "Empty"
    case preparing = "PreparingRebalance"
    case completing = "CompletingRebalance"
    case stable = "Stable"

    /// What an unknown group is said to be.
    static let dead = "Dead"
}

/// Something that operators want to know about a group.
enum GroupNote: Sendable {
    case rebalancing(String, reason: String)
    case generation(String, number: Int32, members: Int)
    case expired(String, memberID: String)
    case tooLargeToWrite(String, bytes: Int)
}

/// What the caller of a machine or of the table has to do.
enum GroupAction: Sendable {
    case joined(GroupRequestID, JoinGroupResponse)
    case synced(GroupRequestID, SyncGroupResponse)
    /// Append records to the offsets topic; nobody waits for it.
    case persist([OffsetsRecord])
    case note(GroupNote)
}

/// The state of one group.
struct GroupMachine: Sendable {
    let id: String
    let configuration: GroupConfiguration

    var state = GroupState.empty
    var generation: Int32 = 0
    var protocolType: String?
    var protocolName: String?
    var leader: String?
    var members: [String: GroupMember] = [:]
    /// Member ids by group instance id.
    var instances: [String: String] = [:]
    /// Ids given out whose members have not joined yet, and until when they may.
    var pending: [String: Duration] = [:]
    /// Members of the generation that have not asked for their assignment yet.
    var unsynced: Set<String> = []
    var offsets = GroupOffsets()
    /// Milliseconds since 1970 at which the group came into its state.
    var stateTimestamp: Int64
    /// The offsets topic has a record of the group itself.
    var hasRecord = false

    /// When the join phase ends even if somebody is missing.
    var joinDeadline: Duration?
    /// The join phase of a group that was empty: it waits for further members, up to its end.
    var initialEnd: Duration?
    var hasNewcomer = false
    /// When members that have not asked for their assignment are removed.
    var syncDeadline: Duration?

    private(set) var wakeAt: Duration?
    /// What the members took when they were counted last.
    private var memberBytes = 0
    private(set) var actions: [GroupAction] = []
    private var lastNumber: UInt64 = 0

    init(id: String, configuration: GroupConfiguration, wallMilliseconds: Int64) {
        self.id = id
        self.configuration = configuration
        stateTimestamp = wallMilliseconds
    }

    /// Everything to do since the last call, in order.
    mutating func takeActions() -> [GroupAction] {
        defer { actions = [] }
        return actions
    }

    /// What the group takes, roughly.
    var byteCount: Int { 512 + 2 * id.utf8.count + memberBytes + offsets.byteCount }

    /// Members have come, gone or changed.
    mutating func countMembers() {
        memberBytes =
            members.values.reduce(0) { $0 + $1.byteCount }
            + pending.keys.reduce(0) { $0 + $1.utf8.count + 64 }
    }

    /// Nothing would be lost if the group were forgotten.
    var isForgettable: Bool {
        state == .empty && generation == 0 && !hasRecord && members.isEmpty && pending.isEmpty
            && offsets.isEmpty
    }

    /// Members in the order in which they came.
    var ordered: [GroupMember] { members.values.sorted { $0.number < $1.number } }

    /// The longest that a member may take to rejoin.
    var rebalanceTimeout: Duration { members.values.map(\.rebalanceTimeout).max() ?? .zero }

    mutating func act(_ action: GroupAction) { actions.append(action) }

    mutating func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    // MARK: Deadlines

    /// Sees to it that `wake` is called at `deadline`.
    mutating func schedule(_ deadline: Duration) {
        wakeAt = wakeAt.map { min($0, deadline) } ?? deadline
    }

    /// The member is alive: its session begins anew, unless it waits for us.
    mutating func touch(_ memberID: String, now: Duration) {
        guard let member = members[memberID], !member.isNew, member.waitingJoin == nil,
            member.waitingSync == nil
        else { return }
        let deadline = now + member.sessionTimeout
        members[memberID]?.deadline = deadline
        schedule(deadline)
    }

    /// Does what is due.
    mutating func wake(at time: GroupTime) {
        guard let due = wakeAt, due <= time.now else { return }
        for (memberID, deadline) in pending where deadline <= time.now { pending[memberID] = nil }
        for member in ordered {
            // An expiry before this one may have given the member an answer and a new session.
            guard let deadline = members[member.id]?.deadline, deadline <= time.now else {
                continue
            }
            act(.note(.expired(id, memberID: member.id)))
            removeAndRebalance(member.id, reason: "a member's session has expired", at: time)
        }
        if let deadline = joinDeadline, deadline <= time.now { joinPhaseIsOver(at: time) }
        if let deadline = syncDeadline, deadline <= time.now { syncPhaseIsOver(at: time) }
        settle(at: time)
        wakeAt = earliestDeadline
    }

    private var earliestDeadline: Duration? {
        var earliest = [joinDeadline, syncDeadline].compactMap { $0 }.min()
        for deadline in members.values.lazy.compactMap(\.deadline) {
            earliest = earliest.map { min($0, deadline) } ?? deadline
        }
        for deadline in pending.values { earliest = earliest.map { min($0, deadline) } ?? deadline }
        return earliest
    }

    // MARK: Members

    /// Why a request in the name of a member is not the member's; nil if it is.
    func refusal(memberID: String, instanceID: String?) -> KafkaErrorCode? {
        if let instanceID {
            guard let current = instances[instanceID] else { return .unknownMemberID }
            return current == memberID ? nil : .fencedInstanceID
        }
        return members[memberID] == nil ? .unknownMemberID : nil
    }

    /// Takes a member out and answers what it waits for.
    mutating func remove(_ memberID: String) {
        guard let member = members.removeValue(forKey: memberID) else { return }
        if let waiting = member.waitingJoin {
            refuse(waiting, .unknownMemberID, memberID: "")
        }
        if let waiting = member.waitingSync { refuseSync(waiting, .unknownMemberID) }
        if let instanceID = member.instanceID { instances[instanceID] = nil }
        unsynced.remove(memberID)
        if leader == memberID { leader = members.values.min { $0.number < $1.number }?.id }
    }

    /// Takes a member out of a generation, which therefore ends.
    mutating func removeAndRebalance(_ memberID: String, reason: String, at time: GroupTime) {
        remove(memberID)
        if state == .stable || state == .completing { prepareRebalance(reason, at: time) }
    }

    /// Answers everything that waits and forgets the members: the coordinator ends.
    mutating func shutdown() {
        for member in ordered {
            if let waiting = member.waitingJoin {
                refuse(waiting, .coordinatorNotAvailable, memberID: member.id)
            }
            if let waiting = member.waitingSync { refuseSync(waiting, .coordinatorNotAvailable) }
        }
        members = [:]
        wakeAt = nil
    }
}
