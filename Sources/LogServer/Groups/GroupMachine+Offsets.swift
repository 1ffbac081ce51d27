// Who may commit offsets, and which offsets a group no longer needs.

internal import KafkaWire

extension GroupMachine {
    /// Whether the commit is the group's to make; nil if it is. A member's commit shows that it is
    /// alive.
    mutating func refusalOfCommit(
        _ request: OffsetCommitRequest, inTransaction: Bool = false, at time: GroupTime
    ) -> KafkaErrorCode? {
        let isSimple =
            request.generationID < 0 && request.memberID.isEmpty && request.groupInstanceID == nil
        // Producers of old clients do not say for which member they commit.
        if isSimple { return state == .empty || inTransaction ? nil : .unknownMemberID }
        // A consumer without a group of members may still name itself.
        if request.generationID < 0, state == .empty { return nil }
        if let error = refusal(memberID: request.memberID, instanceID: request.groupInstanceID) {
            return error
        }
        guard request.generationID == generation else { return .illegalGeneration }
        touch(request.memberID, now: time.now)
        // Its partitions may be somebody else's already: the answer makes it join again. While the
        // group prepares, nobody else can have them yet.
        return state == .completing && !inTransaction ? .rebalanceInProgress : nil
    }

    /// Whether members read the topic. What a subscription that we cannot read says is unknown, so
    /// it counts as reading every topic.
    func isSubscribed(to topic: String) -> Bool {
        guard state != .empty else { return false }
        return subscribedTopics?.contains(topic) ?? true
    }

    /// The topics in the members' subscriptions; nil if one is not a consumer's.
    var subscribedTopics: Set<String>? {
        guard protocolType == ConsumerSubscription.protocolType else { return nil }
        var topics: Set<String> = []
        for member in members.values {
            // Before the first generation any of a member's protocols has its subscription.
            let name = protocolName ?? member.protocols.first?.name
            guard let own = ConsumerSubscription.topics(in: member.metadata(for: name)) else {
                return nil
            }
            topics.formUnion(own)
        }
        return topics
    }

    /// Takes out the offsets that nobody has needed for the retention time.
    mutating func expireOffsets(at time: GroupTime) -> [TopicPartition] {
        let retention = configuration.offsetsRetention.wholeMilliseconds
        let isConsumers = protocolType == ConsumerSubscription.protocolType
        let subscribed = state == .stable ? subscribedTopics : nil
        let expired = offsets.committed.filter { partition, offset in
            guard !offsets.isChanging(partition) else { return false }
            if let expiry = offset.expireTimestamp {
                return state == .empty && expiry <= time.wallMilliseconds
            }
            let since: Int64
            switch state {
            // A group that has had members keeps everything until all of them are long gone.
            case .empty:
                since =
                    isConsumers
                    ? max(stateTimestamp, offset.commitTimestamp) : offset.commitTimestamp
            case .stable where subscribed?.contains(partition.topic) == false:
                since = offset.commitTimestamp
            case .stable, .preparing, .completing: return false
            }
            return time.wallMilliseconds.saturatingDifference(since) >= retention
        }
        for partition in expired.keys { offsets.apply(.delete, to: partition) }
        return expired.keys.sorted()
    }

    /// The group has neither members nor offsets, and nobody is on his way in.
    var isOver: Bool { state == .empty && pending.isEmpty && offsets.isEmpty }
}

/// What a consumer's subscription says first; the rest is the clients' business.
struct ConsumerSubscription: KafkaStruct {
    /// The protocol type of consumers.
    static let protocolType = "consumer"

    private var topics: [String] = []

    init() {}

    mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics)
    }

    /// The topics of a subscription of any version; nil if the bytes are not one.
    static func topics(in bytes: [UInt8]) -> [String]? {
        // Not readable and no subscription are the same to the caller.
        let subscription = try? decodeVersioned(
            ConsumerSubscription.self, versions: 0...Int16.max, bytes)
        return subscription?.topics
    }
}

extension Duration {
    /// Rounded down.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1000).partialValue
            + attoseconds / 1_000_000_000_000_000
    }
}

extension Int64 {
    /// The difference, or the closest number that there is: timestamps on disk may be anything.
    func saturatingDifference(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (self < other ? .min : .max) : difference
    }
}
