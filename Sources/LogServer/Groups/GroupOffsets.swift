// The committed offsets of one group, and the commits that are on their way to the disk. A commit
// is visible once it is durable. Two commits may become durable, or be reported so, in either
// order: the one that was appended later counts, as it does when the records are read again.

internal import KafkaWire

/// A partition of a topic.
struct TopicPartition: Hashable, Comparable, Sendable {
    var topic: String
    var partition: Int32

    static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}

/// A committed offset.
struct CommittedOffset: Hashable, Sendable {
    var offset: Int64
    var leaderEpoch: Int32
    var metadata: String
    /// Milliseconds since 1970.
    var commitTimestamp: Int64
    /// Milliseconds since 1970, if the client asked for a time of its own (requests up to 4).
    var expireTimestamp: Int64?
}

/// Names an append to the offsets topic. Later appends have higher numbers.
struct AppendID: Hashable, Comparable, Sendable {
    let number: UInt64
    static func < (left: AppendID, right: AppendID) -> Bool { left.number < right.number }
}

/// Offsets, and changes to them that are not durable yet.
struct GroupOffsets: Sendable {
    /// A new offset, or the end of one.
    enum Change: Sendable {
        case commit(CommittedOffset)
        case delete
    }

    private(set) var committed: [TopicPartition: CommittedOffset] = [:]
    private var underWay: [AppendID: [TopicPartition: Change]] = [:]
    private var underWayBytes: [AppendID: Int] = [:]
    /// What offsets and changes take, roughly.
    private(set) var byteCount = 0

    var isEmpty: Bool { committed.isEmpty && underWay.isEmpty }

    /// Changes have been handed to the offsets topic.
    mutating func begin(_ id: AppendID, _ changes: [TopicPartition: Change]) {
        underWay[id] = changes
        let bytes = changes.reduce(0) { $0 + $1.key.byteCount + $1.value.byteCount }
        underWayBytes[id] = bytes
        byteCount += bytes
    }

    /// By how much `byteCount` would grow with the commits among the changes.
    func growth(with changes: [TopicPartition: Change]) -> Int {
        changes.reduce(0) { sum, change in
            let old = committed[change.key].map { change.key.byteCount + $0.byteCount } ?? 0
            return sum + change.key.byteCount + change.value.byteCount - old
        }
    }

    /// The append has ended. Unknown ids are those of a group that was deleted meanwhile.
    mutating func end(_ id: AppendID, isDurable: Bool) {
        byteCount -= underWayBytes.removeValue(forKey: id) ?? 0
        guard let changes = underWay.removeValue(forKey: id), isDurable else { return }
        for (partition, change) in changes { apply(change, to: partition) }
        for older in underWay.keys where older < id {
            for partition in changes.keys { underWay[older]?[partition] = nil }
        }
    }

    /// A record that was read from the offsets topic, or a deletion that nobody waits for.
    mutating func apply(_ change: Change, to partition: TopicPartition) {
        switch change {
        case .commit(let offset): set(partition, offset)
        case .delete: set(partition, nil)
        }
    }

    private mutating func set(_ partition: TopicPartition, _ offset: CommittedOffset?) {
        if let old = committed[partition] { byteCount -= partition.byteCount + old.byteCount }
        committed[partition] = offset
        if let offset { byteCount += partition.byteCount + offset.byteCount }
    }

    /// Forgets partitions of a topic that no longer exists; what is on its way for them too.
    mutating func removeTopic(_ topic: String) -> [TopicPartition] {
        let gone = partitions.filter { $0.topic == topic }
        for partition in gone {
            set(partition, nil)
            for id in underWay.keys { underWay[id]?[partition] = nil }
        }
        return gone
    }

    /// All partitions that have an offset, or may get one.
    var partitions: [TopicPartition] {
        underWay.values.reduce(into: Set(committed.keys)) { $0.formUnion($1.keys) }.sorted()
    }

    /// Whether a change of the partition is on its way.
    func isChanging(_ partition: TopicPartition) -> Bool {
        underWay.values.contains { $0[partition] != nil }
    }
}

// MARK: Sizes

extension TopicPartition {
    /// With a share for the table that it is in.
    fileprivate var byteCount: Int { 96 + topic.utf8.count }
}

extension CommittedOffset {
    fileprivate var byteCount: Int { 64 + metadata.utf8.count }
}

extension GroupOffsets.Change {
    fileprivate var byteCount: Int {
        switch self {
        case .commit(let offset): offset.byteCount
        case .delete: 0
        }
    }
}

// MARK: Records

extension TopicPartition {
    /// The key of the partition's record.
    func key(in groupID: String) throws(KafkaWireError) -> [UInt8] {
        var key = OffsetCommitKey()
        key.groupID = groupID
        key.topic = topic
        key.partition = partition
        return try encodeVersioned(key, version: OffsetCommitKey.version)
    }
}

extension CommittedOffset {
    /// The value of the offset's record.
    func value() throws(KafkaWireError) -> [UInt8] {
        var value = OffsetCommitValue()
        value.offset = offset
        value.leaderEpoch = leaderEpoch
        value.metadata = metadata
        value.commitTimestamp = commitTimestamp
        value.expireTimestamp = expireTimestamp ?? -1
        // Only version 1 has an expiry; it has no leader epoch.
        let version = expireTimestamp == nil ? OffsetCommitValue.version : 1
        return try encodeVersioned(value, version: version)
    }

    init(_ value: OffsetCommitValue) {
        offset = value.offset
        leaderEpoch = value.leaderEpoch
        metadata = value.metadata
        commitTimestamp = value.commitTimestamp
        expireTimestamp = value.expireTimestamp < 0 ? nil : value.expireTimestamp
    }
}
