// The messages by kind, and codecs that look at their descriptions or fill their fields.

import Base
import KafkaWire

/// One kind of request with its answer, with the type taken away.
struct MessageKind: Sendable {
    let key: APIKey
    let name: String
    let versions: ClosedRange<Int16>
    /// The description of one version, in the words of MessageDefinitions.swift.
    let requestSignature: @Sendable (Int16) throws -> String
    let responseSignature: @Sendable (Int16) throws -> String
    /// A filled request as a frame without its length; and whether it reads as the same again.
    let requestFrame: @Sendable (Int16) throws -> [UInt8]
    /// A request's frame without its length, read and written again.
    let rewritten: @Sendable (ArraySlice<UInt8>) throws -> [UInt8]
    let readsSame: @Sendable (Int16, ArraySlice<UInt8>) throws -> Bool
    let responseFrame: @Sendable (Int16) throws -> [UInt8]
    let readsSameResponse: @Sendable (Int16, ArraySlice<UInt8>) throws -> Bool

    init<Request: KafkaRequest>(_ type: Request.Type) {
        key = Request.key
        name = "\(type)"
        versions = Request.versions
        requestSignature = { try signature(Request.self, $0, Request.isFlexible($0)) }
        responseSignature = { try signature(Request.Response.self, $0, Request.isFlexible($0)) }
        requestFrame = { version in
            let pieces = try encodeRequest(
                try filled(Request.self, version), version: version, correlationID: 77,
                clientID: "me")
            return Array(pieces.joined().dropFirst(4))
        }
        rewritten = { bytes in
            let frame = try RequestFrame(bytes)
            let header = frame.header
            let pieces = try encodeRequest(
                try frame.body(Request.self), version: header.version,
                correlationID: header.correlationID, clientID: header.clientID)
            return Array(pieces.joined().dropFirst(4))
        }
        readsSame = { version, bytes in
            let frame = try RequestFrame(bytes)
            return try frame.body(Request.self) == filled(Request.self, version)
        }
        responseFrame = { version in
            let pieces = try encodeResponse(
                try filled(Request.Response.self, version), to: Request.self, version: version,
                correlationID: 78)
            return Array(pieces.joined().dropFirst(4))
        }
        readsSameResponse = { version, bytes in
            let answer = try decodeResponse(to: Request.self, version: version, bytes)
            return try answer.correlationID == 78
                && answer.response == filled(Request.Response.self, version)
        }
    }

    static let all: [MessageKind] = [
        MessageKind(ApiVersionsRequest.self), MessageKind(CreatePartitionsRequest.self),
        MessageKind(CreateTopicsRequest.self), MessageKind(DeleteGroupsRequest.self),
        MessageKind(DeleteRecordsRequest.self), MessageKind(DeleteTopicsRequest.self),
        MessageKind(DescribeClusterRequest.self), MessageKind(DescribeConfigsRequest.self),
        MessageKind(DescribeGroupsRequest.self), MessageKind(FetchRequest.self),
        MessageKind(FindCoordinatorRequest.self), MessageKind(HeartbeatRequest.self),
        MessageKind(InitProducerIDRequest.self), MessageKind(JoinGroupRequest.self),
        MessageKind(LeaveGroupRequest.self), MessageKind(ListGroupsRequest.self),
        MessageKind(ListOffsetsRequest.self), MessageKind(MetadataRequest.self),
        MessageKind(OffsetCommitRequest.self), MessageKind(OffsetDeleteRequest.self),
        MessageKind(OffsetFetchRequest.self), MessageKind(OffsetForLeaderEpochRequest.self),
        MessageKind(ProduceRequest.self), MessageKind(SyncGroupRequest.self),
        MessageKind(SaslHandshakeRequest.self), MessageKind(SaslAuthenticateRequest.self),
        MessageKind(DescribeUserScramCredentialsRequest.self),
        MessageKind(AlterUserScramCredentialsRequest.self),
        MessageKind(AddPartitionsToTxnRequest.self), MessageKind(AddOffsetsToTxnRequest.self),
        MessageKind(EndTxnRequest.self), MessageKind(TxnOffsetCommitRequest.self),
        MessageKind(DescribeTransactionsRequest.self), MessageKind(ListTransactionsRequest.self),
        MessageKind(AlterConfigsRequest.self), MessageKind(IncrementalAlterConfigsRequest.self),
        MessageKind(DescribeLogDirsRequest.self), MessageKind(DescribeProducersRequest.self),
        MessageKind(DescribeTopicPartitionsRequest.self), MessageKind(ElectLeadersRequest.self),
        MessageKind(ListPartitionReassignmentsRequest.self), MessageKind(DescribeAclsRequest.self),
        MessageKind(CreateAclsRequest.self), MessageKind(DeleteAclsRequest.self),
        MessageKind(DescribeClientQuotasRequest.self),
    ]
}

private func signature<S: KafkaStruct>(
    _ type: S.Type, _ version: Int16, _ isFlexible: Bool
) throws -> String {
    var codec = SignatureCodec(version: version)
    var value = S()
    try value.visit(&codec)
    return ((isFlexible ? ["~"] : []) + codec.words).joined(separator: " ")
}

/// A structure with something in every field, the same every time.
func filled<S: KafkaStruct>(_ type: S.Type, _ version: Int16) throws -> S {
    var codec = FillingCodec(version: version)
    var value = S()
    try codec.structure(&value)
    return value
}

/// Writes down what a message describes.
private struct SignatureCodec: KafkaCodec {
    let version: Int16
    var words: [String] = []

    init(version: Int16) { self.version = version }

    mutating func int8(_ value: inout Int8) { words.append("i8") }
    mutating func int16(_ value: inout Int16) { words.append("i16") }
    mutating func int32(_ value: inout Int32) { words.append("i32") }
    mutating func int64(_ value: inout Int64) { words.append("i64") }
    mutating func bool(_ value: inout Bool) { words.append("bool") }
    mutating func uuid(_ value: inout KafkaUUID) { words.append("uuid") }
    mutating func string(_ value: inout String?, nullable: Bool) {
        words.append(nullable ? "s?" : "s")
    }
    mutating func bytes(_ value: inout [UInt8]?, nullable: Bool) {
        words.append(nullable ? "b?" : "b")
    }
    mutating func records(_ value: inout KafkaRecords?) { words.append("r?") }

    mutating func array<Element>(
        _ values: inout [Element]?, nullable: Bool, empty: Element,
        visit: (inout Element, inout SignatureCodec) throws(KafkaWireError) -> Void
    ) throws(KafkaWireError) {
        var inner = SignatureCodec(version: version)
        var element = empty
        try visit(&element, &inner)
        words.append("[\(inner.words.joined(separator: " "))]" + (nullable ? "?" : ""))
    }

    mutating func structure(_ value: inout some KafkaStruct) throws(KafkaWireError) {
        try value.visit(&self)
    }
}

/// Fills every field with a value of its own.
private struct FillingCodec: KafkaCodec {
    let version: Int16
    private var count = 0

    init(version: Int16) { self.version = version }

    private mutating func next() -> Int {
        count += 1
        return count
    }

    mutating func int8(_ value: inout Int8) { value = Int8(truncatingIfNeeded: next()) }
    mutating func int16(_ value: inout Int16) { value = Int16(truncatingIfNeeded: next() * 257) }
    mutating func int32(_ value: inout Int32) { value = -Int32(next()) }
    mutating func int64(_ value: inout Int64) { value = Int64(next()) << 40 }
    mutating func bool(_ value: inout Bool) { value.toggle() }
    mutating func uuid(_ value: inout KafkaUUID) {
        value = KafkaUUID(high: UInt64(next()), low: .max)
    }
    mutating func string(_ value: inout String?, nullable: Bool) {
        value = nullable && next() % 5 == 0 ? nil : "söme \(next())"
    }
    mutating func bytes(_ value: inout [UInt8]?, nullable: Bool) {
        value = [UInt8](repeating: UInt8(truncatingIfNeeded: next()), count: 200)
    }
    mutating func records(_ value: inout KafkaRecords?) {
        // Above the size from which records become a piece of their own.
        value = .owned([UInt8](repeating: UInt8(truncatingIfNeeded: next()), count: 1100))
    }

    mutating func array<Element>(
        _ values: inout [Element]?, nullable: Bool, empty: Element,
        visit: (inout Element, inout FillingCodec) throws(KafkaWireError) -> Void
    ) throws(KafkaWireError) {
        guard !(nullable && next() % 5 == 0) else { return values = nil }
        var filled: [Element] = []
        for _ in 0..<2 {
            var element = empty
            try visit(&element, &self)
            filled.append(element)
        }
        values = filled
    }

    mutating func structure(_ value: inout some KafkaStruct) throws(KafkaWireError) {
        try value.visit(&self)
    }
}

/// Bytes from hexadecimal digits; spaces do not count.
func bytes(hex text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue ?? 0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// Hexadecimal digits of bytes.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
