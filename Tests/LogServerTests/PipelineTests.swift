// Several Produce requests of one connection on their way at a time.

import Base
import KafkaWire
import Synchronization
import TestSupport
import Testing

@testable import LogServer

@Suite struct PipelineTests {
    private let disk = MemoryDisk()
    private let gate = Gate()

    /// A server with a topic of four partitions, and a client of it. The first sync of partition 0
    /// waits for the gate.
    private func withHeldSync(
        _ body: (RunningServer, KafkaTestClient) async throws -> Void
    ) async throws {
        try await withServer(disk: disk) { server in
            let client = try server.client()
            _ = try client.createTopic("t", partitions: 4)
            let gate = gate
            let hasHeld = Mutex(false)
            disk.change {
                $0.beforeSync = { path in
                    guard path.contains("/t-"), path.contains("/0/") else { return }
                    let isFirst = hasHeld.withLock { held in
                        defer { held = true }
                        return !held
                    }
                    if isFirst { gate.hold() }
                }
            }
            // A test that fails must not leave the writer waiting.
            defer { gate.open() }
            try await body(server, client)
        }
    }

    /// Sends a record; returns the bytes of the request.
    @discardableResult
    private func send(
        _ value: String, to partition: Int32 = 0, topic: String = "t", acks: Int16 = -1,
        _ client: KafkaTestClient
    ) throws -> Int {
        let request = KafkaTestClient.produceRequest(topic, partition, batch([value]), acks: acks)
        try client.send(request, version: 7)
        // Every value here has as many bytes as this one.
        return try encodeRequest(request, version: 7, correlationID: 0, clientID: "test")
            .reduce(-4) { $0 + $1.count }
    }

    /// The next answer to a Produce request: to which, and the record's offset.
    private func answer(_ client: KafkaTestClient) throws -> (id: Int32, offset: Int64) {
        let frame = try client.receiveFrame()
        let (id, response) = try decodeResponse(to: ProduceRequest.self, version: 7, frame[...])
        let part = try #require(response.topics.first?.partitions.first)
        #expect(part.error == .none)
        return (id, part.baseOffset)
    }

    private func eventuallyTaken(_ bytes: Int, _ server: RunningServer) async {
        await eventually("the requests are taken in") {
            server.server.requestBytesFree == Limits.logRequestsBytesMax - bytes
        }
    }

    /// What comes while a sync runs shares the next one, and the answers keep their order.
    @Test func requestsShareASync() async throws {
        try await withHeldSync { server, client in
            try send("0", client)
            gate.waitUntilHeld()
            let before = disk.syncCount
            var bytes = 0
            for index in 1..<10 { bytes += try send("\(index)", client) }
            // The first one took no room.
            await eventuallyTaken(bytes, server)
            gate.open()
            for index in 0..<10 {
                let (id, offset) = try answer(client)
                #expect(id == index + 2 && offset == index)
            }
            #expect(disk.syncCount == before + 2)
            #expect(server.server.requestBytesFree == Limits.logRequestsBytesMax)
            #expect(try client.fetch("t", from: 0).values() == (0..<10).map { "\($0)" })
        }
    }

    /// A partition whose disk is slow holds up the answers behind it, and not the records.
    @Test func answersKeepTheOrderOfRequests() async throws {
        try await withHeldSync { server, client in
            try send("slow", client)
            gate.waitUntilHeld()
            try send("fast", to: 1, client)
            try client.send(MetadataRequest(), version: 9)
            let other = try server.client()
            #expect(try other.fetch("t", 1, from: 0, wait: 20_000).values() == ["fast"])
            gate.open()
            #expect(try answer(client).id == 2)
            #expect(try answer(client).id == 3)
            #expect(
                try client.receive(answerTo: MetadataRequest.self, version: 9).topics.count == 3)
        }
    }

    /// However many a client sends, only so many are taken in.
    @Test func thereIsABound() async throws {
        try await withHeldSync { server, client in
            var bytes = 0
            for index in 0..<40 { bytes = try send("\(index + 10)", client) }
            gate.waitUntilHeld()
            await eventuallyTaken((Limits.logRequestsInFlightMax - 1) * bytes, server)
            gate.open()
            for index in 0..<40 { #expect(try answer(client).offset == index) }
        }
    }

    /// A request that cannot be served closes the connection after the answers before it.
    @Test func whatIsInLineIsAnsweredBeforeTheEnd() async throws {
        let bad: [[UInt8]] = [
            [0, 0, 0, 11, 0, 1, 0, 99, 0, 0, 0, 1, 0, 1, 0x61],  // Fetch 99
            [0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 1],  // Produce without a body
            [0xFF, 0xFF, 0xFF, 0xFF],
        ]
        for frame in bad {
            let test = PipelineTests()
            try await test.withHeldSync { _, client in
                try test.send("0", client)
                test.gate.waitUntilHeld()
                try client.socket.send(frame)
                test.gate.open()
                #expect(try test.answer(client).offset == 0)
                #expect(try client.socket.receiveAll().isEmpty)
            }
        }
    }

    /// Without acks a failure closes the connection, when its turn has come.
    @Test func aFailureWithoutAnAnswerWaitsForItsTurn() async throws {
        try await withHeldSync { server, client in
            try send("0", client)
            gate.waitUntilHeld()
            try send("1", to: 1, acks: 0, client)
            try send("x", topic: "none", acks: 0, client)
            gate.open()
            #expect(try answer(client).offset == 0)
            #expect(try client.socket.receiveAll().isEmpty)
            let other = try server.client()
            #expect(try other.fetch("t", 1, from: 0, wait: 20_000).values() == ["1"])
        }
    }

    /// A client that has said all it wants gets all its answers, and the room is given back.
    @Test func theLastAnswersAreSent() async throws {
        try await withHeldSync { server, client in
            for index in 0..<5 { try send("\(index)", client) }
            client.socket.finishSending()
            gate.waitUntilHeld()
            gate.open()
            for index in 0..<5 { #expect(try answer(client).offset == index) }
            #expect(try client.socket.receiveAll().isEmpty)
            await eventuallyTaken(0, server)
        }
    }
}
