import EventLoop
import TestSupport
import Testing

/// How a connection ends: what was written arrives, whatever the peer's pace.
@Suite struct ClosingTests {
    /// Writes `count` bytes as soon as it hears one, and closes.
    private final class Parting: ConnectionHandler {
        private let count: Int
        private let deadline: Duration

        init(count: Int, deadline: Duration) {
            self.count = count
            self.deadline = deadline
        }

        func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {
            connection.write([UInt8](repeating: 1, count: count))
            connection.close(deadline: deadline)
        }
    }

    private func withListener(
        count: Int, deadline: Duration, _ body: (SocketClient) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(count: 1)
        let listener = try await TCPListener.listen(
            host: "127.0.0.1", port: 0, on: group, connectionsMax: 10
        ) { Parting(count: count, deadline: deadline) }
        let client = try SocketClient(port: listener.port)
        try await body(client)
        await listener.close()
        await group.shutdown()
    }

    /// The deadline is about a peer that stands still: one that reads on gets everything, though
    /// that takes longer.
    @Test func aSteadyReaderGetsAllOfALongAnswer() async throws {
        let count = 48 << 20
        let deadline = Duration.seconds(1)
        try await withListener(count: count, deadline: deadline) { client in
            try client.send([1])
            let start = ContinuousClock.now
            var received = 0
            while let bytes = try client.receive() {
                received += bytes.count
                // Spreads the reading over three deadlines.
                let due = start + deadline * (3 * Double(received) / Double(count))
                try await Task.sleep(until: due, clock: .continuous)
            }
            #expect(received == count)
        }
    }

    /// A peer that stands still is cut off.
    @Test func aPeerThatTakesNothingIsGivenUp() async throws {
        try await withListener(count: 48 << 20, deadline: .milliseconds(50)) { client in
            try client.send([1])
            var probe: [UInt8] = [0]
            // The reset shows on sending.
            await eventually("the connection is cut") {
                do { try client.send(probe) } catch { return true }
                probe = [0]
                return false
            }
        }
    }

    /// A peer in the middle of sending reads the last answer before the connection is reset.
    @Test func aPeerThatGoesOnSendingGetsTheAnswer() async throws {
        try await withListener(count: 10, deadline: .seconds(20)) { client in
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .milliseconds(1800) {
                try client.send([UInt8](repeating: 2, count: 100))
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try client.receiveAll().count == 10)
        }
    }
}
