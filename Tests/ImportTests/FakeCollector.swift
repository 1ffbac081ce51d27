// A collector that takes what it is sent and fails as it is told.

import Base
import EventLoop
import Foundation
import HTTP
import JSON
import Logging
import Synchronization

/// What the fake does with one request.
enum Mood: Sendable {
    case takes
    /// 503 before anything was taken.
    case isFull
    /// 500 after everything was taken: the sender cannot know.
    case forgets
    /// Takes every other event and says of the rest that it could not.
    case takesHalf
    /// An answer without sense.
    case raves
}

/// Serves the bulk route of one project on 127.0.0.1.
final class FakeCollector: Sendable {
    struct Seen: Sendable {
        /// How often each event was taken, by its number.
        var taken: [Int64: Int] = [:]
        /// Events that may have been taken although the sender was not told so.
        var doubtful: Set<Int64> = []
        var requests = 0
        var largestBody = 0
        var running = 0
        var runningMax = 0
    }

    private let server: HTTPServer
    private let group: EventLoopGroup
    private let content: Shared
    let port: UInt16

    private final class Shared: Sendable {
        let seen = Mutex(Seen())
        /// The mood of the n-th request.
        let mood: @Sendable (Int) -> Mood
        init(_ mood: @escaping @Sendable (Int) -> Mood) { self.mood = mood }
    }

    static let key = "WRITE"

    init(_ mood: @escaping @Sendable (Int) -> Mood = { _ in .takes }) async throws {
        let content = Shared(mood)
        self.content = content
        group = try EventLoopGroup(count: 1)
        var router = Router()
        router.onAsync(.post, "/3.0/projects/p/events") { request in
            content.seen.withLock {
                $0.running += 1
                $0.runningMax = max($0.runningMax, $0.running)
            }
            await Task.yield()
            let answer = Self.answer(request, content)
            content.seen.withLock { $0.running -= 1 }
            return answer
        }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        server = HTTPServer(router: router, group: group, logger: logger)
        port = try await server.start(host: "127.0.0.1", port: 0)
    }

    var seen: Seen { content.seen.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)" }

    func stop() async {
        await server.drain(grace: .seconds(1))
        await group.shutdown()
    }

    private static func answer(_ request: HTTPRequest, _ shared: Shared) -> HTTPResponse {
        guard request.headers["authorization"] == key else {
            return .error(status: 401, message: "wrong key", code: "InvalidApiKeyError")
        }
        return shared.seen.withLock { seen in
            seen.requests += 1
            seen.largestBody = max(seen.largestBody, request.body.count)
            let mood = shared.mood(seen.requests)
            if case .isFull = mood {
                var full = HTTPResponse.error(
                    status: 503, message: "the log is slow", code: "ServiceUnavailableError")
                full.headers.append((name: "Retry-After", value: "0"))
                return full
            }
            guard let body = try? JSONValue(parsing: request.body), let events = body["c"]?.array
            else { return .error(status: 400, message: "no JSON", code: "InvalidBatchError") }
            if events.contains(where: { $0["poison"] != nil }) {
                return .error(status: 400, message: "poison", code: "BadRequestError")
            }
            return take(events, mood, &seen)
        }
    }

    private static func take(_ events: [JSONValue], _ mood: Mood, _ seen: inout Seen)
        -> HTTPResponse
    {
        let results = events.enumerated().map { index, event -> JSONValue in
            let number = event["n"]?.int ?? -1
            if event["bad"] != nil {
                return failure("InvalidPropertyNameError", "bad name")
            }
            if case .takesHalf = mood, index % 2 == 1 {
                return failure("InternalServerError", "try again")
            }
            seen.taken[number, default: 0] += 1
            return ["success": true]
        }
        switch mood {
        case .forgets:
            seen.doubtful.formUnion(events.compactMap { $0["n"]?.int })
            return .error(status: 500, message: "lost", code: "InternalServerError")
        case .raves:
            seen.doubtful.formUnion(events.compactMap { $0["n"]?.int })
            return .json(Array("{\"c\":[]}".utf8))
        default: return .json((["c": .array(results)] as JSONValue).encoded)
        }
    }

    private static func failure(_ name: String, _ text: String) -> JSONValue {
        ["success": false, "error": ["name": .string(name), "description": .string(text)]]
    }
}
