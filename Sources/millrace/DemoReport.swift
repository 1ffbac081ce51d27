// Asks the demonstration's questions over HTTP, prints the answers, and says whether all are right.

import Foundation
import HTTP
import Import
import JSON
import Supervisor

/// The questions to one running system.
struct DemoReport {
    var endpoints: Endpoints
    var client: HTTPClient

    /// How long the way from the collector to the store may take: a choice, far above seconds.
    private static let settleLimit = Duration.seconds(60)

    /// Waits until the flights can be counted, then asks everything. False if an answer is wrong.
    func run() async throws -> Bool {
        try await settle()
        var isRight = true
        writeOutput("")
        let width = DemoQuestion.all.map(\.title.count).max() ?? 0
        for question in DemoQuestion.all {
            let answer = try await ask(question.analysis, question.parameters)
            let holds = question.expected.holds(for: answer)
            isRight = isRight && holds
            let title = question.title.padding(toLength: width, withPad: " ", startingAt: 0)
            let wanted = holds ? "" : "  (right: \(question.expected.text))"
            writeOutput("  \(mark(holds)) \(title)  \(Self.text(answer))\(wanted)")
        }
        isRight = try await showCarriers() && isRight
        isRight = try await showDays() && isRight
        return isRight
    }

    /// Waits for the count; whatever it is at the end is for the first question to judge.
    private func settle() async throws {
        let end = ContinuousClock.now + Self.settleLimit
        let count = DemoQuestion.all[0]
        while ContinuousClock.now < end {
            let answer = try? await ask(count.analysis, count.parameters)
            if count.expected.holds(for: answer) { return }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func showCarriers() async throws -> Bool {
        let answer = try await ask("count", DemoQuestion.byCarrier)
        let rows = (answer?.array ?? []).compactMap { row -> (label: String, value: Int64)? in
            guard let code = row["carrier.code"]?.string, let count = row["result"]?.int else {
                return nil
            }
            return (label: code, value: count)
        }
        let holds = rows.elementsEqual(DemoQuestion.carriers) {
            $0.label == $1.code && $0.value == $1.count
        }
        writeOutput("\n  \(mark(holds)) flights by airline, \(rows.count) airlines")
        for line in BarChart().lines(rows) { writeOutput("  " + line) }
        return holds
    }

    private func showDays() async throws -> Bool {
        let answer = try await ask("count", DemoQuestion.byDay)
        let rows = (answer?.array ?? []).compactMap { row -> (label: String, value: Int64)? in
            guard let start = row["timeframe"]?["start"]?.string, let count = row["value"]?.int
            else { return nil }
            return (label: String(start.prefix(10)), value: count)
        }
        let total = rows.reduce(0) { $0 + $1.value }
        let holds = rows.count == 31 && total == Int64(DemoQuestion.eventCount)
        writeOutput("\n  \(mark(holds)) flights by day, \(total) in \(rows.count) days")
        for line in BarChart().lines(rows) { writeOutput("  " + line) }
        return holds
    }

    private func ask(_ analysis: String, _ parameters: JSONValue) async throws -> JSONValue? {
        let response = try await client.send(
            method: .post,
            url: "\(endpoints.api)/3.0/projects/\(endpoints.project.id)/queries/\(analysis)",
            headers: [
                (name: "Authorization", value: endpoints.project.readKey),
                (name: "Content-Type", value: "application/json"),
            ], body: parameters.encoded, timeout: .seconds(30))
        let body = try JSONValue(parsing: response.body)
        guard response.status == 200 else {
            let message = body["message"]?.string ?? ""
            throw CommandFailure("\(analysis): status \(response.status): \(message)")
        }
        return body["result"]
    }

    private func mark(_ holds: Bool) -> String { holds ? "✓" : "✗" }

    /// An answer as the API gave it, to the last digit.
    private static func text(_ value: JSONValue?) -> String {
        value.map { String(decoding: $0.encoded, as: UTF8.self) } ?? "no answer"
    }
}

extension Expectation {
    /// The right answer, as the API would give it.
    var text: String {
        switch self {
        case .integer(let number): String(number)
        case .number(let number): String(number)
        }
    }
}
