import Base
import Glibc
import Logging
import ServiceLifecycle
import Testing

@testable import Runtime

/// A process ends with the status that its end deserves. Each test runs in a process of its own.
@Suite struct ProcessMainTests {
    @Test func aWrongSettingIsAUsageError() async {
        await #expect(processExitsWith: .exitCode(FatalReason.usage.rawValue)) {
            await ProcessMain.run(
                name: "test", configurationFile: nil, flags: ["events.partitions": "many"]
            ) { context in
                _ = try context.settings.integer("events.partitions", in: 1...10)
                return []
            }
        }
    }

    @Test func aServiceThatCannotBeBuiltIsUnavailable() async {
        await #expect(processExitsWith: .exitCode(FatalReason.unavailable.rawValue)) {
            struct NoPort: Error {}
            await ProcessMain.run(name: "test", configurationFile: nil, flags: [:]) { _ in
                throw NoPort()
            }
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aSignalStopsServicesAndExitsZero(signal: Int32) async {
        await #expect(processExitsWith: .exitCode(0)) { [signal] in
            await ProcessMain.run(
                name: "test", configurationFile: nil, flags: ["logging.level": nil]
            ) { _ in [StopService {}, SignalItself(signal: signal)] }
        }
    }

    /// A supervisor may stop a process that it has only just started.
    @Test func aSignalWhileServicesAreBuiltIsNotLost() async {
        await #expect(processExitsWith: .exitCode(0)) {
            await ProcessMain.run(name: "test", configurationFile: nil, flags: [:]) { _ in
                kill(getpid(), SIGTERM)
                return [StopService {}]
            }
        }
    }
}

/// Sends its own process a signal, then stops as asked.
private struct SignalItself: Service {
    var signal: Int32

    func run() async throws {
        kill(getpid(), signal)
        try await gracefulShutdown()
    }
}
