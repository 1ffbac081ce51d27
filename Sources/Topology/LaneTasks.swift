// The Swift tasks of one lane: one for each task of each bolt, which owns its instance of the bolt
// and executes what it is given.

internal import Base
internal import Logging

/// Runs the bolts of one lane until it is stopped.
final class LaneTasks<Payload: TuplePayload>: Sendable {
    private let id: LaneID
    private let topology: Topology<Payload>
    private let logger: Logger
    private let report: @Sendable (TopologyRuntime<Payload>.Event) -> Void
    /// One queue of work a task. The machine gives a task its next work only after the result of
    /// the one before, so none ever holds more than one element.
    private let queues: [[Queue]]
    private let stopped: (stream: AsyncStream<Never>, signal: AsyncStream<Never>.Continuation)

    private struct Queue: Sendable {
        let stream: AsyncStream<Work<Payload>>
        let input: AsyncStream<Work<Payload>>.Continuation

        init() { (stream, input) = AsyncStream.makeStream(of: Work<Payload>.self) }
    }

    init(
        _ id: LaneID, _ topology: Topology<Payload>, logger: Logger,
        report: @escaping @Sendable (TopologyRuntime<Payload>.Event) -> Void
    ) {
        self.id = id
        self.topology = topology
        self.logger = logger
        self.report = report
        queues = topology.bolts.map { bolt in (0..<bolt.parallelism).map { _ in Queue() } }
        let (stream, signal) = AsyncStream.makeStream(of: Never.self)
        stopped = (stream, signal)
    }

    func give(_ work: Work<Payload>, to task: TaskID) {
        queues[task.bolt][task.task].input.yield(work)
    }

    /// Cancels what is executing and ends the tasks.
    func stop() { stopped.signal.finish() }

    func run() async {
        await withDiscardingTaskGroup { group in
            for (index, bolt) in topology.bolts.enumerated() {
                for number in 0..<bolt.parallelism {
                    let task = TaskID(lane: id, bolt: index, task: number)
                    group.addTask { await self.run(task) }
                }
            }
            for await _ in stopped.stream {}
            group.cancelAll()
        }
    }

    @concurrent private func run(_ task: TaskID) async {
        let declaration = topology.bolts[task.bolt]
        let context = topology.context(of: task, logger: logger)
        var bolt = declaration.make(context)
        do {
            try await bolt.prepare()
        } catch {
            report(.cannotPrepare(error))
            return
        }
        for await work in queues[task.bolt][task.task].stream {
            await execute(work, on: &bolt, as: task)
        }
        await bolt.cleanup()
    }

    private func execute(
        _ work: Work<Payload>, on bolt: inout any Bolt<Payload>, as task: TaskID
    ) async {
        let began = monotonicTime()
        switch work {
        case .tick:
            await bolt.tick()
            report(.ticked(task))
        case .tuple(let tuple):
            let result = await WorkResult.of(tuple, on: &bolt)
            let took = monotonicTime() - began
            report(.executed(task, result, took: took, since: tuple.since))
        }
    }
}

extension WorkResult where Payload: TuplePayload {
    /// What comes of one tuple. An error of any kind fails its batch.
    static func of(
        _ tuple: Tuple<Payload>, on bolt: inout any Bolt<Payload>
    ) async -> WorkResult<Payload> {
        do { return .success(try await run(tuple, on: &bolt)) } catch let failure as TupleFailure {
            return .failure(failure)
        } catch { return .failure(TupleFailure(reason: "\(error)", cause: error)) }
    }

    private static func run(
        _ tuple: Tuple<Payload>, on bolt: inout any Bolt<Payload>
    ) async throws -> [Emission<Payload>] {
        var output = OutputCollector<Payload>()
        try await bolt.execute(tuple, into: &output)
        return output.emissions
    }
}

extension Topology {
    /// What a task is told about itself.
    func context(of task: TaskID, logger: Logger) -> TaskContext {
        TaskContext(
            component: bolts[task.bolt].name, partition: task.lane.partition, task: task.task,
            parallelism: Dictionary(uniqueKeysWithValues: bolts.map { ($0.name, $0.parallelism) }),
            logger: logger)
    }
}
