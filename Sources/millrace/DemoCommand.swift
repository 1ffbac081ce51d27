// millrace demo: the whole system with the sample flights, every answer checked.

import ArgumentParser
import Foundation
import HTTP
import Import
import Model
import Supervisor

/// Runs a system, imports the sample, asks, and compares with answers that are known.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run everything with 27,004 sample flights, and check the answers.",
        discussion: "Exits 0 only if every answer is right.")

    @Option(
        name: .customLong("data"),
        help: .init(
            "Data directory; without it a temporary one, removed at the end.", valueName: "dir"))
    var dataDirectory: String?
    @Flag(help: "Keep running until Ctrl-C.")
    var keepRunning = false
    @Option(help: "The sample file, where it is not found by itself.")
    var file: String?

    func run() async throws {
        try await runCommand {
            guard let sample = file ?? Places.sampleFlights else {
                throw CommandFailure("the sample flights are not found; --file says where they are")
            }
            try checkReadable(sample)
            let temporary = FileManager.default.temporaryDirectory
                .appending(path: "millrace-demo-\(UUID().uuidString)").path
            let directory =
                try dataDirectory.map {
                    Places.absolute(try Places.dataDirectory($0))
                } ?? temporary
            let result: Result<Void, any Error>
            do { result = .success(try await run(in: directory, sample)) } catch {
                result = .failure(error)
            }
            if dataDirectory == nil {
                // Only what this run has made; what cannot be removed does no harm there.
                try? FileManager.default.removeItem(atPath: temporary)
            }
            try result.get()
        }
    }

    private func run(in directory: String, _ sample: String) async throws {
        let options = ClusterOptions.onThisMachine(data: directory)
        let keepsRunning = keepRunning
        let isChecked = Marker()
        let end = try await untilSignal {
            writeOutput("starting Millrace in \(directory)")
            try await withLocalSystem(options) { system, client in
                try await importSample(sample, into: system, client)
                let isRight = try await DemoReport(
                    endpoints: system.endpoints, client: client
                ).run()
                guard isRight else { throw CommandFailure("not every answer is right") }
                isChecked.mark()
                guard keepsRunning else { return }
                writeOutput("\n" + summary(system.endpoints, data: directory))
                await untilCancelled()
            }
        }
        if case .interrupted = end, !isChecked.isMarked { throw CommandFailure("interrupted") }
    }
}

/// Imports the sample unless the data directory has it already.
private func importSample(
    _ sample: String, into system: LocalSystem, _ client: HTTPClient
) async throws {
    let endpoints = system.endpoints
    var options = ImportOptions(
        path: sample,
        target: ImportTarget(
            collectors: endpoints.collectors, project: endpoints.project.id.name,
            writeKey: endpoints.project.writeKey, collection: DemoQuestion.collection))
    options.statePath = system.directory.path + "/demo.millrace-import"
    options.rejectedPath = system.directory.path + "/demo.rejected"
    options.keepsState = true
    var random = SystemRandomNumberGenerator()
    let run = ImportRun(options, client: client, seed: random.next())
    // A task of its own, awaited here: cancelling it would cut requests off whose events may have
    // been taken. It is asked to stop instead.
    let importing = Task { try await shown(run, options) }
    let summary = try await withTaskCancellationHandler {
        try await importing.value
    } onCancel: {
        run.stop()
    }
    switch summary.end {
    case .failed(let error): throw error
    case .stopped: throw CommandFailure("interrupted")
    case .alreadyComplete: writeOutput("the sample flights are there already")
    case .complete:
        writeOutput("\(summary.totals.events) flights imported")
        guard summary.totals.rejected == 0 else {
            throw CommandFailure("flights were rejected: see \(options.rejectedPath)")
        }
    }
}
