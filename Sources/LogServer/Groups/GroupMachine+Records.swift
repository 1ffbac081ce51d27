// The group as others see it: its record in the offsets topic, and the answer to DescribeGroups.

internal import Base
internal import KafkaWire

extension GroupMachine {
    /// Writes the generation down. Nobody waits for it: it serves tools that read the offsets
    /// topic, and lets generations count on after a restart, in which members do not survive.
    mutating func persistGroup(at time: GroupTime) {
        do {
            let value = try encodeVersioned(record, version: GroupMetadataValue.version)
            guard value.count <= Limits.groupRecordBytesMax else {
                return act(.note(.tooLargeToWrite(id, bytes: value.count)))
            }
            act(.persist([(key: try Self.recordKey(id), value: value)]))
            hasRecord = true
        } catch {
            // A name longer than the format allows; those that come in are shorter.
            act(.note(.tooLargeToWrite(id, bytes: 0)))
        }
    }

    /// The key of the group's own record.
    static func recordKey(_ groupID: String) throws(KafkaWireError) -> [UInt8] {
        var key = GroupMetadataKey()
        key.groupID = groupID
        return try encodeVersioned(key, version: GroupMetadataKey.version)
    }

    private var record: GroupMetadataValue {
        var value = GroupMetadataValue()
        value.protocolType = protocolType ?? ""
        value.generation = generation
        value.protocolName = protocolName
        value.leader = members.isEmpty ? nil : leader
        value.stateTimestamp = stateTimestamp
        value.members = ordered.map { member in
            var entry = GroupMetadataValue.Member()
            entry.memberID = member.id
            entry.groupInstanceID = member.instanceID
            entry.clientID = member.client.clientID
            entry.clientHost = member.client.host
            entry.rebalanceTimeoutMilliseconds = Int32(
                clamping: member.rebalanceTimeout.wholeMilliseconds)
            entry.sessionTimeoutMilliseconds = Int32(
                clamping: member.sessionTimeout.wholeMilliseconds)
            entry.subscription = member.metadata(for: protocolName)
            entry.assignment = member.assignment
            return entry
        }
        return value
    }

    /// Takes over a record: the group comes back without its members, who join again. A group that
    /// had some has been empty since now.
    mutating func restore(_ value: GroupMetadataValue, at time: GroupTime) {
        protocolType = value.protocolType.isEmpty ? nil : value.protocolType
        generation = max(value.generation, 0)
        let isKnown = value.members.isEmpty && value.stateTimestamp >= 0
        stateTimestamp = isKnown ? value.stateTimestamp : time.wallMilliseconds
        hasRecord = true
    }

    /// The group for DescribeGroups. Subscriptions and assignments mean something only while the
    /// group is stable.
    var description: DescribeGroupsResponse.Group {
        var group = DescribeGroupsResponse.Group()
        group.groupID = id
        group.state = state.rawValue
        group.protocolType = protocolType ?? ""
        let isStable = state == .stable
        group.protocolName = isStable ? protocolName ?? "" : ""
        group.members = ordered.map { member in
            var entry = DescribeGroupsResponse.Member()
            entry.memberID = member.id
            entry.groupInstanceID = member.instanceID
            entry.clientID = member.client.clientID
            entry.clientHost = member.client.host
            entry.metadata = isStable ? member.metadata(for: protocolName) : []
            entry.assignment = isStable ? member.assignment : []
            return entry
        }
        return group
    }
}
