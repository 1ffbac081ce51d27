// The unit of the RPC on a connection.
//
//     u32 count of the bytes that follow | u8 kind | fields of the kind
//
//     1 hello      4 bytes "MRPC" | u8 version | 32 bytes client nonce
//     2 challenge  u8 version | 32 bytes server nonce
//     3 proof      32 bytes client proof
//     4 welcome    32 bytes server proof | u32 frame bytes max | u32 in-flight calls max
//     5 refusal    u16 status | UTF-8 reason to the end
//     16 request   u64 call id | u16 method | u32 remaining milliseconds | body to the end
//     17 response  u64 call id | u16 status | body, or UTF-8 reason, to the end
//     18 cancel    u64 call id
//     19 goAway    -
//
// Numbers are little-endian. docs/formats/rpc.md tells the order of the frames and the proofs.

package import Base

/// One frame.
package enum Frame: Sendable, Equatable {
    case hello(version: UInt8, nonce: [UInt8])
    case challenge(version: UInt8, nonce: [UInt8])
    case proof([UInt8])
    case welcome(proof: [UInt8], frameBytesMax: UInt32, inFlightMax: UInt32)
    case refusal(status: UInt16, reason: String)
    case request(RequestFrame)
    case response(ResponseFrame)
    case cancel(callID: UInt64)
    case goAway

    /// The version of everything that this file describes.
    package static let version: UInt8 = 1
    package static let magic: [UInt8] = Array("MRPC".utf8)
    /// Bytes of a nonce, and of a proof.
    package static let nonceBytes = 32
    package static let proofBytes = 32
}

/// A call on its way to the server.
package struct RequestFrame: Sendable, Equatable {
    package var callID: UInt64
    package var method: RPCMethod
    /// Milliseconds that the caller will still wait.
    package var remainingMilliseconds: UInt32
    package var body: ArraySlice<UInt8>

    package init(
        callID: UInt64, method: RPCMethod, remainingMilliseconds: UInt32, body: ArraySlice<UInt8>
    ) {
        self.callID = callID
        self.method = method
        self.remainingMilliseconds = remainingMilliseconds
        self.body = body
    }
}

/// An answer on its way back. The body of a status other than `ok` is a reason in words.
package struct ResponseFrame: Sendable, Equatable {
    package var callID: UInt64
    package var status: UInt16
    package var body: ArraySlice<UInt8>

    package init(callID: UInt64, status: UInt16, body: ArraySlice<UInt8>) {
        self.callID = callID
        self.status = status
        self.body = body
    }
}

extension Frame {
    fileprivate enum Kind {
        static let hello: UInt8 = 1
        static let challenge: UInt8 = 2
        static let proof: UInt8 = 3
        static let welcome: UInt8 = 4
        static let refusal: UInt8 = 5
        static let request: UInt8 = 16
        static let response: UInt8 = 17
        static let cancel: UInt8 = 18
        static let goAway: UInt8 = 19
    }

    /// The bytes of a request besides its body, the leading count included.
    package static let requestOverheadBytes = 19
    /// The bytes of a response besides its body, the leading count included.
    package static let responseOverheadBytes = 15

    /// The whole frame with its leading count.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.write(littleEndian: UInt32(0))
        switch self {
        case .hello(let version, let nonce):
            writer.write(Kind.hello)
            writer.write(Self.magic)
            writer.write(version)
            writer.write(nonce)
        case .challenge(let version, let nonce):
            writer.write(Kind.challenge)
            writer.write(version)
            writer.write(nonce)
        case .proof(let proof):
            writer.write(Kind.proof)
            writer.write(proof)
        case .welcome(let proof, let frameBytesMax, let inFlightMax):
            writer.write(Kind.welcome)
            writer.write(proof)
            writer.write(littleEndian: frameBytesMax)
            writer.write(littleEndian: inFlightMax)
        case .refusal(let status, let reason):
            writer.write(Kind.refusal)
            writer.write(littleEndian: status)
            writer.write(reason.utf8)
        case .request(let request): return request.head() + request.body
        case .response(let response): return response.head() + response.body
        case .cancel(let callID):
            writer.write(Kind.cancel)
            writer.write(littleEndian: callID)
        case .goAway: writer.write(Kind.goAway)
        }
        writer.overwrite(littleEndian: UInt32(writer.count - 4), at: 0)
        return writer.bytes
    }

    /// Reads what follows the leading count. The body of a call stays in `content`, uncopied.
    package init(content: [UInt8]) throws(ByteReaderError) {
        var reader = ByteReader(content)
        switch try reader.readByte() {
        case Kind.hello: self = try Self.readHello(&reader)
        case Kind.challenge:
            let version = try reader.readByte()
            self = .challenge(version: version, nonce: try reader.readArray(Self.nonceBytes))
        case Kind.proof: self = .proof(try reader.readArray(Self.proofBytes))
        case Kind.welcome:
            let proof = try reader.readArray(Self.proofBytes)
            let frameBytesMax = try reader.readLittleEndian(UInt32.self)
            self = .welcome(
                proof: proof, frameBytesMax: frameBytesMax,
                inFlightMax: try reader.readLittleEndian())
        case Kind.refusal:
            let status = try reader.readLittleEndian(UInt16.self)
            // A damaged reason must not hide the refusal, so this decoding repairs.
            let reason = try reader.readBytes(reader.remaining)
            self = .refusal(status: status, reason: String(decoding: reason, as: UTF8.self))
        case Kind.request: self = .request(try RequestFrame(from: &reader))
        case Kind.response: self = .response(try ResponseFrame(from: &reader))
        case Kind.cancel: self = .cancel(callID: try reader.readLittleEndian())
        case Kind.goAway: self = .goAway
        case let kind: throw .invalidValue(offset: 0, what: "unknown frame kind \(kind)")
        }
        try reader.requireEnd()
    }

    private static func readHello(_ reader: inout ByteReader) throws(ByteReaderError) -> Frame {
        let start = reader.offset
        guard try reader.readArray(magic.count) == magic else {
            throw .invalidValue(offset: start, what: "hello does not begin with MRPC")
        }
        let version = try reader.readByte()
        return .hello(version: version, nonce: try reader.readArray(nonceBytes))
    }
}

extension RequestFrame {
    /// Everything before the body: lets a large body be sent without being copied.
    package func head() -> [UInt8] {
        var writer = ByteWriter(capacity: Frame.requestOverheadBytes)
        writer.write(littleEndian: UInt32(Frame.requestOverheadBytes - 4 + body.count))
        writer.write(Frame.Kind.request)
        writer.write(littleEndian: callID)
        writer.write(littleEndian: method.rawValue)
        writer.write(littleEndian: remainingMilliseconds)
        return writer.bytes
    }

    fileprivate init(from reader: inout ByteReader) throws(ByteReaderError) {
        callID = try reader.readLittleEndian()
        method = RPCMethod(rawValue: try reader.readLittleEndian())
        remainingMilliseconds = try reader.readLittleEndian()
        body = try reader.readBytes(reader.remaining)
    }
}

extension ResponseFrame {
    /// Everything before the body.
    package func head() -> [UInt8] {
        var writer = ByteWriter(capacity: Frame.responseOverheadBytes)
        writer.write(littleEndian: UInt32(Frame.responseOverheadBytes - 4 + body.count))
        writer.write(Frame.Kind.response)
        writer.write(littleEndian: callID)
        writer.write(littleEndian: status)
        return writer.bytes
    }

    fileprivate init(from reader: inout ByteReader) throws(ByteReaderError) {
        callID = try reader.readLittleEndian()
        status = try reader.readLittleEndian()
        body = try reader.readBytes(reader.remaining)
    }
}

extension ByteReader {
    fileprivate mutating func readArray(_ count: Int) throws(ByteReaderError) -> [UInt8] {
        Array(try readBytes(count))
    }
}
