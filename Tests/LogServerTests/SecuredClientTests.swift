// librdkafka through LogClient against a server with TLS, users, or both.

import Base
import Crypto
import EventLoop
import KafkaWire
import LogClient
import Model
import TestSupport
import Testing

@testable import LogServer

@Suite struct SecuredClientTests {
    let files: TestCertificates
    init() throws { files = try TestCertificates.shared.get() }

    private func serverContext(clients: Bool = false) throws -> TLSContext {
        try .server(
            TLSIdentity(
                certificateFile: files.path("server.pem"), keyFile: files.path("server.key")),
            clientAuthorities: clients ? files.path("authority.pem") : nil)
    }

    private func security(
        tls: Bool, certificate: String? = nil, authority: String = "authority",
        _ mechanism: String? = nil, password: String = "wonder"
    ) -> LogSecurity {
        LogSecurity(
            tls: tls
                ? LogSecurity.TLS(
                    authorityFile: files.path("\(authority).pem"),
                    certificateFile: certificate.map { files.path("\($0).pem") },
                    keyFile: certificate.map { files.path("\($0).key") })
                : nil,
            login: mechanism.map {
                LogSecurity.Login(mechanism: $0, username: "alice", password: password)
            })
    }

    /// Writes a record and reads it back in a group.
    private func roundTrip(_ port: UInt16, _ security: LogSecurity?, topic: String) async throws {
        let connection = LogConnection(brokers: ["127.0.0.1:\(port)"], security: security)
        let admin = try LogAdmin(connection: connection, logger: quiet)
        try await admin.createTopic(topic, partitions: 1, timeout: .seconds(20))
        let producer = try LogProducer(
            configuration: LogProducerConfiguration(connection: connection), logger: quiet)
        let values = (0..<50).map { "\($0)-" + String(repeating: "x", count: $0 * 1000) }
        for (index, value) in values.enumerated() {
            _ = try producer.topic(topic).publish(
                partition: 0, key: [1], value: Array(value.utf8), token: UInt64(index))
        }
        #expect(await producer.flush(timeout: .seconds(20)))
        await producer.close()
        let arrivals = Arrivals()
        let consumer = try LogConsumer(
            configuration: LogConsumerConfiguration(
                connection: connection, group: "g-\(topic)", topics: [topic]), logger: quiet
        ) { arrivals.take($0) }
        await eventually("the partition is assigned") { arrivals.assigned.count == 1 }
        consumer.assign(
            arrivals.assigned.map { PartitionOffset($0, offset: PartitionOffset.beginning) })
        await eventually("all records arrive") { arrivals.values == values }
        await consumer.close()
    }

    /// Nobody gets in: the log is asked for its topics in vain.
    private func isRefused(_ port: UInt16, _ security: LogSecurity?) async throws -> Bool {
        let connection = LogConnection(brokers: ["127.0.0.1:\(port)"], security: security)
        let admin = try LogAdmin(connection: connection, logger: quiet)
        do {
            _ = try await admin.topics(timeout: .milliseconds(500))
            return false
        } catch { return true }
    }

    @Test(arguments: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    func usersWithAndWithoutTLS(_ mechanism: String) async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            let port = try await server.server.startTLS(
                host: "127.0.0.1", port: 0, offer: TLSOffer(serverContext()))
            try await roundTrip(server.port, security(tls: false, mechanism), topic: "plain")
            try await roundTrip(port, security(tls: true, mechanism), topic: "secure")
        }
    }

    @Test func whoDoesNotGetIn() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            let port = try await server.server.startTLS(
                host: "127.0.0.1", port: 0, offer: TLSOffer(serverContext()))
            async let refused = [
                isRefused(port, security(tls: true, "PLAIN", password: "x")),
                isRefused(port, security(tls: true, "SCRAM-SHA-512", password: "x")),
                isRefused(port, security(tls: true)),
                isRefused(port, security(tls: false, "SCRAM-SHA-512")),
                isRefused(port, nil),
                isRefused(port, security(tls: true, authority: "stranger", "PLAIN")),
                isRefused(server.port, nil),
                isRefused(server.port, security(tls: true, "PLAIN")),
                isRefused(server.port, security(tls: false, "PLAIN", password: "x")),
            ]
            #expect(try await refused == [Bool](repeating: true, count: 9))
        }
    }

    @Test func certificatesOfClients() async throws {
        try await withServer { server in
            let port = try await server.server.startTLS(
                host: "127.0.0.1", port: 0, offer: TLSOffer(serverContext(clients: true)))
            try await roundTrip(port, security(tls: true, certificate: "client"), topic: "t")
            async let none = isRefused(port, security(tls: true))
            async let stranger = isRefused(port, security(tls: true, certificate: "stranger"))
            #expect(try await none)
            #expect(try await stranger)
        }
    }

    /// Whoever comes after a change of the certificate sees the new one; who is there goes on.
    @Test func theCertificateMayChange() async throws {
        try await withServer { server in
            let offer = TLSOffer(try serverContext())
            let port = try await server.server.startTLS(host: "127.0.0.1", port: 0, offer: offer)
            let context = try TLSContext.client(authorities: files.path("authority.pem"))
            let early = try KafkaTestClient(port: port, tls: context)
            #expect(try early.metadata([]).brokers.count == 1)
            offer.context = try TLSContext.server(
                TLSIdentity(
                    certificateFile: files.path("stranger.pem"),
                    keyFile: files.path("stranger.key")))
            #expect(try await isRefused(port, security(tls: true)))
            #expect(try early.metadata([]).brokers.count == 1)
            offer.context = try serverContext()
            try await roundTrip(port, security(tls: true), topic: "t")
        }
    }

    /// Clients are told to come back to the port by which they came.
    @Test func eachListenerAdvertisesItself() async throws {
        try await withServer { server in
            let port = try await server.server.startTLS(
                host: "127.0.0.1", port: 0, offer: TLSOffer(serverContext()))
            let context = try TLSContext.client(authorities: files.path("authority.pem"))
            let clients = [
                (try server.client(), server.port),
                (try KafkaTestClient(port: port, tls: context), port),
            ]
            for (client, port) in clients {
                #expect(try client.metadata([]).brokers.map(\.port) == [Int32(port)])
                let cluster = try client.ask(DescribeClusterRequest())
                #expect(cluster.brokers.map(\.port) == [Int32(port)])
                var request = FindCoordinatorRequest()
                request.keys = ["g"]
                #expect(try client.ask(request).coordinators.map(\.port) == [Int32(port)])
            }
        }
    }

    /// Large requests and answers, and a login, inside TLS.
    @Test func theProtocolInsideTLS() async throws {
        try await withServer {
            $0.asksForUsers()
        } _: { server in
            let port = try await server.server.startTLS(
                host: "127.0.0.1", port: 0, offer: TLSOffer(serverContext()))
            let context = try TLSContext.client(authorities: files.path("authority.pem"))
            for mechanism in ScramMechanism.allCases {
                let client = try KafkaTestClient(port: port, tls: context)
                #expect(try client.logIn(mechanism, "alice", "wonder").error == .none)
                let topic = "t\(mechanism.rawValue)"
                #expect(try client.createTopic(topic).error == .none)
                let value = String(repeating: "x", count: 900_000)
                for _ in 0..<3 {
                    #expect(try client.produce(topic, 0, batch([value])).error == .none)
                }
                let fetched = try client.fetch(topic, from: 0, maxBytes: 8 << 20)
                #expect(fetched.highWatermark == 3)
                #expect((fetched.records?.bytes.count ?? 0) > 2_700_000)
            }
            let wrong = try KafkaTestClient(port: port, tls: context)
            #expect(
                try wrong.logIn(plain: "alice", "x").error == .saslAuthenticationFailed)
            #expect(throws: SocketClientError.closed) { try wrong.receiveFrame() }
        }
    }
}
