// The records of `__consumer_offsets`, as Kafka writes them and as lag tools read them: a key and
// a value, each a version int16 and then fields without compact lengths. Keys of version 0 and 1
// name a committed offset; version 2 is a group's own state (GroupMetadataRecord.swift). A null
// value deletes the offset.

/// The key of a committed offset.
package struct OffsetCommitKey: KafkaStruct {
    package var groupID: String = ""
    package var topic: String = ""
    package var partition: Int32 = 0

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&groupID)
        try codec.field(&topic)
        try codec.field(&partition)
    }

    /// The version that is written.
    package static let version: Int16 = 1
    /// The versions that are read.
    package static let versions: ClosedRange<Int16> = 0...1
}

/// A committed offset.
package struct OffsetCommitValue: KafkaStruct {
    package var offset: Int64 = -1
    package var leaderEpoch: Int32 = -1
    package var metadata: String = ""
    package var commitTimestamp: Int64 = -1
    package var expireTimestamp: Int64 = -1

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&offset)
        try codec.field(&leaderEpoch, from: 3)
        try codec.field(&metadata)
        try codec.field(&commitTimestamp)
        try codec.field(&expireTimestamp, from: 1, through: 1)
    }

    /// The version that is written; 1 for an offset with an expiry of its own.
    package static let version: Int16 = 3
    /// The versions that are read.
    package static let versions: ClosedRange<Int16> = 0...3
}

/// A structure behind a version of two bytes.
package func encodeVersioned(
    _ value: some KafkaStruct, version: Int16
) throws(KafkaWireError) -> [UInt8] {
    var writer = KafkaWriter(version: version, isFlexible: false)
    var (copy, number) = (value, version)
    writer.int16(&number)
    try writer.structure(&copy)
    return writer.finish().flatMap { $0 }
}

/// The structure behind a version of two bytes; nil if the version is not in `versions`.
package func decodeVersioned<Value: KafkaStruct>(
    _ type: Value.Type, versions: ClosedRange<Int16>, _ bytes: [UInt8]
) throws(KafkaWireError) -> Value? {
    var prefix = KafkaReader(bytes[...], version: 0, isFlexible: false)
    var version: Int16 = 0
    try prefix.int16(&version)
    guard versions.contains(version) else { return nil }
    var reader = KafkaReader(bytes[2...], version: version, isFlexible: false)
    var value = Value()
    try reader.structure(&value)
    return value
}
