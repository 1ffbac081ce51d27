// The records of `__consumer_offsets`, byte for byte: other tools read them.

import KafkaWire
import Testing

@Suite struct GroupRecordGoldenTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test func offsetKey() throws {
        var key = OffsetCommitKey()
        (key.groupID, key.topic, key.partition) = ("grp", "top", 7)
        let bytes = try encodeVersioned(key, version: OffsetCommitKey.version)
        #expect(hex(bytes) == "0001" + "0003677270" + "0003746f70" + "00000007")
        #expect(
            try decodeVersioned(OffsetCommitKey.self, versions: OffsetCommitKey.versions, bytes)
                == key)
    }

    @Test func offsetValues() throws {
        var value = OffsetCommitValue()
        (value.offset, value.leaderEpoch, value.metadata) = (258, 5, "m")
        value.commitTimestamp = 1_600_000_000_000
        let bytes = try encodeVersioned(value, version: OffsetCommitValue.version)
        #expect(
            hex(bytes)
                == "0003" + "0000000000000102" + "00000005" + "00016d" + "00000174876e8000")
        #expect(
            try decodeVersioned(OffsetCommitValue.self, versions: 0...3, bytes) == value)
        value.leaderEpoch = -1
        value.expireTimestamp = 1
        let old = try encodeVersioned(value, version: 1)
        #expect(
            hex(old)
                == "0001" + "0000000000000102" + "00016d" + "00000174876e8000"
                + "0000000000000001")
        #expect(try decodeVersioned(OffsetCommitValue.self, versions: 0...3, old) == value)
    }

    @Test func groupKeyAndValue() throws {
        var key = GroupMetadataKey()
        key.groupID = "grp"
        let keyBytes = try encodeVersioned(key, version: GroupMetadataKey.version)
        #expect(hex(keyBytes) == "0002" + "0003677270")
        // A key of the one kind is not one of the other.
        #expect(
            try decodeVersioned(
                OffsetCommitKey.self, versions: OffsetCommitKey.versions, keyBytes) == nil)
        var value = GroupMetadataValue()
        (value.protocolType, value.generation, value.stateTimestamp) = ("consumer", 3, 2)
        (value.protocolName, value.leader) = ("range", "m1")
        var member = GroupMetadataValue.Member()
        (member.memberID, member.clientID, member.clientHost) = ("m1", "c", "h")
        member.groupInstanceID = "i"
        (member.rebalanceTimeoutMilliseconds, member.sessionTimeoutMilliseconds) = (6, 5)
        (member.subscription, member.assignment) = ([1, 2], [3])
        value.members = [member]
        let bytes = try encodeVersioned(value, version: GroupMetadataValue.version)
        #expect(
            hex(bytes)
                == "0003" + "0008636f6e73756d6572" + "00000003" + "000572616e6765" + "00026d31"
                + "0000000000000002" + "00000001" + "00026d31" + "000169" + "000163" + "000168"
                + "00000006" + "00000005" + "000000020102" + "0000000103")
        let read = try decodeVersioned(
            GroupMetadataValue.self, versions: GroupMetadataValue.versions, bytes)
        #expect(read == value)
    }
}
