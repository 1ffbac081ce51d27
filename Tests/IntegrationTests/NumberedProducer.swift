// Streams events that each carry a number of their own, and remembers which were acknowledged.
//
// An event whose answer was lost may or may not be stored; that is the sender's doubt, not the
// system's. So the proof is per number: all acknowledged are there, each once, none invented.

import Foundation
import Synchronization
import TestSupport
import Testing

/// A producer of several lanes, each with a connection of its own.
final class NumberedProducer: Sendable {
    struct Tally: Sendable {
        var acknowledged: Set<Int> = []
        var attempted = 0
    }

    let api: KeenAPI
    let collection: String
    private let state = Mutex(Tally())
    private let isStopped = Mutex(false)
    private let lanesRunning = Mutex(0)

    init(api: KeenAPI, collection: String) {
        self.api = api
        self.collection = collection
    }

    var tally: Tally { state.withLock { $0 } }

    func start(lanes: Int) {
        lanesRunning.withLock { $0 = lanes }
        for _ in 0..<lanes { Thread { self.stream() }.start() }
    }

    func stop() async {
        isStopped.withLock { $0 = true }
        await eventually(within: .seconds(60), "producers end") {
            self.lanesRunning.withLock { $0 == 0 }
        }
    }

    /// Waits until fifty more events are acknowledged.
    func flows(_ when: String) async {
        let before = tally.acknowledged.count
        await eventually(within: .seconds(60), "events flow \(when)") {
            self.tally.acknowledged.count > before + 50
        }
    }

    /// Single events and bulks in turn, until stopped; a broken connection is replaced.
    private func stream() {
        var client: SocketClient?
        var turn = 0
        while !isStopped.withLock({ $0 }) {
            turn += 1
            let size = turn % 3 == 0 ? 20 : 1
            let numbers = state.withLock { tally in
                defer { tally.attempted += size }
                return Array(tally.attempted..<tally.attempted + size)
            }
            do {
                let connection = try client ?? SocketClient(port: api.endpoints.collectors[0].port)
                client = connection
                let done =
                    try size == 1 ? single(numbers[0], connection) : bulk(numbers, connection)
                state.withLock { $0.acknowledged.formUnion(done) }
            } catch { client = nil }
        }
        lanesRunning.withLock { $0 -= 1 }
    }

    private func single(_ number: Int, _ connection: SocketClient) throws -> [Int] {
        let answer = try connection.request(
            "POST", "\(api.projectPath)/events/\(collection)", key: api.endpoints.project.writeKey,
            body: Array(#"{"number": \#(number)}"#.utf8))
        return answer.status == 201 ? [number] : []
    }

    private func bulk(_ numbers: [Int], _ connection: SocketClient) throws -> [Int] {
        let events = numbers.map { #"{"number": \#($0)}"# }.joined(separator: ",")
        let answer = try connection.request(
            "POST", "\(api.projectPath)/events", key: api.endpoints.project.writeKey,
            body: Array(#"{"\#(collection)": [\#(events)]}"#.utf8))
        guard answer.status == 200,
            let results = try JSONSerialization.jsonObject(with: Data(answer.body))
                as? [String: [[String: Any]]]
        else { return [] }
        return zip(numbers, results[collection] ?? [])
            .filter { $0.1["success"] as? Bool == true }.map(\.0)
    }
}
