import Aggregate
import Base
import Catalog
import Crypto
import EventLoop
import HTTP
import JSON
import Logging
import Model
import Plan
import Query
import RPC
import Synchronization
import TestSupport
import Testing
import Wire

@testable import QueryService

/// Storage nodes that are away, silent, overloaded or wrong: which answer the client gets, and that
/// all is well again when they are.
@Suite struct StoreTroubleTests {
    /// What a scripted node does with a scan.
    enum Conduct: Sendable {
        case answer(PartialResult)
        case fail(RPCStatus)
        /// Keeps the call until it is told otherwise.
        case hold
    }

    /// A node that does as it is told, a query server in front of it and of a healthy one.
    final class Fixture: Sendable {
        let group: EventLoopGroup
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let http: HTTPClient
        let service: QueryService
        let cluster: StoreCluster
        let conduct = Mutex(Conduct.answer(PartialResult()))
        let held = Mutex<[RPCCall]>([])
        let stores: [RPCServer]
        private let server: HTTPServer
        private let port: UInt16
        let ports: [UInt16]

        init(
            timeout: Duration = .seconds(20), patience: Duration = .milliseconds(200),
            runningMax: Int = 4, waitingMax: Int = 2
        ) async throws {
            group = try EventLoopGroup(count: 2)
            http = HTTPClient(loop: group.next())
            let secret = try ClusterSecret(TestCluster.secret)
            let script = Script()
            var stores: [RPCServer] = []
            var ports: [UInt16] = []
            for number in 0..<2 {
                let store = RPCServer(group: group, secret: secret, logger: logger) { call in
                    script.handle(call, number)
                }
                ports.append(try await store.start(host: "127.0.0.1", port: 0))
                stores.append(store)
            }
            let group = group
            let logger = logger
            cluster = StoreCluster(
                ports.map { port in
                    StoreClient(
                        RPCClient(
                            address: HostPort(host: "127.0.0.1", port: port), secret: secret,
                            loop: group.next(), logger: logger, jitterSeed: 1))
                }, patience: patience)
            cluster.partitionCount = 5
            var configuration = QueryServiceConfiguration()
            configuration.timeout = timeout
            configuration.runningMax = runningMax
            configuration.waitingMax = waitingMax
            let catalog = TestCluster.catalog
            service = QueryService(
                cluster: cluster, catalog: { catalog }, zones: { _ in nil },
                configuration: configuration, logger: logger)
            var router = Router()
            service.mount(on: &router)
            server = HTTPServer(router: router, group: group, logger: logger)
            port = try await server.start(host: "127.0.0.1", port: 0)
            self.stores = stores
            self.ports = ports
            script.fixture.withLock { [weak self] in $0 = Weak(self) }
        }

        private struct Weak: Sendable {
            weak let fixture: Fixture?
            init(_ fixture: Fixture?) { self.fixture = fixture }
        }

        /// The nodes' handler, which is made before the fixture is.
        private final class Script: Sendable {
            let fixture = Mutex<Weak?>(nil)

            func handle(_ call: RPCCall, _ number: Int) {
                guard let fixture = fixture.withLock({ $0?.fixture }) else { return }
                fixture.handle(call, number)
            }
        }

        private func handle(_ call: RPCCall, _ number: Int) {
            switch call.method {
            case .appliedOffsets: call.reply(AppliedOffsetsResponse([]))
            case .scan where number == 0: call.reply(ScanResponse(PartialResult()))
            case .scan:
                switch conduct.withLock({ $0 }) {
                case .answer(let partial): call.reply(ScanResponse(partial))
                case .fail(let status): call.fail(RPCError(status, "as the script says"))
                case .hold: held.withLock { $0.append(call) }
                }
            default: call.failUnknownMethod()
            }
        }

        func set(_ conduct: Conduct) { self.conduct.withLock { $0 = conduct } }

        func releaseHeld() {
            let calls = held.withLock { held in
                defer { held = [] }
                return held
            }
            for call in calls { call.reply(ScanResponse(PartialResult())) }
        }

        func count(_ more: String = "") async throws -> TestAnswer {
            let path = "\(TestCluster.projectPath)/queries/count?event_collection=c\(more)"
            let response = try await http.send(
                method: .get, url: "http://127.0.0.1:\(port)\(path)",
                headers: [(name: "Authorization", value: "READ")], timeout: .seconds(60))
            return TestAnswer(response: response)
        }

        func stop() async {
            releaseHeld()
            await server.drain(grace: .seconds(1))
            await cluster.close()
            for store in stores { await store.drain(deadline: .zero) }
            http.close()
            await group.shutdown()
        }

        static func with(
            timeout: Duration = .seconds(20), runningMax: Int = 4, waitingMax: Int = 2,
            _ body: (Fixture) async throws -> Void
        ) async throws {
            let fixture = try await Fixture(
                timeout: timeout, runningMax: runningMax, waitingMax: waitingMax)
            do { try await body(fixture) } catch {
                await fixture.stop()
                throw error
            }
            await fixture.stop()
        }
    }

    /// The answer names the node and its shards long before the query's own deadline, and says
    /// when to come again; the node's return is noticed by the next query.
    @Test func aNodeThatIsAwayIsNamed() async throws {
        try await Fixture.with { fixture in
            #expect(try await fixture.count().result == 0)
            await fixture.stores[1].drain(deadline: .zero)
            for _ in 0..<2 {
                let answer = try await fixture.count()
                #expect(answer.status == 503, "\(answer)")
                #expect(answer.code == "ServiceUnavailableError")
                let message = answer.json?["message"]?.string ?? ""
                #expect(
                    message.contains("127.0.0.1:\(fixture.ports[1]) (shards 1, 3)"), "\(answer)")
                #expect(answer.response.header("retry-after") == "1")
            }
            let store = RPCServer(
                group: fixture.group, secret: try ClusterSecret(TestCluster.secret),
                logger: fixture.logger
            ) { call in
                if call.method == .scan {
                    call.reply(ScanResponse(PartialResult()))
                } else {
                    call.reply(AppliedOffsetsResponse([]))
                }
            }
            _ = try await store.start(host: "127.0.0.1", port: fixture.ports[1])
            await eventually("queries are answered again") {
                try await fixture.count().status == 200
            }
            await store.drain(deadline: .zero)
        }
    }

    /// With `allow_partial` the nodes that are there answer, and the answer names the others.
    @Test func aPartialAnswerNamesWhatIsMissing() async throws {
        try await Fixture.with(timeout: .milliseconds(1200)) { fixture in
            let group = PartialGroup(bucket: 0, key: [], states: [.count(7)])
            fixture.set(.answer(PartialResult(groups: [group])))
            let whole = try await fixture.count("&allow_partial=true&explain=true")
            #expect(whole.result == 7 && whole.json?["missing"]?.array == [], "\(whole)")
            #expect(whole.json?["explain"]?["blocks"]?["cached"] == 0, "\(whole)")
            for conduct in [Conduct.hold, .fail(.overloaded), .fail(.unavailable)] {
                fixture.set(conduct)
                let answer = try await fixture.count("&allow_partial=true")
                #expect(answer.status == 200 && answer.result == 0, "\(answer)")
                let missing = answer.json?["missing"]?.array ?? []
                #expect(missing.count == 1)
                #expect(missing.first?["store"]?.string == "127.0.0.1:\(fixture.ports[1])")
                #expect(missing.first?["shards"]?.array == [1, 3])
                fixture.releaseHeld()
            }
            // What is wrong with the query itself is an error all the same.
            fixture.set(.fail(.resourceExhausted))
            let tooLarge = try await fixture.count("&allow_partial=true")
            #expect(tooLarge.status == 400 && tooLarge.code == "QueryTooLargeError", "\(tooLarge)")
        }
    }

    /// A node that does not finish costs the query its deadline, not more.
    @Test func aSilentNodeIsATimeout() async throws {
        try await Fixture.with(timeout: .milliseconds(300)) { fixture in
            #expect(try await fixture.count().result == 0)
            fixture.set(.hold)
            let answer = try await fixture.count()
            #expect(answer.status == 504 && answer.code == "QueryTimeoutError", "\(answer)")
            #expect(
                answer.text.contains("127.0.0.1:\(fixture.ports[1]) (shards 1, 3)"), "\(answer)")
            #expect(answer.response.header("retry-after") == "1")
            await eventually("the node was told that nobody waits") {
                fixture.held.withLock { $0.allSatisfy { !$0.isWanted } }
            }
            fixture.set(.answer(PartialResult()))
            #expect(try await fixture.count().result == 0)
        }
    }

    @Test(arguments: [
        (RPCStatus.resourceExhausted, 400, "QueryTooLargeError"),
        (.overloaded, 503, "ServiceUnavailableError"),
        (.unavailable, 503, "ServiceUnavailableError"),
        (.deadlineExceeded, 504, "QueryTimeoutError"),
        (.internal, 500, "InternalServerError"), (.badRequest, 500, "InternalServerError"),
    ])
    func whatANodeSaysBecomesAnAnswer(status: RPCStatus, expected: Int, code: String) async throws {
        try await Fixture.with { fixture in
            fixture.set(.fail(status))
            let answer = try await fixture.count()
            #expect(answer.status == expected && answer.code == code, "\(answer)")
            #expect(answer.text.contains("as the script says"), "\(answer)")
            fixture.set(.answer(PartialResult()))
            #expect(try await fixture.count().result == 0)
        }
    }

    /// Partial results of another plan are not turned into an answer.
    @Test func aWrongPartIsAnError() async throws {
        try await Fixture.with { fixture in
            for group in [
                PartialGroup(bucket: 3, key: [], states: [.count(1)]),
                PartialGroup(bucket: 0, key: [.int(1)], states: [.count(1)]),
                PartialGroup(bucket: 0, key: [], states: []),
                PartialGroup(bucket: 0, key: [], states: [.minimum(nil)]),
            ] {
                fixture.set(.answer(PartialResult(groups: [group])))
                let answer = try await fixture.count()
                #expect(answer.status == 500 && answer.code == "InternalServerError", "\(answer)")
            }
        }
    }

    /// Beyond the running and the waiting ones a query is refused at once, and those that wait get
    /// their turn in order.
    @Test func tooManyQueries() async throws {
        try await Fixture.with(runningMax: 1, waitingMax: 2) { fixture in
            fixture.set(.hold)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for waiting in 0...2 {
                    group.addTask { try await fixture.count().status }
                    await eventually("query \(waiting) is in") {
                        fixture.service.gate.runningCount == 1
                            && fixture.service.gate.waitingCount == waiting
                    }
                }
                let refused = try await fixture.count()
                #expect(refused.status == 503 && refused.code == "TooManyQueriesError")
                #expect(refused.response.header("retry-after") == "1")
                fixture.set(.answer(PartialResult()))
                await eventually("the first is at the node") {
                    fixture.held.withLock { !$0.isEmpty }
                }
                fixture.releaseHeld()
                for try await status in group { #expect(status == 200) }
            }
            await eventually("the gate is empty") {
                fixture.service.gate.runningCount == 0 && fixture.service.gate.waitingCount == 0
            }
        }
    }

    /// Who waits beyond his deadline is told that it was the crowd.
    @Test func waitingHasADeadline() async throws {
        try await Fixture.with(timeout: .milliseconds(300), runningMax: 1) { fixture in
            fixture.set(.hold)
            async let first = fixture.count()
            await eventually("the first runs") { fixture.held.withLock { !$0.isEmpty } }
            // Begins later, so its own deadline is behind the first one's: the place is free in
            // time, and its scan is not.
            let second = try await fixture.count()
            #expect([503, 504].contains(second.status), "\(second)")
            #expect(try await first.status == 504)
        }
    }

    /// Until the log has said how many partitions there are, a part of the events could be missing.
    @Test func unknownPartitions() async throws {
        try await Fixture.with { fixture in
            fixture.cluster.partitionCount = 0
            let answer = try await fixture.count()
            #expect(answer.status == 503 && answer.code == "ServiceUnavailableError", "\(answer)")
            fixture.cluster.partitionCount = 1
            #expect(try await fixture.count().result == 0)
        }
    }
}
