import Base
import Crypto
import EventLoop
import RPC
import TestSupport
import Testing
import Wire

/// Connections come, break and come back; calls wait for them, or fail so that callers may retry.
@Suite struct ConnectionTests {
    /// A port on which nobody listens now.
    private func freePort(_ fixture: Fixture) async throws -> UInt16 {
        let (server, port) = try await fixture.startServer()
        await server.drain(deadline: .zero)
        return port
    }

    @Test func aCallWaitsForAServerThatStartsLater() async throws {
        try await Fixture.with { fixture in
            let port = try await freePort(fixture)
            let client = try fixture.client(port: port)
            async let answer = client.call(.echo, body: [5], timeout: .seconds(20))
            await eventually("an attempt has failed") {
                fixture.closeReasons.contains { $0.contains("refused") }
            }
            _ = try await fixture.startServer(port: port)
            #expect(try await answer == [5])
        }
    }

    @Test func withoutAServerTheDeadlineEndsTheWait() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await freePort(fixture))
            do {
                _ = try await client.call(.echo, body: [], timeout: .milliseconds(300))
                Issue.record("the call succeeded")
            } catch let error as RPCError {
                #expect(error.status == .unavailable)
                #expect(error.isRetriable)
                #expect(error.message.contains("refused"), "\(error.message)")
            }
        }
    }

    /// The wait for a connection may be shorter than the call, and does not cut the call itself.
    @Test func theWaitForAConnectionHasADeadlineOfItsOwn() async throws {
        try await Fixture.with { fixture in
            let away = try fixture.client(port: try await freePort(fixture))
            let unavailable = await status {
                try await away.call(
                    .echo, body: [], timeout: .seconds(600), connectTimeout: .milliseconds(50))
            }
            #expect(unavailable == .unavailable)

            let client = try fixture.client(port: try await fixture.startServer().port)
            _ = try await client.call(.echo, body: [], timeout: .seconds(20))
            let late = await status {
                try await client.call(
                    .hold, body: [], timeout: .milliseconds(200), connectTimeout: .milliseconds(1))
            }
            #expect(late == .deadlineExceeded)
        }
    }

    @Test func aLostConnectionFailsItsCallsAndTheNextCallReconnects() async throws {
        try await Fixture.with { fixture in
            let (server, port) = try await fixture.startServer()
            let client = try fixture.client(port: port)
            async let lost = status {
                try await client.call(.hold, body: [], timeout: .seconds(20))
            }
            await eventually("the call is held") { fixture.heldCalls.count == 1 }
            await server.drain(deadline: .zero)
            #expect(await lost == .connectionLost)
            #expect(RPCStatus.connectionLost.isRetriable)
            #expect(fixture.heldCalls.first?.isWanted == false)
            async let answer = client.call(.echo, body: [6], timeout: .seconds(20))
            _ = try await fixture.startServer(port: port)
            #expect(try await answer == [6])
        }
    }

    @Test func drainAnswersWhatIsInFlightAndSendsNewCallsElsewhere() async throws {
        try await Fixture.with { fixture in
            let (server, port) = try await fixture.startServer()
            let client = try fixture.client(port: port)
            async let inFlight = client.call(.hold, body: [], timeout: .seconds(20))
            await eventually("the call is held") { fixture.heldCalls.count == 1 }
            async let drained: Void = server.drain(deadline: .seconds(20))
            // The port is free at once: a successor can take it while the old server finishes.
            var successor: RPCServer?
            await eventually("the port is free") {
                successor = try? await fixture.startServer(port: port).server
                return successor != nil
            }
            #expect(server.connectionCount == 1)
            await eventually("a new call goes to the successor") {
                try await client.call(.echo, body: [1], timeout: .seconds(1)) == [1]
                    && successor?.connectionCount == 1
            }
            fixture.heldCalls.first?.reply([7])
            #expect(try await inFlight == [7])
            await drained
            #expect(server.connectionCount == 0)
        }
    }

    @Test func drainCutsOffWhatIsNotDoneByItsDeadline() async throws {
        try await Fixture.with { fixture in
            let (server, port) = try await fixture.startServer()
            let client = try fixture.client(port: port)
            async let cut = status {
                try await client.call(.hold, body: [], timeout: .seconds(20))
            }
            await eventually("the call is held") { fixture.heldCalls.count == 1 }
            await server.drain(deadline: .milliseconds(100))
            #expect(await cut == .connectionLost)
            #expect(server.connectionCount == 0)
        }
    }

    @Test func aWrongSecretFailsAtOnceWithItsReason() async throws {
        try await Fixture.with { fixture in
            let port = try await fixture.startServer().port
            let client = try fixture.client(port: port, secret: "quite another secret")
            let start = ContinuousClock.now
            for _ in 0..<3 {
                do {
                    _ = try await client.call(.echo, body: [], timeout: .seconds(60))
                    Issue.record("the call succeeded")
                } catch let error as RPCError {
                    #expect(error.status == .unauthenticated)
                    #expect(!error.isRetriable)
                    #expect(error.message.contains("cluster secret"), "\(error.message)")
                }
            }
            #expect(.now - start < .seconds(30))
            #expect(fixture.closeReasons.contains("the peer does not know the cluster secret"))
        }
    }

    @Test func aClosedClientRefusesCalls() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            async let held = status {
                try await client.call(.hold, body: [], timeout: .seconds(20))
            }
            await eventually("the call is held") { fixture.heldCalls.count == 1 }
            await client.close()
            #expect(await held == .unavailable)
            let later = await status {
                try await client.call(.echo, body: [], timeout: .seconds(20))
            }
            #expect(later == .unavailable)
        }
    }

    /// A quiet time without calls is no silence: the first call afterwards that runs out of time
    /// does not take the others with it.
    @Test func anIdleConnectionIsNotSilent() async throws {
        try await Fixture.with { fixture in
            let port = try await fixture.startServer().port
            let limit = Duration.milliseconds(500)
            let client = try fixture.client(port: port, silenceLimit: limit)
            #expect(try await client.call(.echo, body: [1], timeout: .seconds(20)) == [1])
            let start = ContinuousClock.now
            await eventually("the connection was idle") { ContinuousClock.now - start > limit }
            async let slow = client.call(.hold, body: [], timeout: .seconds(20))
            await eventually("the call is held") { fixture.heldCalls.count == 1 }
            let short = await status {
                try await client.call(.hold, body: [], timeout: .milliseconds(1))
            }
            #expect(short == .deadlineExceeded)
            fixture.heldCalls.first?.reply([2])
            #expect(try await slow == [2])
        }
    }

    /// Calls that wait and hear nothing, not a byte, are silence: the connection is given up.
    @Test func aSilentConnectionIsGivenUp() async throws {
        try await Fixture.with { fixture in
            let port = try await fixture.startServer().port
            let client = try fixture.client(port: port, silenceLimit: .milliseconds(50))
            async let slow = status {
                try await client.call(.hold, body: [], timeout: .seconds(20))
            }
            await eventually("the call is held") { fixture.heldCalls.count == 1 }
            let short = await status {
                try await client.call(.hold, body: [], timeout: .milliseconds(100))
            }
            #expect(short == .deadlineExceeded)
            #expect(await slow == .connectionLost)
        }
    }
}
