// millrace-lag table: one reading, or one after the other, on the terminal.

import ArgumentParser
import Base
import EventLoop
import Foundation
import Lag
import LagService
import Logging
import Runtime
import UnixSignals

/// Prints readings.
struct Table: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print each partition's lag, and totals.",
        discussion: """
            Exits 0 when every partition could be read, 1 when some could not (their rows say why) \
            or an asked topic does not exist, 64 when an option or a setting is wrong, 69 when no \
            broker answers.
            """)

    @OptionGroup var options: LagOptions
    @Flag(help: "Print JSON: an object with partitions and totals.")
    var json = false
    @Option(
        defaultAsFlag: 2,
        help: "Print again and again, every so many seconds. Without a number, every 2.")
    var watch: Double?

    func validate() throws {
        if let watch, !(0.1...86_400).contains(watch) {
            throw ValidationError("--watch takes 0.1 to 86400 seconds")
        }
    }

    func run() async throws {
        do {
            let settings = try Settings(
                flags: options.flags.compactMapValues(\.self),
                environment: ProcessInfo.processInfo.environment, file: options.configurationFile)
            // What goes wrong is said once, below; the clients' own lines would say it again.
            let logger = Logger(label: "millrace-lag") { _ in SwiftLogNoOpLogHandler() }
            let group = try EventLoopGroup(count: 1)
            let open = try OpenSource(settings, group: group, logger: logger)
            if watch != nil { await exitOnSignal() }
            let isWhole = try await read(LagMonitor(source: open.source))
            await open.close()
            await group.shutdown()
            guard isWhole else { throw ExitCode(1) }
        } catch let error as SettingsError { fatal(.usage, "\(error)") }
    }

    /// From now on a signal is the orderly end. There is nothing to finish, so not even a reading
    /// that waits for a broker holds it up.
    private func exitOnSignal() async {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        Task {
            for await _ in signals { Foundation.exit(0) }
        }
    }

    /// Whether every partition could be read, the last time. Ends also when nobody reads the table
    /// any more.
    private func read(_ monitor: LagMonitor) async throws -> Bool {
        while true {
            do throws(LagError) {
                let report = try await monitor.report(options.question)
                guard show(report), watch != nil else { return report.isWhole }
            } catch {
                guard watch != nil else { fail(error) }
                complain(error)
            }
            try await Task.sleep(for: .seconds(watch ?? 0))
        }
    }

    /// Whether somebody reads what is printed.
    private func show(_ report: LagReport) -> Bool {
        var bytes = json ? report.json + Array("\n".utf8) : Array(LagTable.text(report).utf8)
        // A terminal shows one reading in the place of the one before.
        if watch != nil, !json {
            bytes.insert(contentsOf: isatty(1) == 1 ? "\u{1B}[H\u{1B}[2J".utf8 : "\n".utf8, at: 0)
        }
        return (try? FileHandle.standardOutput.write(contentsOf: Data(bytes))) != nil
    }

    private func complain(_ error: LagError) {
        try? FileHandle.standardError.write(contentsOf: Data("\(error)\n".utf8))
    }

    private func fail(_ error: LagError) -> Never {
        if error.isUnreachable { fatal(.unavailable, error.description) }
        complain(error)
        Self.exit(withError: ExitCode(1))
    }
}
