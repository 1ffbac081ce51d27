import EventLoop
import Synchronization
import TestSupport
import Testing

/// Ends that race with beginnings: nothing is left open, nothing waits for ever.
@Suite struct LifetimeTests {
    private final class Quiet: ConnectionHandler {
        func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) {}
    }

    /// A connection that is still on its way to its loop when the listener closes is closed too.
    @Test func closingAListenerReachesConnectionsOnTheirWay() async throws {
        let group = try EventLoopGroup(count: 2)
        let listener = try await TCPListener.listen(
            host: "127.0.0.1", port: 0, on: group, connectionsMax: 10
        ) { Quiet() }
        // The listener took the first loop, so the first connection goes to the second.
        let isReleased = Mutex(false)
        group.loops[1].execute { while !isReleased.withLock({ $0 }) {} }
        let late = try SocketClient(port: listener.port)
        let early = try SocketClient(port: listener.port)
        await eventually("the early connection is open") { listener.connectionCount == 1 }
        async let closed: Void = listener.close()
        await eventually("the early connection is closed") { listener.connectionCount == 0 }
        isReleased.withLock { $0 = true }
        #expect(try late.receive() == nil)
        #expect(try early.receive() == nil)
        late.finishSending()
        await closed
        await group.shutdown()
    }

    /// A task that was cancelled before it began to connect does not connect.
    @Test func connectingInACancelledTaskFails() async throws {
        let group = try EventLoopGroup(count: 1)
        let listener = try await TCPListener.listen(
            host: "127.0.0.1", port: 0, on: group, connectionsMax: 10
        ) { Quiet() }
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await TCPClient.connect(
                host: "127.0.0.1", port: listener.port, on: group.loops[0], timeout: .seconds(20)
            ) { Quiet() }
        }
        task.cancel()
        await #expect(throws: NetworkError.self) { try await task.value }
        await listener.close()
        await group.shutdown()
    }

    /// A process is not started for a loop that could not watch it any more.
    @Test func spawningOnAClosedLoopFails() async throws {
        let group = try EventLoopGroup(count: 1)
        await group.shutdown()
        await #expect(throws: NetworkError.self) {
            _ = try await ChildProcess.spawn(
                executable: "/bin/true", arguments: [], standardErrorFile: "/dev/null",
                on: group.loops[0])
        }
    }

    /// What a call of a pool holds is let go when the call has ended, though others still wait.
    @Test func poolLetsGoOfEndedCalls() async throws {
        final class Ballast: Sendable {}
        let pool = try BlockingPool(name: "test", threads: 1, queueMax: 10)
        let isReleased = Mutex(false)
        let hasBegun = Mutex(false)
        weak var ballast: Ballast?
        do {
            let held = Ballast()
            ballast = held
            #expect(pool.submit { _ = held })
        }
        let wait: @Sendable () -> Void = {
            hasBegun.withLock { $0 = true }
            while !isReleased.withLock({ $0 }) {}
        }
        #expect(pool.submit(wait))
        #expect(pool.submit(wait))
        await eventually("the second call has begun") { hasBegun.withLock { $0 } }
        #expect(ballast == nil)
        isReleased.withLock { $0 = true }
        await pool.shutdown()
    }
}
