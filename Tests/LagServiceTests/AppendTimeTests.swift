// Asking millrace-log when offsets were appended.

import Base
import EventLoop
import HTTP
import Lag
import Logging
import Synchronization
import TestSupport
import Testing

@testable import LagService

@Suite struct AppendTimeTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Many places go in a few requests; what is not known is left out.
    @Test func agesComeInOrder() async throws {
        let group = try EventLoopGroup(count: 1)
        let asked = Mutex<[[String]]>([])
        var router = Router()
        router.on(.get, "/append-times") { request, responder in
            let places = request.query.pairs.map(\.value)
            asked.withLock { $0.append(places) }
            let times = places.map { $0.hasSuffix(":7") ? "null" : "6500" }
            let text = "{\"now_ms\":9000,\"append_times_ms\":[\(times.joined(separator: ","))]}"
            responder.respond(.json(Array(text.utf8)))
        }
        let server = HTTPServer(router: router, group: group, logger: quiet)
        let port = try await server.start(host: "127.0.0.1", port: 0)
        let client = AppendTimeClient(
            address: HostPort(host: "127.0.0.1", port: port), loop: group.next(), logger: quiet)
        let offsets = Dictionary(
            uniqueKeysWithValues: (0..<40).map {
                (LagPartition(topic: "a.b_c-d", partition: Int32($0)), Int64($0))
            })
        let ages = await client.ages(at: offsets, timeout: .seconds(5))
        #expect(ages.count == 39)
        #expect(ages[LagPartition(topic: "a.b_c-d", partition: 8)] == 2.5)
        #expect(ages[LagPartition(topic: "a.b_c-d", partition: 7)] == nil)
        #expect(asked.withLock { $0.map(\.count) } == [32, 8])
        #expect(asked.withLock { $0[0][9] } == "a.b_c-d:9:9")
        await server.drain(grace: .seconds(1))
        // Nobody there: no ages, and no error.
        #expect(await client.ages(at: offsets, timeout: .seconds(5)).isEmpty)
        client.close()
        await group.shutdown()
    }

    @Test func otherAnswersAreErrors() {
        for text in ["", "[]", "{}", "{\"now_ms\":1}", "{\"now_ms\":\"1\",\"append_times_ms\":[]}"]
        {
            #expect(throws: (any Error).self) { try AppendTimeClient.ages(Array(text.utf8)) }
        }
    }
}
