// Why bytes are not a Kafka message, or a message cannot be written as bytes.

/// What was wrong, in the terms of the protocol.
package enum KafkaWireError: Error, Sendable, Equatable {
    /// More bytes were wanted than are left.
    case truncated(needed: Int, available: Int)
    /// A length below -1, or one that the kind of field cannot have.
    case invalidLength(Int)
    /// Null where the protocol has no null.
    case unexpectedNull
    /// A string that is not UTF-8.
    case invalidUTF8
    /// An unsigned varint past 32 bits, or a signed one past 64.
    case overlongVarint
    /// Arrays with more elements in all than one message may have.
    case tooManyElements
    /// A version that the message has no description for.
    case unsupportedVersion(Int16)
    /// A record batch of a format other than 2.
    case unsupportedMagic(Int8)
    /// A record batch whose checksum does not match.
    case checksumMismatch
    /// A record batch that contradicts itself.
    case invalidBatch(String)
}
