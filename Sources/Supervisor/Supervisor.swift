// Starts every process of a plan, starts one that dies again, and stops them in order.
//
// The order of starting is the order of `ProcessKind`: whoever is needed comes first, and each
// kind is ready before the next begins. Stopping goes backwards, so that what is accepted still
// finds everything behind it. A process that dies is started again on its old address; the others
// reconnect by themselves and are left alone.

internal import Base
package import EventLoop
package import HTTP
package import Logging

/// Keeps the processes of one machine running.
package actor Supervisor {
    private let plan: ClusterPlan
    private let options: ClusterOptions
    private let loop: EventLoop
    private let probe: HTTPClient
    private let logger: Logger
    /// Called after every start of a process, with all running process ids.
    private let pidsChanged: @Sendable ([ProcessKind: [Int32]]) -> Void

    private var running: [String: ChildProcess] = [:]
    private var keepers: [String: Task<Void, Never>] = [:]
    /// How often each process has died, and how it did last.
    private var ends: [String: (count: Int, last: ExitStatus)] = [:]
    private var isStopping = false

    /// A process that dies so often before it is ready will not become so: with the pauses of
    /// `RestartPolicy` that takes three seconds.
    private static let endsMax = 7

    package init(
        plan: ClusterPlan, options: ClusterOptions, loop: EventLoop, probe: HTTPClient,
        logger: Logger, pidsChanged: @escaping @Sendable ([ProcessKind: [Int32]]) -> Void
    ) {
        self.plan = plan
        self.options = options
        self.loop = loop
        self.probe = probe
        self.logger = logger
        self.pidsChanged = pidsChanged
    }

    /// Starts all processes of `kinds`, kind by kind, each ready before the next. Throws a
    /// `SupervisorError` that names the process which cannot run or is not ready in time.
    package func start(_ kinds: [ProcessKind], deadline: Duration) async throws {
        let end = ContinuousClock.now + deadline
        for kind in kinds.sorted() {
            let members = plan.processes.filter { $0.kind == kind }
            for process in members { try await startKeeping(process) }
            for process in members { try await waitUntilReady(process, until: end) }
        }
    }

    /// Stops everything, last kind first. A process that does not leave in `grace` is killed.
    package func stop(grace: Duration) async {
        isStopping = true
        for kind in ProcessKind.allCases.reversed() {
            let members = plan.processes.filter { $0.kind == kind }.map(\.name)
            for name in members { running[name]?.signal(.terminate) }
            await withTaskGroup(of: Void.self) { group in
                for name in members {
                    guard let child = running[name] else { continue }
                    group.addTask { await self.await(child, name: name, grace: grace) }
                }
            }
            for name in members {
                // Ends the pause before a restart; a keeper waits for nothing else by time.
                keepers[name]?.cancel()
                await keepers[name]?.value
            }
        }
    }

    /// Process ids by kind, in the order of the plan.
    package var pids: [ProcessKind: [Int32]] {
        Dictionary(grouping: plan.processes, by: \.kind).mapValues { members in
            members.compactMap { running[$0.name]?.pid }
        }
    }

    private func startKeeping(_ process: ProcessPlan) async throws {
        let child: ChildProcess
        do { child = try await spawn(process) } catch {
            throw SupervisorError(
                "\(process.name) cannot be started: \(error)", reason: .unavailable)
        }
        // Lives until the process is stopped: `stop` awaits it.
        keepers[process.name] = Task { await self.keep(process, child) }
    }

    private func spawn(_ process: ProcessPlan) async throws -> ChildProcess {
        let configuration = "\(options.dataDirectory)/config/\(process.name).yaml"
        let child = try await ChildProcess.spawn(
            executable: "\(options.executableDirectory)/\(process.kind.executable)",
            arguments: ["--config", configuration],
            standardErrorFile: "\(options.dataDirectory)/logs/\(process.name).log", on: loop)
        running[process.name] = child
        pidsChanged(pids)
        return child
    }

    /// Waits for the process to end and starts it again, until the supervisor stops.
    private func keep(_ process: ProcessPlan, _ first: ChildProcess) async {
        var child = first
        var policy = RestartPolicy()
        while true {
            let started = ContinuousClock.now
            let status = await child.exitStatus()
            if isStopping { return }
            ends[process.name] = ((ends[process.name]?.count ?? 0) + 1, status)
            let pause = policy.delay(afterUptime: ContinuousClock.now - started)
            logger.warning(
                "process ended and is started again",
                metadata: [
                    "process.name": "\(process.name)", "process.pid": "\(child.pid)",
                    "exit.status": "\(status)", "restart.delay": "\(pause)",
                ])
            // Cancelled by `stop` only, which the next line sees.
            try? await Task.sleep(for: pause)
            guard !isStopping, let next = await respawn(process) else { return }
            child = next
        }
    }

    /// Tries until the process starts; nil once the supervisor stops.
    private func respawn(_ process: ProcessPlan) async -> ChildProcess? {
        while !isStopping {
            do {
                let child = try await spawn(process)
                guard isStopping else { return child }
                // `stop` has passed this process by while it was being started.
                child.signal(.kill)
                _ = await child.exitStatus()
                running[process.name] = nil
            } catch {
                logger.error(
                    "process cannot be started", error: error,
                    metadata: ["process.name": "\(process.name)"])
                // As above.
                try? await Task.sleep(for: .seconds(1))
            }
        }
        return nil
    }

    private func await(_ child: ChildProcess, name: String, grace: Duration) async {
        let killer = loop.schedule(after: grace) { child.signal(.kill) }
        _ = await child.exitStatus()
        killer.cancel()
        running[name] = nil
    }

    private func waitUntilReady(_ process: ProcessPlan, until end: ContinuousClock.Instant)
        async throws
    {
        var last = "no answer"
        while ContinuousClock.now < end {
            if let failure = hopelessness(of: process) { throw failure }
            do {
                let answer = try await probe.send(
                    method: .get, url: "http://\(process.admin)/readyz", timeout: .seconds(2))
                if answer.status == 200 { return }
                last = String(decoding: answer.body.prefix(200), as: UTF8.self)
            } catch { last = "\(error)" }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SupervisorError(
            "\(process.name) is not ready: \(last)", reason: .unavailable, process: process.name)
    }

    /// Why a process that has died need not be waited for: what it says of itself will not change,
    /// or it has died too often.
    private func hopelessness(of process: ProcessPlan) -> SupervisorError? {
        guard let (count, last) = ends[process.name] else { return nil }
        var reason = FatalReason.unavailable
        if case .exited(let status) = last { reason = FatalReason(rawValue: status) ?? reason }
        guard reason == .usage || reason == .damagedData || count >= Self.endsMax else {
            return nil
        }
        return SupervisorError(
            "\(process.name) cannot run: \(last)", reason: reason, process: process.name)
    }
}
