// A member of a group: what it asked for, what it has got, and which request of it waits.

internal import Base
internal import KafkaWire

/// Names one request to the coordinator, so that its answer can come later.
struct GroupRequestID: Hashable, Sendable {
    let number: UInt64
}

/// A point in time by both clocks: deadlines go by the one that never goes back, records by the
/// other.
struct GroupTime: Sendable {
    /// Since any fixed moment.
    var now: Duration
    var wallMilliseconds: Int64
}

/// A JoinGroup request with what the coordinator adds to it.
struct GroupJoin: Sendable {
    let id: GroupRequestID
    let request: JoinGroupRequest
    let version: Int16
    let client: GroupClient
    /// The member id to use if the request brings none.
    let newMemberID: String
}

/// A member.
struct GroupMember: Sendable {
    /// A request that waits for the group.
    struct Waiting: Sendable {
        let id: GroupRequestID
        let version: Int16
    }

    var id: String
    /// Members are listed, and become leaders, in the order in which they came.
    let number: UInt64
    let instanceID: String?
    var client: GroupClient
    var sessionTimeout = Duration.zero
    var rebalanceTimeout = Duration.zero
    /// Best first.
    var protocols: [JoinGroupRequest.AssignmentProtocol] = []
    var assignment: [UInt8] = []

    var waitingJoin: Waiting?
    var waitingSync: Waiting?
    /// Has not been in a generation yet.
    var isNew = true
    /// The member is removed at this time; nil while the coordinator owes it an answer.
    var deadline: Duration?

    init(_ join: GroupJoin, id: String, number: UInt64) {
        self.id = id
        self.number = number
        instanceID = join.request.groupInstanceID
        client = join.client
        update(join)
    }

    /// Takes over what the member says about itself when it joins again.
    mutating func update(_ join: GroupJoin) {
        let request = join.request
        client = join.client
        sessionTimeout = .milliseconds(request.sessionTimeoutMilliseconds)
        // Version 0 does not have it.
        let asked =
            join.version == 0 || request.rebalanceTimeoutMilliseconds < 0
            ? request.sessionTimeoutMilliseconds : request.rebalanceTimeoutMilliseconds
        rebalanceTimeout = .milliseconds(min(asked, Limits.groupRebalanceMillisecondsMax))
        protocols = request.protocols
    }

    /// The subscription in terms of a protocol.
    func metadata(for name: String?) -> [UInt8] {
        protocols.first { $0.name == name }?.metadata ?? []
    }

    func supports(_ name: String) -> Bool { protocols.contains { $0.name == name } }

    /// What its protocols take, with a share for the structure around each.
    var protocolBytes: Int { Self.bytes(of: protocols) }

    /// All that is kept of it, roughly.
    var byteCount: Int {
        512 + 3 * id.utf8.count + 2 * (instanceID?.utf8.count ?? 0) + client.clientID.utf8.count
            + client.host.utf8.count + protocolBytes + assignment.count
    }

    static func bytes(of protocols: [JoinGroupRequest.AssignmentProtocol]) -> Int {
        protocols.reduce(0) { $0 + $1.name.utf8.count + $1.metadata.count + 64 }
    }
}
