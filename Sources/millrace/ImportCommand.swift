// millrace import: a file into a collection, through the collectors.

import ArgumentParser
import Base
import EventLoop
import Foundation
import HTTP
import Import
import Model

/// Imports a file.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Send the events of a file to the collectors.",
        discussion: """
            Reads ndjson or CSV with a header, plain or gzipped. Rejected lines go to \
            FILE.rejected. If it is interrupted, the same command goes on where it was.
            """)

    @Argument(help: "The file; - is standard input, which cannot be resumed.")
    var file: String
    @Option(help: .init("The collection that the events go into.", valueName: "name"))
    var collection: String
    @Option(help: "ndjson or csv (default: csv for .csv and .csv.gz, else ndjson).")
    var format: String?
    @Option(
        help: .init("CSV column whose values stay text; may be repeated.", valueName: "column"))
    var text: [String] = []
    @Option(help: .init("Batches on their way at once.", valueName: "n"))
    var inFlight = Limits.importRequestsInFlight
    @OptionGroup var system: SystemOptions

    func run() async throws {
        try await runCommand {
            let options = try importOptions()
            let loop = try EventLoop(name: "import")
            let client = HTTPClient(loop: loop)
            let result = await runImport(options, client)
            client.close()
            await loop.shutdown()
            try report(result.get(), options)
        }
    }

    private func importOptions() throws -> ImportOptions {
        do throws(InvalidName) { _ = try CollectionName(collection) } catch {
            throw CommandFailure.usage("--collection: \(error.message)")
        }
        guard (1...Limits.importRequestsInFlightMax).contains(inFlight) else {
            throw CommandFailure.usage(
                "--in-flight \(inFlight): from 1 to \(Limits.importRequestsInFlightMax)")
        }
        let writing = try system.writing()
        var options = ImportOptions(
            path: file,
            target: ImportTarget(
                collectors: writing.urls, project: writing.project.name, writeKey: writing.key,
                collection: collection))
        if let format {
            guard let known = ImportFormat(rawValue: format) else {
                throw CommandFailure.usage("--format \(format): ndjson or csv")
            }
            options.format = known
        }
        guard text.isEmpty || options.format == .csv else {
            throw CommandFailure.usage("--text: only CSV has columns")
        }
        options.textColumns = Set(text)
        options.requestsInFlight = inFlight
        return options
    }
}

/// Runs an import with its progress on standard error. A signal ends it in order.
func runImport(_ options: ImportOptions, _ client: HTTPClient) async -> Result<
    ImportSummary, any Error
> {
    var random = SystemRandomNumberGenerator()
    let run = ImportRun(options, client: client, seed: random.next())
    let outcome = Outcome()
    do {
        _ = try await untilSignal(cancels: false, onSignal: { run.stop() }) {
            outcome.set(try await shown(run, options))
        }
    } catch { return .failure(error) }
    guard let summary = outcome.summary else {
        preconditionFailure("an import ended without a summary or an error")
    }
    return .success(summary)
}

/// Runs an import and draws its progress.
func shown(_ run: ImportRun, _ options: ImportOptions) async throws -> ImportSummary {
    let name =
        options.path == "-" ? "standard input" : URL(filePath: options.path).lastPathComponent
    let columns: (@Sendable () -> Int)? = isatty(2) == 1 ? terminalColumns : nil
    let printer = ProgressPrinter(name: name, columns: columns) { writeError($0) }
    let last = LastProgress()
    let summary = try await run.run { progress in
        last.set(progress)
        printer.show(progress)
    }
    if let progress = last.progress { printer.finish(progress) }
    return summary
}

/// Columns of the terminal that standard error is, without the last one: written to, it wraps.
@Sendable private func terminalColumns() -> Int {
    var size = winsize()
    guard ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 79 }
    return Int(size.ws_col) - 1
}

/// Says what became of an import, or throws why it is not done.
private func report(_ summary: ImportSummary, _ options: ImportOptions) throws {
    let totals = summary.totals
    let seconds = (summary.elapsed / .milliseconds(100)).rounded() / 10
    var line = "\(totals.events) events imported, \(totals.rejected) rejected, in \(seconds) s ("
    line += "\(ProgressLine.rate(totals.events, summary.elapsed)) events/s)"
    if summary.earlierEvents > 0 { line += "; \(summary.earlierEvents) before" }
    writeOutput(line)
    if totals.rejected > 0 { writeOutput("rejected lines: \(options.rejectedPath)") }
    let again = options.path == "-" ? "" : "; the same command goes on from here"
    switch summary.end {
    case .failed(let error): throw CommandFailure("\(error)\(again)")
    case .stopped: throw CommandFailure("interrupted\(again)")
    case .complete where totals.events + summary.earlierEvents == 0 && totals.rejected > 0:
        throw CommandFailure("every line was rejected")
    case .complete, .alreadyComplete: break
    }
}
