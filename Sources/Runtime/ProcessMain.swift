// The skeleton of every executable: settings, logs, metrics, orderly stop, exit status.

internal import Base
internal import CoreMetrics
internal import Foundation
internal import Glibc
package import Logging
package import ServiceLifecycle
internal import UnixSignals

/// What a process is built from.
package struct ProcessContext: Sendable {
    package let settings: Settings
    package let logger: Logger
    package let readiness: Readiness
    package let metrics: PrometheusRegistry
}

package enum ProcessMain {
    /// Builds the services of a process and runs them until SIGTERM or SIGINT, then exits 0. A
    /// wrong setting exits 64, a service that cannot be built or fails exits 69, each after one
    /// line on standard error. `flags` are settings from the command line; nil is "not given".
    ///
    /// Services are listed in dependency order; the stop goes backwards. A signal that comes while
    /// they are being built stops the process in the same order as soon as they are.
    package static func run(
        name: String, configurationFile: String?, flags: [String: String?],
        _ build: (ProcessContext) async throws -> [any Service]
    ) async -> Never {
        do {
            let settings = try Settings(
                flags: flags.compactMapValues(\.self),
                environment: ProcessInfo.processInfo.environment, file: configurationFile)
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            let context = try start(name: name, settings)
            let services = try await build(context)
            try await run(services + [StopSignal(signals)], context)
            context.logger.notice("stopped")
            exit(0)
        } catch let error as SettingsError {
            fatal(.usage, "\(error)")
        } catch {
            fatal(.unavailable, "\(error)")
        }
    }

    private static func start(name: String, _ settings: Settings) throws -> ProcessContext {
        if try settings.bool("process.exit_with_parent", default: false) { exitWithParent() }
        // A reader that goes away, of the log or of a socket, is an error to handle, not an end.
        signal(SIGPIPE, SIG_IGN)
        let levels = Logger.Level.allCases.map(\.rawValue)
        let word = try settings.choice("logging.level", default: "notice", of: levels)
        let format = try settings.choice("logging.format", default: "text", of: ["text", "json"])
        let level = Logger.Level(rawValue: word) ?? .notice
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, level: level, isJSON: format == "json")
        }
        let metrics = PrometheusRegistry(showsProcess: true)
        MetricsSystem.bootstrap(metrics)
        let logger = Logger(label: "millrace-\(name)")
        logger.notice(
            "starting",
            metadata: Logger.Metadata(
                uniqueKeysWithValues: settings.effective.map { ($0.key, "\($0.value)") }))
        for variable in settings.unknownVariables {
            logger.warning("no setting has this name", metadata: ["variable": "\(variable)"])
        }
        return ProcessContext(
            settings: settings, logger: logger, readiness: Readiness(), metrics: metrics)
    }

    private static func run(_ services: [any Service], _ context: ProcessContext) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup)
            },
            logger: context.logger)
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        configuration.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: configuration).run()
    }
}

/// Ends with the first signal, and with it, in order, all other services. The group's own signals
/// would count only from its start on.
private struct StopSignal: Service {
    private let signals: UnixSignalsSequence

    init(_ signals: UnixSignalsSequence) { self.signals = signals }

    func run() async throws {
        for await _ in signals.cancelOnGracefulShutdown() { return }
    }
}

/// A service made of two closures: what to do when the stop begins, after a start that has already
/// happened.
package struct StopService: Service {
    private let stop: @Sendable () async -> Void

    /// `stop` runs once, when the process is asked to stop and all later services have stopped.
    package init(_ stop: @escaping @Sendable () async -> Void) { self.stop = stop }

    package func run() async throws {
        // Ends by graceful shutdown or by cancellation; either way what was started is stopped.
        try? await gracefulShutdown()
        await stop()
    }
}
