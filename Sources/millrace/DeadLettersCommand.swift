// millrace admin dead-letters: what workers found in the log that is no event, for people.

import ArgumentParser
import Base
import Bolts
import Foundation
import JSON
import LogClient
import Logging
import Model
import Synchronization

/// Prints dead letters.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Show records that are no events: the newest, oldest first.",
        discussion: """
            One line each: when it was published, where it is in the log, why it is no event, its \
            key and the beginning of its value.
            """)

    @Option(help: "How many of the newest to show.")
    var limit = 20
    @Flag(help: "Go on with those that come, until Ctrl-C.")
    var follow = false
    @Flag(help: "A JSON object a line, with the whole value.")
    var json = false
    @Option(help: "The topic, if worker.dead_letter_topic names another.")
    var topic = MillraceTopics.dead
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (0...100_000).contains(limit) else {
            throw ValidationError("--limit \(limit): 0 to 100000 is wanted")
        }
    }

    func run() async throws {
        try await runCommand { try await log.asking(show) }
    }

    private func show(_ connection: LogConnection, _ logger: Logger) async throws {
        let admin = try LogAdmin(connection: connection, logger: logger)
        guard let found = try await admin.metadata(of: topic, timeout: .seconds(10)) else {
            guard follow else { return writeError("there are no dead letters\n") }
            throw CommandFailure("the log has no topic \(topic) yet: there are no dead letters")
        }
        let (events, inbox) = AsyncStream.makeStream(of: LogTailEvent.self)
        var tails: [LogTail] = []
        for partition in found.partitions {
            let place = TopicPartition(topic: topic, partition: partition.partition)
            let range = try await admin.range(of: place, timeout: .seconds(10))
            tails.append(
                try LogTail(
                    connection: connection, topicPartition: place,
                    from: max(range.earliest, range.latest - Int64(limit)), readsHeaders: true,
                    logger: logger
                ) { inbox.yield($0) })
        }
        try await print(events, tails: tails.count)
        for tail in tails { await tail.close() }
    }

    /// Gathers what is there, prints the newest of it, and then whatever comes.
    private func print(_ events: AsyncStream<LogTailEvent>, tails: Int) async throws {
        var gathered: [LogRecord] = []
        var waiting = tails
        for await event in events {
            switch event {
            case .records(let records) where waiting > 0: gathered += records
            case .records(let records): for record in records { writeOutput(line(record)) }
            case .caughtUp:
                waiting -= 1
                guard waiting == 0 else { continue }
                let ordered = gathered.map { (age: age(of: $0), record: $0) }
                    .sorted { $0.age < $1.age }
                for letter in ordered.suffix(limit) { writeOutput(line(letter.record)) }
                gathered = []
                guard follow else { return }
            case .failed(let error): if error.isFatal { throw error }
            }
        }
    }

    /// When it was written; letters of one moment, which lie in several partitions, by where they
    /// come from.
    private func age(of record: LogRecord) -> (Int64, String, Int64, Int64) {
        let headers = headers(of: record)
        func number(_ name: String) -> Int64 { headers[name].flatMap { Int64($0) } ?? 0 }
        return (
            record.timestampMilliseconds, headers[DeadLetterHeaders.topic] ?? "",
            number(DeadLetterHeaders.partition), number(DeadLetterHeaders.offset)
        )
    }

    private func headers(of record: LogRecord) -> [String: String] {
        Dictionary(
            record.headers.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) }
        ) { first, _ in first }
    }

    private func line(_ record: LogRecord) -> String {
        let headers = headers(of: record)
        func header(_ name: String) -> String { headers[name] ?? "?" }
        let milliseconds =
            Int64(header(DeadLetterHeaders.timestamp)) ?? record.timestampMilliseconds
        let time = Timestamp(milliseconds: milliseconds).description
        if json { return object(record, headers, time: time) }
        let place =
            "\(header(DeadLetterHeaders.topic))[\(header(DeadLetterHeaders.partition))]"
            + "@\(header(DeadLetterHeaders.offset))"
        let size = headers[DeadLetterHeaders.valueBytes].map { "(\($0) bytes, left out)" }
        return [
            time, place, printable(header(DeadLetterHeaders.reason)),
            printable(beginning(record.key, 100)), size ?? printable(beginning(record.value, 200)),
        ].joined(separator: "\t")
    }

    private func beginning(_ bytes: [UInt8], _ count: Int) -> String {
        String(decoding: bytes.prefix(count), as: UTF8.self) + (bytes.count > count ? "…" : "")
    }

    private func object(_ record: LogRecord, _ headers: [String: String], time: String) -> String {
        func number(_ name: String) -> JSONValue {
            headers[name].flatMap { Int64($0) }.map { .int($0) } ?? .null
        }
        func text(_ name: String, _ bytes: [UInt8]) -> (key: String, value: JSONValue) {
            String(validating: bytes, as: UTF8.self).map { (name, .string($0)) }
                ?? (name + "_base64", .string(Data(bytes).base64EncodedString()))
        }
        let members: [(key: String, value: JSONValue)] = [
            ("time", .string(time)),
            ("reason", headers[DeadLetterHeaders.reason].map { .string($0) } ?? .null),
            ("topic", headers[DeadLetterHeaders.topic].map { .string($0) } ?? .null),
            ("partition", number(DeadLetterHeaders.partition)),
            ("offset", number(DeadLetterHeaders.offset)),
            text("key", record.key),
            record.isTombstone ? ("value", .null) : text("value", record.value),
        ]
        return String(decoding: JSONValue.object(JSONObject(members)).encoded, as: UTF8.self)
    }
}

/// Text of others must not be able to steer a terminal or forge a line.
func printable(_ text: String) -> String {
    String(
        text.map {
            $0.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
                ? " " : $0
        })
}
