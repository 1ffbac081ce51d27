// The Swift tasks of one lane: one for each bolt, which owns the bolt and executes what it is
// given.

internal import Base
internal import Logging

/// Runs the bolts of one lane until it is stopped.
final class LaneTasks<Payload: Sendable>: Sendable {
    private let id: LaneID
    private let topology: Topology<Payload>
    private let logger: Logger
    private let report: @Sendable (TopologyRuntime<Payload>.Event) -> Void
    /// One queue of work a bolt. The machine gives a task its next work only after the result of
    /// the one before, so none ever holds more than one element.
    private let queues:
        [(stream: AsyncStream<Work<Payload>>, input: AsyncStream<Work<Payload>>.Continuation)]
    private let stopped: (stream: AsyncStream<Never>, signal: AsyncStream<Never>.Continuation)

    init(
        _ id: LaneID, _ topology: Topology<Payload>, logger: Logger,
        report: @escaping @Sendable (TopologyRuntime<Payload>.Event) -> Void
    ) {
        self.id = id
        self.topology = topology
        self.logger = logger
        self.report = report
        queues = topology.bolts.map { _ in
            let (stream, input) = AsyncStream.makeStream(of: Work<Payload>.self)
            return (stream, input)
        }
        let (stream, signal) = AsyncStream.makeStream(of: Never.self)
        stopped = (stream, signal)
    }

    func give(_ work: Work<Payload>, to bolt: Int) { queues[bolt].input.yield(work) }

    /// Cancels what is executing and ends the tasks.
    func stop() { stopped.signal.finish() }

    func run() async {
        await withDiscardingTaskGroup { group in
            for bolt in topology.bolts.indices {
                group.addTask { await self.runTask(bolt) }
            }
            for await _ in stopped.stream {}
            group.cancelAll()
        }
    }

    @concurrent private func runTask(_ index: Int) async {
        let declaration = topology.bolts[index]
        let context = TaskContext(
            component: declaration.name, partition: id.partition, logger: logger)
        var bolt = declaration.make(context)
        do {
            try await bolt.prepare()
        } catch {
            report(.cannotPrepare(error))
            return
        }
        let task = TaskID(lane: id, bolt: index)
        for await work in queues[index].stream {
            await execute(work, on: &bolt, as: task)
        }
        await bolt.cleanup()
    }

    private func execute(
        _ work: Work<Payload>, on bolt: inout any Bolt<Payload>, as task: TaskID
    ) async {
        let began = monotonicTime()
        var result = WorkResult<Payload>.success([])
        var isTick = false
        switch work {
        case .tick:
            isTick = true
            await bolt.tick()
        case .tuple(let tuple):
            do {
                result = .success(try await Self.run(tuple, on: &bolt))
            } catch let failure as TupleFailure {
                result = .failure(failure)
            } catch {
                result = .failure(TupleFailure(reason: "\(error)", cause: error))
            }
        }
        report(.executed(task, result, took: monotonicTime() - began, isTick: isTick))
    }

    private static func run(
        _ tuple: Tuple<Payload>, on bolt: inout any Bolt<Payload>
    ) async throws -> [(stream: StreamName, payload: Payload)] {
        var output = OutputCollector<Payload>()
        try await bolt.execute(tuple, into: &output)
        return output.emissions
    }
}
