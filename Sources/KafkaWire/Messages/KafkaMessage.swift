// Requests and answers as frames.
//
//     frame:           int32 length of what follows, header, body
//     request header:  key int16, version int16, correlation id int32,
//                      client id nullable string with an int16 length in every version,
//                      tagged fields if the body is flexible
//     answer header:   correlation id int32, tagged fields if the body is flexible
//
// The answer to ApiVersions never has tagged fields in its header: the client that reads it does
// not know yet which versions the broker speaks.

internal import Base

/// A request: its key, the versions that the description covers, and the answer that goes with it.
package protocol KafkaRequest: KafkaStruct {
    associatedtype Response: KafkaStruct
    static var key: APIKey { get }
    static var versions: ClosedRange<Int16> { get }
    /// The first version with compact lengths and tagged fields.
    static var flexibleFrom: Int16 { get }
}

extension KafkaRequest {
    package static func isFlexible(_ version: Int16) -> Bool { version >= flexibleFrom }
}

/// What stands before the body of a request.
package struct RequestHeader: Sendable, Equatable {
    package var key: APIKey
    package var version: Int16
    package var correlationID: Int32
    package var clientID: String?

    package init(key: APIKey, version: Int16, correlationID: Int32, clientID: String?) {
        self.key = key
        self.version = version
        self.correlationID = correlationID
        self.clientID = clientID
    }
}

/// A request taken apart as far as possible without knowing its kind.
package struct RequestFrame: Sendable {
    package let header: RequestHeader
    /// What follows the client id: the header's tagged fields if there are any, then the body.
    private let rest: ArraySlice<UInt8>

    /// `content` is a frame without its length.
    package init(_ content: ArraySlice<UInt8>) throws(KafkaWireError) {
        var reader = KafkaReader(content, version: 1, isFlexible: false)
        var key: Int16 = 0
        var version: Int16 = 0
        var correlationID: Int32 = 0
        try reader.int16(&key)
        try reader.int16(&version)
        try reader.int32(&correlationID)
        var clientID: String?
        try reader.string(&clientID, nullable: true)
        header = RequestHeader(
            key: APIKey(rawValue: key), version: version, correlationID: correlationID,
            clientID: clientID)
        rest = content.suffix(reader.remaining)
    }

    /// The body, read by the description of `Request`. Bytes after it are ignored.
    package func body<Request: KafkaRequest>(
        _ type: Request.Type
    ) throws(KafkaWireError) -> Request {
        guard Request.versions.contains(header.version) else {
            throw .unsupportedVersion(header.version)
        }
        let isFlexible = Request.isFlexible(header.version)
        var reader = KafkaReader(rest, version: header.version, isFlexible: isFlexible)
        if isFlexible { try reader.skipTags() }
        var request = Request()
        try reader.structure(&request)
        return request
    }
}

/// The pieces of a whole frame: a request as a client sends it.
package func encodeRequest<Request: KafkaRequest>(
    _ request: Request, version: Int16, correlationID: Int32, clientID: String?
) throws(KafkaWireError) -> [[UInt8]] {
    let isFlexible = Request.isFlexible(version)
    var header = KafkaWriter(version: version, isFlexible: false)
    var (length, key, number, correlation) = (
        Int32(0), Request.key.rawValue, version, correlationID
    )
    var client = clientID
    header.int32(&length)
    header.int16(&key)
    header.int16(&number)
    header.int32(&correlation)
    try header.string(&client, nullable: true)
    if isFlexible { header.writeNoTags() }
    var body = KafkaWriter(version: version, isFlexible: isFlexible)
    var copy = request
    try body.structure(&copy)
    header.setFrameLength(try frameLength(header.count - 4 + body.count))
    return header.finish() + body.finish()
}

/// The pieces of a whole frame: an answer to `Request`.
package func encodeResponse<Request: KafkaRequest>(
    _ response: Request.Response, to type: Request.Type, version: Int16, correlationID: Int32
) throws(KafkaWireError) -> [[UInt8]] {
    let isFlexible = Request.isFlexible(version)
    var writer = KafkaWriter(version: version, isFlexible: isFlexible)
    var (length, correlation) = (Int32(0), correlationID)
    writer.int32(&length)
    writer.int32(&correlation)
    if isFlexible, Request.key != .apiVersions { writer.writeNoTags() }
    var copy = response
    try writer.structure(&copy)
    writer.setFrameLength(try frameLength(writer.count - 4))
    return writer.finish()
}

/// Reads an answer: what clients in tests do. `content` is a frame without its length.
package func decodeResponse<Request: KafkaRequest>(
    to type: Request.Type, version: Int16, _ content: ArraySlice<UInt8>
) throws(KafkaWireError) -> (correlationID: Int32, response: Request.Response) {
    let isFlexible = Request.isFlexible(version)
    var reader = KafkaReader(content, version: version, isFlexible: isFlexible)
    var correlationID: Int32 = 0
    try reader.int32(&correlationID)
    if isFlexible, Request.key != .apiVersions { try reader.skipTags() }
    var response = Request.Response()
    try reader.structure(&response)
    return (correlationID, response)
}

private func frameLength(_ length: Int) throws(KafkaWireError) -> Int32 {
    guard let length32 = Int32(exactly: length) else { throw .invalidLength(length) }
    return length32
}
