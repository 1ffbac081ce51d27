// A whole system on one machine, from the lock on its directory to the endpoints file.
//
// Order: lock; cluster.json read and checked; ports; the log; topics and project; the rest, kind by
// kind; endpoints.json. What fails on the way stops what was started.

internal import Base
package import EventLoop
package import HTTP
package import Logging
package import Model
internal import Synchronization

/// What the log holds once it is ready to be used.
package struct PreparedLog: Sendable {
    /// Partitions that the topic of events has.
    package var partitions: Int
    package var project: ProjectCredentials

    package init(partitions: Int, project: ProjectCredentials) {
        self.partitions = partitions
        self.project = project
    }
}

/// What a system needs from outside of this target.
package struct LocalSystemParts: Sendable {
    /// Makes topics and project where they lack, and says what there is.
    package var prepareLog:
        @Sendable (_ brokers: [String], _ wanted: ClusterRecord) async throws -> PreparedLog
    /// A fresh project id.
    package var newProject: @Sendable () -> ProjectID
    /// A fresh secret of the cluster.
    package var newSecret: @Sendable () -> String

    package init(
        prepareLog:
            @escaping @Sendable (_ brokers: [String], _ wanted: ClusterRecord) async throws ->
            PreparedLog,
        newProject: @escaping @Sendable () -> ProjectID, newSecret: @escaping @Sendable () -> String
    ) {
        self.prepareLog = prepareLog
        self.newProject = newProject
        self.newSecret = newSecret
    }
}

/// A system that runs.
package final class LocalSystem: Sendable {
    package let directory: DataDirectory
    private let supervisor: Supervisor
    private let publisher: EndpointsPublisher
    private let holder: LockHolder

    private init(
        directory: DataDirectory, supervisor: Supervisor, publisher: EndpointsPublisher,
        holder: LockHolder
    ) {
        self.directory = directory
        self.supervisor = supervisor
        self.publisher = publisher
        self.holder = holder
    }

    /// Addresses, keys and process ids as they are now.
    package var endpoints: Endpoints { publisher.endpoints }

    /// How long a process may take to stop before it is killed: longer than any drains.
    private static let stopGrace = Duration.seconds(20)

    /// Starts everything; returns when all is ready and endpoints.json is written. Throws a
    /// `SupervisorError` or what `prepareLog` threw, after everything has been stopped again.
    package static func start(
        _ options: ClusterOptions, parts: LocalSystemParts, deadline: Duration, loop: EventLoop,
        probe: HTTPClient, logger: Logger, random: inout some RandomNumberGenerator
    ) async throws -> LocalSystem {
        let directory = try DataDirectory(path: options.dataDirectory)
        let holder = LockHolder(try DirectoryLock(directory: directory.path))
        // Left over when the last `up` was killed.
        directory.removeEndpoints()
        let old = try directory.readRecord()
        try old?.check(options)
        var record =
            old
            ?? ClusterRecord(
                partitions: options.partitions ?? ClusterRecord.defaultPartitions,
                stores: options.stores ?? 1, project: options.project ?? parts.newProject())
        record.project = options.project ?? record.project
        try directory.ensureSecret(parts.newSecret())
        let count = ClusterPlan.portCount(options, record)
        let ports = try options.basePort.map { try consecutivePorts(from: $0, count: count) }
        let start = Start(
            options: options, parts: parts, directory: directory,
            ports: try ports ?? freePorts(count: count, using: &random), old: old,
            end: ContinuousClock.now + deadline)
        let publisher = EndpointsPublisher(directory: directory, logger: logger)
        let supervisor = Supervisor(
            plan: start.plan(record), options: options, loop: loop, probe: probe, logger: logger
        ) { publisher.set(pids: $0) }
        do {
            let project = try await start.run(supervisor, &record)
            try publisher.publish(
                Endpoints(plan: start.plan(record), project: project, pids: [:]))
        } catch {
            publisher.withdraw()
            await supervisor.stop(grace: stopGrace)
            // Nobody else may start before everything here has ended.
            withExtendedLifetime(holder) {}
            throw error
        }
        return LocalSystem(
            directory: directory, supervisor: supervisor, publisher: publisher, holder: holder)
    }

    /// Removes endpoints.json and stops everything in order.
    package func stop() async {
        publisher.withdraw()
        await supervisor.stop(grace: Self.stopGrace)
    }
}

/// The lock, held as long as the system is.
private final class LockHolder: Sendable {
    private let lock: DirectoryLock
    init(_ lock: consuming DirectoryLock) { self.lock = lock }
}

/// The steps of one start.
private struct Start {
    var options: ClusterOptions
    var parts: LocalSystemParts
    var directory: DataDirectory
    var ports: [UInt16]
    /// What the data were made with; nil on the first start.
    var old: ClusterRecord?
    var end: ContinuousClock.Instant

    func plan(_ record: ClusterRecord) -> ClusterPlan {
        ClusterPlan(
            options: options, record: record, ports: ports, secretFile: directory.secretFile)
    }

    /// Starts the log, prepares it, and starts the rest with what the log turned out to hold.
    func run(_ supervisor: Supervisor, _ record: inout ClusterRecord) async throws
        -> ProjectCredentials
    {
        try writeConfiguration(plan(record))
        try await supervisor.start([.log], deadline: left)
        let prepared = try await parts.prepareLog(plan(record).brokers, record)
        if prepared.partitions != record.partitions {
            try checkMayAdopt(prepared.partitions)
            record.partitions = prepared.partitions
            try writeConfiguration(plan(record))
        }
        try directory.write(record)
        try await supervisor.start(
            ProcessKind.allCases.filter { $0 != .log }, deadline: left)
        return prepared.project
    }

    private var left: Duration { end - ContinuousClock.now }

    private func writeConfiguration(_ plan: ClusterPlan) throws {
        for process in plan.processes { try directory.writeConfiguration(process) }
    }

    /// A log with another number of partitions decides, unless somebody asked for a number or data
    /// were made with one.
    private func checkMayAdopt(_ partitions: Int) throws {
        if let asked = options.partitions {
            throw SupervisorError(
                "--partitions \(asked): the log's millrace.events has \(partitions)")
        }
        if let old {
            throw SupervisorError(
                "the log's millrace.events has \(partitions) partitions, "
                    + "the data in \(options.dataDirectory) \(old.partitions)",
                reason: .damagedData)
        }
    }
}

/// Keeps endpoints.json true from the moment when all is ready until the stop begins.
private final class EndpointsPublisher: Sendable {
    private struct State {
        var endpoints: Endpoints?
        /// Known before the endpoints are, and changed by every restart.
        var pids: [ProcessKind: [Int32]] = [:]
        var isWithdrawn = false
    }

    private let directory: DataDirectory
    private let logger: Logger
    private let state = Mutex(State())

    init(directory: DataDirectory, logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    var endpoints: Endpoints {
        guard let endpoints = state.withLock(\.endpoints) else {
            preconditionFailure("a system without endpoints was handed out")
        }
        return endpoints
    }

    func publish(_ endpoints: Endpoints) throws {
        try state.withLock { state in
            var endpoints = endpoints
            endpoints.pids = state.pids
            state.endpoints = endpoints
            try directory.write(endpoints)
        }
    }

    /// Files are written under the lock, so that the last one written is the newest.
    func set(pids: [ProcessKind: [Int32]]) {
        state.withLock { state in
            state.pids = pids
            guard state.endpoints != nil, !state.isWithdrawn else { return }
            state.endpoints?.pids = pids
            do {
                if let endpoints = state.endpoints { try directory.write(endpoints) }
            } catch { logger.error("endpoints cannot be written", error: error) }
        }
    }

    func withdraw() {
        state.withLock { state in
            state.isWithdrawn = true
            directory.removeEndpoints()
        }
    }
}
