// GET /append-times on the admin port: when offsets were appended, for lag in seconds.

import Base
import HTTP
import LogServer
import Synchronization

/// The server, once it is open; the admin port answers before that.
final class OpenedServer: Sendable {
    private let server = Mutex<LogServer?>(nil)

    func set(_ opened: LogServer) { server.withLock { $0 = opened } }

    /// Adds `GET /append-times?offset=TOPIC:PARTITION:OFFSET`, which may be repeated.
    func mount(on router: inout Router) {
        router.onAsync(.get, "/append-times") { [self] request in
            guard let server = server.withLock({ $0 }) else {
                return .error(
                    status: 503, message: "the log is not open yet", code: "ServiceUnavailableError"
                )
            }
            let asked = request.query.pairs.filter { $0.name == "offset" }
            let places = asked.compactMap { LogPlace($0.value) }
            guard places.count == asked.count else {
                return .error(
                    status: 400, message: "offset is TOPIC:PARTITION:OFFSET",
                    code: "InvalidParameterError")
            }
            guard let times = try? await server.appendTimes(of: places) else {
                return .error(
                    status: 503, message: "the log is busy", code: "ServiceUnavailableError")
            }
            return .json(Array(Self.json(times, now: wallClockMilliseconds()).utf8))
        }
    }

    /// In the order of the question.
    private static func json(_ times: [Int64?], now: Int64) -> String {
        let list = times.map { time in time.map { "\($0)" } ?? "null" }.joined(separator: ",")
        return #"{"now_ms":\#(now),"append_times_ms":[\#(list)]}"#
    }
}

extension LogPlace {
    /// From `TOPIC:PARTITION:OFFSET`.
    fileprivate init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let partition = Int32(parts[1]), let offset = Int64(parts[2])
        else { return nil }
        self.init(topic: String(parts[0]), partition: partition, offset: offset)
    }
}
