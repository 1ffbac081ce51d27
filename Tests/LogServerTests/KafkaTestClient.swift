// A client for tests that speaks the protocol with the product's own messages over a real socket.

import Base
import Crypto
import EventLoop
import Foundation
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

/// A blocking connection: one request, one answer.
final class KafkaTestClient {
    let socket: SocketClient
    private var correlationID: Int32 = 0
    private var buffer: [UInt8] = []

    private var tls: TLSSession?

    init(port: UInt16) throws { socket = try SocketClient(port: port) }

    /// The same inside TLS; returns once the handshake is done.
    init(port: UInt16, tls context: TLSContext) throws {
        socket = try SocketClient(port: port)
        var session = try TLSSession(context, serverName: "127.0.0.1")
        while true {
            let outcome = session.handshake()
            try socket.send(Self.drained(&session))
            if case .moved = outcome { break }
            if case .failed(let error) = outcome { throw error }
            guard let bytes = try socket.receive() else { throw SocketClientError.closed }
            bytes.withUnsafeBytes { session.take($0) }
        }
        tls = consume session
    }

    private static func drained(_ session: inout TLSSession) -> [UInt8] {
        var bytes: [UInt8] = []
        session.drain(into: &bytes)
        return bytes
    }

    private func transmit(_ bytes: [UInt8]) throws {
        guard var session = tls.take() else { return try socket.send(bytes) }
        _ = bytes.withUnsafeBytes { session.write($0) }
        let ciphertext = Self.drained(&session)
        tls = consume session
        try socket.send(ciphertext)
    }

    /// Some bytes; nil when the server closed.
    private func receiveSome() throws -> [UInt8]? {
        guard var session = tls.take() else { return try socket.receive() }
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            switch buffer.withUnsafeMutableBytes({ session.read(into: $0) }) {
            case .moved(let count):
                tls = consume session
                return Array(buffer[..<count])
            case .needsInput:
                guard let bytes = try socket.receive() else { return nil }
                bytes.withUnsafeBytes { session.take($0) }
            case .ended: return nil
            case .failed(let error): throw error
            }
        }
    }

    func send<Request: KafkaRequest>(
        _ request: Request, version: Int16, clientID: String? = "test"
    ) throws {
        correlationID += 1
        let pieces = try encodeRequest(
            request, version: version, correlationID: correlationID, clientID: clientID)
        try transmit(pieces.flatMap(\.self))
    }

    /// The content of the next frame.
    func receiveFrame() throws -> [UInt8] {
        while true {
            if buffer.count >= 4 {
                let length = buffer[..<4].reduce(0) { $0 << 8 | Int($1) }
                if buffer.count >= 4 + length {
                    defer { buffer.removeFirst(4 + length) }
                    return Array(buffer[4..<4 + length])
                }
            }
            guard let more = try receiveSome() else { throw SocketClientError.closed }
            buffer += more
        }
    }

    func receive<Request: KafkaRequest>(
        answerTo type: Request.Type, version: Int16
    ) throws -> Request.Response {
        let frame = try receiveFrame()
        let (id, response) = try decodeResponse(to: type, version: version, frame[...])
        #expect(id == correlationID)
        return response
    }

    func ask<Request: KafkaRequest>(
        _ request: Request, version: Int16? = nil
    ) throws -> Request.Response {
        let version = version ?? Request.versions.upperBound
        try send(request, version: version)
        return try receive(answerTo: Request.self, version: version)
    }
}

extension KafkaTestClient {
    func createTopic(
        _ name: String, partitions: Int32 = 1, settings: [String: String] = [:]
    ) throws -> CreateTopicsResponse.Topic {
        var topic = CreateTopicsRequest.Topic()
        topic.name = name
        topic.partitionCount = partitions
        topic.replicationFactor = 1
        topic.configs = settings.map { key, value in
            var config = CreateTopicsRequest.Config()
            (config.name, config.value) = (key, value)
            return config
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        return try #require(try ask(request).topics.first)
    }

    static func produceRequest(
        _ topic: String, _ partition: Int32 = 0, _ bytes: [UInt8]?, acks: Int16 = -1
    ) -> ProduceRequest {
        var part = ProduceRequest.Partition()
        part.index = partition
        part.records = bytes.map { .owned($0) }
        var entry = ProduceRequest.Topic()
        (entry.name, entry.partitions) = (topic, [part])
        var request = ProduceRequest()
        (request.acks, request.topics) = (acks, [entry])
        return request
    }

    func produce(
        _ topic: String, _ partition: Int32 = 0, _ bytes: [UInt8]?, acks: Int16 = -1,
        version: Int16 = 9
    ) throws -> ProduceResponse.Partition {
        let request = Self.produceRequest(topic, partition, bytes, acks: acks)
        return try #require(try ask(request, version: version).topics.first?.partitions.first)
    }

    static func fetchRequest(
        _ topic: String, _ partition: Int32 = 0, from offset: Int64, wait: Int32 = 0,
        minBytes: Int32 = 1, maxBytes: Int32 = 1 << 20
    ) -> FetchRequest {
        var part = FetchRequest.Partition()
        (part.index, part.fetchOffset, part.maxBytes) = (partition, offset, maxBytes)
        var entry = FetchRequest.Topic()
        (entry.name, entry.partitions) = (topic, [part])
        var request = FetchRequest()
        request.topics = [entry]
        (request.maxWaitMilliseconds, request.minBytes) = (wait, minBytes)
        return request
    }

    func fetch(
        _ topic: String, _ partition: Int32 = 0, from offset: Int64, wait: Int32 = 0,
        minBytes: Int32 = 1, maxBytes: Int32 = 1 << 20, version: Int16 = 12
    ) throws -> FetchResponse.Partition {
        let request = Self.fetchRequest(
            topic, partition, from: offset, wait: wait, minBytes: minBytes, maxBytes: maxBytes)
        return try #require(try ask(request, version: version).topics.first?.partitions.first)
    }

    func metadata(_ names: [String]?, creates: Bool = true) throws -> MetadataResponse {
        var request = MetadataRequest()
        request.topics = names?.map {
            var topic = MetadataRequest.Topic()
            topic.name = $0
            return topic
        }
        request.allowAutoTopicCreation = creates
        return try ask(request)
    }

    func listOffset(_ topic: String, at timestamp: Int64) throws -> ListOffsetsResponse.Partition {
        var part = ListOffsetsRequest.Partition()
        part.timestamp = timestamp
        var entry = ListOffsetsRequest.Topic()
        (entry.name, entry.partitions) = (topic, [part])
        var request = ListOffsetsRequest()
        request.topics = [entry]
        return try #require(try ask(request).topics.first?.partitions.first)
    }
}

extension FetchResponse.Partition {
    /// The values of the records.
    func values() throws -> [String] {
        var rest = records?.bytes ?? []
        var values: [String] = []
        while !rest.isEmpty {
            let header = try RecordBatchHeader(rest)
            try forEachRecord(inBatch: rest) { _, record in
                values.append(String(decoding: record.value ?? [], as: UTF8.self))
                return true
            }
            rest = rest.dropFirst(header.totalByteCount)
        }
        return values
    }
}

/// A server in the test's process, on a directory that is removed afterwards.
final class RunningServer: Sendable {
    let server: LogServer
    let port: UInt16
    let directory: TemporaryDirectory
    private let group: EventLoopGroup

    init(
        directory: TemporaryDirectory? = nil, disk: any LogDisk = LocalDisk(),
        _ change: (inout LogServerConfiguration) -> Void = { _ in }
    ) async throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        var configuration = LogServerConfiguration(directory: directory.path)
        configuration.groups.initialRebalanceDelay = .milliseconds(50)
        change(&configuration)
        group = try EventLoopGroup(count: 2, name: "test-log")
        server = try LogServer(
            configuration: configuration, disk: disk, group: group, logger: quiet)
        port = try await server.start(host: "127.0.0.1", port: 0)
    }

    var brokers: [String] { ["127.0.0.1:\(port)"] }

    func client() throws -> KafkaTestClient { try KafkaTestClient(port: port) }

    func stop() async {
        await server.stop(grace: .seconds(2))
        await group.shutdown()
    }
}

/// Runs a body with a server and stops it.
func withServer(
    directory: TemporaryDirectory? = nil, disk: any LogDisk = LocalDisk(),
    _ change: (inout LogServerConfiguration) -> Void = { _ in },
    _ body: (RunningServer) async throws -> Void
) async throws {
    let server = try await RunningServer(directory: directory, disk: disk, change)
    do { try await body(server) } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}
