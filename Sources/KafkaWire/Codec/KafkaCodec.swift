// The two directions of the protocol behind one interface. A message describes itself once, in
// `visit`: field after field, with the versions that have it. `KafkaReader` fills the fields from
// bytes, `KafkaWriter` turns them into bytes, and tests add a codec that fills them with samples;
// so no field can be read in one way and written in another.
//
//     mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
//         try codec.field(&transactionalID, from: 3)
//         try codec.field(&acks)
//         try codec.field(&topics)
//     }
//
// From its first flexible version on, a message has compact lengths (an unsigned varint of the
// length plus one, 0 = null) instead of int16/int32 ones (-1 = null), and every structure ends in
// tagged fields: a count, then tag number, size and bytes of each. Unknown tags are skipped.

/// A structure of the protocol: a message, or an element of one of its arrays.
package protocol KafkaStruct: Sendable, Equatable {
    init()
    /// Walks over the fields in wire order.
    mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError)
    /// The tags that `visitTag` knows, ascending.
    static var tags: [UInt32] { get }
    /// Whether the tagged field is worth sending; read fields are taken whenever they come.
    func sends(tag: UInt32, version: Int16) -> Bool
    /// Walks over the one field of a tag.
    mutating func visitTag(_ tag: UInt32, _ codec: inout some KafkaCodec) throws(KafkaWireError)
}

extension KafkaStruct {
    package static var tags: [UInt32] { [] }
    package func sends(tag: UInt32, version: Int16) -> Bool { false }
    package mutating func visitTag(
        _ tag: UInt32, _ codec: inout some KafkaCodec
    ) throws(KafkaWireError) {}
}

/// One direction of the protocol.
package protocol KafkaCodec {
    /// The version of the message being walked over.
    var version: Int16 { get }
    mutating func int8(_ value: inout Int8) throws(KafkaWireError)
    mutating func int16(_ value: inout Int16) throws(KafkaWireError)
    mutating func int32(_ value: inout Int32) throws(KafkaWireError)
    mutating func int64(_ value: inout Int64) throws(KafkaWireError)
    mutating func bool(_ value: inout Bool) throws(KafkaWireError)
    mutating func uuid(_ value: inout KafkaUUID) throws(KafkaWireError)
    /// `nullable` says whether nil may occur in this version.
    mutating func string(_ value: inout String?, nullable: Bool) throws(KafkaWireError)
    mutating func bytes(_ value: inout [UInt8]?, nullable: Bool) throws(KafkaWireError)
    mutating func records(_ value: inout KafkaRecords?) throws(KafkaWireError)
    mutating func array<Element>(
        _ values: inout [Element]?, nullable: Bool, empty: Element,
        visit: (inout Element, inout Self) throws(KafkaWireError) -> Void
    ) throws(KafkaWireError)
    /// The fields of a structure, and the tagged fields that end it.
    mutating func structure(_ value: inout some KafkaStruct) throws(KafkaWireError)
}
