import Base
import Crypto
import EventLoop
import Foundation
import InMemoryLogging
import Logging
import RPC
import Synchronization
import Wire

extension RPCMethod {
    /// Answers with the request's body.
    static let echo = RPCMethod(rawValue: 100)
    /// Is kept until the test answers.
    static let hold = RPCMethod(rawValue: 101)
    /// Is dropped without an answer.
    static let drop = RPCMethod(rawValue: 102)
    /// Fails with `notFound`.
    static let fail = RPCMethod(rawValue: 103)
}

/// A server whose behaviour a test chooses by method, and the log of both sides.
final class Fixture: Sendable {
    static let secret = "a secret for these tests"

    let group: EventLoopGroup
    let log = InMemoryLogHandler()
    private let held = Mutex<[RPCCall]>([])
    private let servers = Mutex<[RPCServer]>([])

    init() throws { group = try EventLoopGroup(count: 2) }

    var logger: Logger {
        var logger = Logger(label: "rpc") { [log] _ in log }
        logger.logLevel = .debug
        return logger
    }

    /// Calls of `hold` that have arrived.
    var heldCalls: [RPCCall] { held.withLock { $0 } }

    func forgetHeldCalls() { held.withLock { $0 = [] } }

    /// Reasons with which connections were closed.
    var closeReasons: [String] {
        log.entries.compactMap { $0.metadata["reason"].map { "\($0)" } }
    }

    func startServer(
        port: UInt16 = 0, inFlightMax: Int = Limits.rpcInFlightMax,
        stallLimit: Duration = .seconds(Limits.rpcStallSeconds)
    ) async throws -> (server: RPCServer, port: UInt16) {
        let server = RPCServer(
            group: group, secret: try ClusterSecret(Self.secret), logger: logger,
            inFlightMax: inFlightMax, stallLimit: stallLimit
        ) { [self] call in
            switch call.method {
            case .echo: call.reply(Array(call.body))
            case .hold: held.withLock { $0.append(call) }
            case .drop: break
            case .fail: call.fail(RPCError(.notFound, "no such shard"))
            default: call.failUnknownMethod()
            }
        }
        servers.withLock { $0.append(server) }
        return (server, try await server.start(host: "127.0.0.1", port: port))
    }

    func client(
        port: UInt16, secret: String = Fixture.secret,
        silenceLimit: Duration = .seconds(Limits.rpcSilenceSeconds)
    ) throws -> RPCClient {
        RPCClient(
            address: HostPort(host: "127.0.0.1", port: port), secret: try ClusterSecret(secret),
            loop: group.next(), logger: logger, jitterSeed: 1, silenceLimit: silenceLimit)
    }

    func shutdown() async {
        forgetHeldCalls()
        for server in servers.withLock({ $0 }) { await server.drain(deadline: .zero) }
        await group.shutdown()
    }

    /// Runs a test with a fixture and takes it down whatever happens.
    static func with(_ body: (Fixture) async throws -> Void) async throws {
        let fixture = try Fixture()
        do {
            try await body(fixture)
        } catch {
            await fixture.shutdown()
            throw error
        }
        await fixture.shutdown()
    }
}

/// The status that `body` fails with; nil if it does not fail or fails with something else.
func status(of body: () async throws -> some Sendable) async -> RPCStatus? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? RPCError)?.status
    }
}
