// Asks millrace-log when offsets were appended: an answer that Kafka's protocol has no room for, so
// it comes over HTTP from the log's admin port.

package import Base
package import EventLoop
internal import HTTP
internal import JSON
internal import Lag
package import Logging

/// The admin port of `millrace-log`. Safe from any task.
package struct AppendTimeClient: Sendable {
    private let address: HostPort
    private let client: HTTPClient
    private let logger: Logger
    /// Places in one request, so that its line stays short.
    private static let placesPerRequest = 32

    package init(address: HostPort, loop: EventLoop, logger: Logger) {
        self.address = address
        self.logger = logger
        client = HTTPClient(loop: loop)
    }

    /// Closes idle connections.
    package func close() { client.close() }

    /// How many seconds ago the record at each offset was appended, by the log's own clock, without
    /// those that it does not know. If it does not answer, that is logged and the answer is empty.
    func ages(
        at offsets: [LagPartition: Int64], timeout: Duration
    ) async -> [LagPartition: Double] {
        let all = offsets.sorted { $0.key < $1.key }
        var ages: [LagPartition: Double] = [:]
        for begin in stride(from: 0, to: all.count, by: Self.placesPerRequest) {
            let part = all[begin..<min(begin + Self.placesPerRequest, all.count)]
            do {
                for (place, age) in zip(part, try await ask(Array(part), timeout)) {
                    ages[place.key] = age
                }
            } catch {
                logger.warning(
                    "the log does not say when records were appended",
                    metadata: ["log.address": "\(address)", "error.reason": "\(error)"])
                return ages
            }
        }
        return ages
    }

    private func ask(
        _ places: [(key: LagPartition, value: Int64)], _ timeout: Duration
    ) async throws -> [Double?] {
        let query = places.map { "offset=\($0.key.topic):\($0.key.partition):\($0.value)" }
        let response = try await client.send(
            method: .get,
            url: "http://\(address)/append-times?\(query.joined(separator: "&"))",
            timeout: timeout, bodyBytesMax: 1 << 16)
        guard response.status == 200 else {
            throw LagError("status \(response.status)", isUnreachable: true)
        }
        return try Self.ages(response.body)
    }

    static func ages(_ body: [UInt8]) throws -> [Double?] {
        let answer = try JSONValue(parsing: body)
        guard let now = answer["now_ms"]?.int, let times = answer["append_times_ms"]?.array else {
            throw LagError("an answer of another kind", isUnreachable: true)
        }
        return times.map { time in
            time.int.map {
                Double(max(now.subtractingReportingOverflow($0).partialValue, 0)) / 1000
            }
        }
    }
}
