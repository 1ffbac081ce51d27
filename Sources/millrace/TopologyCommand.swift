// millrace admin topology: what the workers' topology has done, over all workers.

import ArgumentParser
import Base
import EventLoop
import Foundation
import HTTP
import JSON
import Runtime
import Topology

/// Prints the topology's table.
struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology",
        abstract: "Show what each spout and bolt has done, added up over all workers.",
        discussion: """
            Emitted, transferred, acked and failed tuples, latencies, capacity and queues, for the \
            last 10 minutes, 3 hours, 1 day or all time, as Storm shows them.
            """)

    @Option(
        name: .customLong("data"),
        help: .init(
            "Data directory of `millrace up`; its endpoints.json says where the workers are.",
            valueName: "dir"))
    var dataDirectory = ProcessInfo.processInfo.environment["MILLRACE_DATA"] ?? "data"
    @Option(
        help: .init(
            "The workers' admin.listen addresses (instead of --data).", valueName: "host:port,…"))
    var workers: String?
    @Option(help: "10m, 3h, 1d or all.")
    var window = TallyWindow.tenMinutes.rawValue
    @Option(help: "text, json or dot (for Graphviz).")
    var format = "text"

    func validate() throws {
        guard TallyWindow(rawValue: window) != nil else {
            throw ValidationError("--window \(window): 10m, 3h, 1d or all is wanted")
        }
        guard ["text", "json", "dot"].contains(format) else {
            throw ValidationError("--format \(format): text, json or dot is wanted")
        }
    }

    func run() async throws {
        try await runCommand {
            let addresses = try addresses()
            let loop = try EventLoop(name: "topology")
            let client = HTTPClient(loop: loop)
            let result: Result<Void, any Error>
            do { result = .success(try await show(addresses, client)) } catch {
                result = .failure(error)
            }
            client.close()
            await loop.shutdown()
            try result.get()
        }
    }

    private func addresses() throws -> [String] {
        if let workers {
            return try workers.split(separator: ",").map { text in
                guard HostPort(String(text)) != nil else {
                    throw CommandFailure.usage("--workers \(text): HOST:PORT is wanted")
                }
                return "http://\(text)"
            }
        }
        let listed = try EndpointsFile(in: dataDirectory).admins("worker")
        guard !listed.isEmpty else { throw CommandFailure("endpoints.json names no workers") }
        return listed
    }

    /// Workers that do not answer are named, and the others are shown all the same.
    private func show(_ addresses: [String], _ client: HTTPClient) async throws {
        if format == "dot" {
            let body = try await ask(addresses[0], "dot", client)
            return writeOutput(String(decoding: body, as: UTF8.self))
        }
        var sum: TopologyReport?
        var failures = 0
        for address in addresses {
            do {
                let body = try await ask(address, "json", client)
                guard let json = try? JSONValue(parsing: body),
                    let report = TopologyReport(json: json)
                else { throw CommandFailure("no report of a topology") }
                if sum == nil { sum = report } else { sum?.add(report) }
            } catch {
                failures += 1
                writeError("millrace: worker \(address): \(error)\n")
            }
        }
        guard let sum else {
            throw CommandFailure(
                "no worker answers", status: FatalReason.unavailable.rawValue)
        }
        if format == "json" {
            writeOutput(String(decoding: sum.json.encoded, as: UTF8.self))
        } else {
            writeOutput(sum.text(TallyWindow(rawValue: window) ?? .tenMinutes))
        }
        if failures > 0 { throw CommandFailure("\(failures) workers did not answer") }
    }

    private func ask(
        _ address: String, _ format: String, _ client: HTTPClient
    ) async throws -> [UInt8] {
        let answer = try await client.send(
            method: .get, url: "\(address)/topology?format=\(format)", timeout: .seconds(5))
        guard answer.status == 200 else {
            throw CommandFailure("status \(answer.status)")
        }
        return answer.body
    }
}
