// One partition's tasks with their queues: the inner half of the machine.
//
// Tasks are addressed by their bolt and their number among the bolt's tasks.

/// One task: what waits for it and whether it is busy.
struct TaskState<Payload: Sendable>: Sendable {
    var queue: [Tuple<Payload>] = []
    /// What is executing, with the epoch in which it began; nil when idle.
    var running: (epoch: UInt64, batch: UInt64?)?
    var isTickDue = false
    var nextTick: Duration?
}

/// The lane of one partition.
struct Lane<Payload: TuplePayload>: Sendable {
    enum Outcome { case none, failed(TupleFailure) }

    let id: LaneID
    var tasks: [[TaskState<Payload>]]
    var acker = Acker()
    private var router = TupleRouter<Payload>()
    /// Whether the spout said it has something and has not said otherwise since.
    var spoutHasMore = false
    var isPolling = false
    /// Goes up with each failure; work begun in an earlier epoch is unheard.
    private var epoch: UInt64 = 0

    init(id: LaneID, topology: Topology<Payload>, now: Duration) {
        self.id = id
        tasks = topology.bolts.map { bolt in
            Array(
                repeating: TaskState(nextTick: bolt.tickEvery.map { now + $0 }),
                count: bolt.parallelism)
        }
    }

    var isIdle: Bool {
        !isPolling && acker.pending.isEmpty && tasks.joined().allSatisfy { $0.running == nil }
    }

    /// Takes a batch of the spout; returns how many tuples it became.
    mutating func emit(
        _ batch: SpoutBatch<Payload>, of topology: Topology<Payload>, now: Duration
    ) -> Int {
        let number = acker.add(toOffset: batch.toOffset, tuples: 1, now: now)
        let emission = Emission(batch.payload, to: topology.spout.stream)
        let count = enqueue([emission], from: topology.spout.name, number, topology, now)
        acker.executed(batch: number, emitted: count)
        return count
    }

    /// Takes the result of a task's work; returns how many tuples it became.
    mutating func executed(
        _ task: TaskID, _ result: WorkResult<Payload>, _ topology: Topology<Payload>, now: Duration
    ) -> (outcome: Outcome, tuples: Int) {
        guard let running = tasks[task.bolt][task.task].running else {
            preconditionFailure("task \(task) finished what it never began")
        }
        tasks[task.bolt][task.task].running = nil
        guard running.epoch == epoch, let batch = running.batch else { return (.none, 0) }
        switch result {
        case .success(let emissions):
            let source = topology.bolts[task.bolt].name
            let count = enqueue(emissions, from: source, batch, topology, now)
            acker.executed(batch: batch, emitted: count)
            return (.none, count)
        case .failure(let failure):
            reset()
            return (.failed(failure), 0)
        }
    }

    /// Puts emissions into the queues of their readers; returns how many tuples they became.
    private mutating func enqueue(
        _ emissions: [Emission<Payload>], from source: ComponentName, _ batch: UInt64,
        _ topology: Topology<Payload>, _ now: Duration
    ) -> Int {
        var count = 0
        for emission in emissions {
            guard let readers = topology.readers(of: source, emission.stream) else {
                preconditionFailure(
                    "\(source) emitted to \(emission.stream), which it does not declare")
            }
            for reader in readers {
                let routes = router.route(emission, to: reader, tasks: tasks[reader.bolt].count)
                for (task, payload) in routes {
                    tasks[reader.bolt][task].queue.append(
                        Tuple(
                            partition: id.partition, source: source, stream: emission.stream,
                            batch: batch, payload: payload, since: now))
                }
                count += routes.count
            }
        }
        return count
    }

    /// Drops everything under way. The spout says again when it has gone back.
    private mutating func reset() {
        epoch += 1
        acker = Acker()
        spoutHasMore = false
        router = TupleRouter()
        for bolt in tasks.indices {
            for task in tasks[bolt].indices { tasks[bolt][task].queue = [] }
        }
    }

    mutating func tick(_ topology: Topology<Payload>, now: Duration) {
        for (index, bolt) in topology.bolts.enumerated() {
            guard let interval = bolt.tickEvery else { continue }
            for task in tasks[index].indices {
                guard let due = tasks[index][task].nextTick, due <= now else { continue }
                // From now, not from when it was due: ticks that were missed are not made up for.
                tasks[index][task].nextTick = now + interval
                tasks[index][task].isTickDue = true
            }
        }
    }

    /// Starts every task that is idle, has work and has room behind it. From the last bolt to the
    /// first, so that a tuple taken from a full queue makes room for whoever waits before it.
    mutating func dispatch(
        _ topology: Topology<Payload>, into actions: inout [TopologyAction<Payload>]
    ) {
        for index in topology.bolts.indices.reversed() {
            let bolt = topology.bolts[index]
            for number in tasks[index].indices where tasks[index][number].running == nil {
                let task = TaskID(lane: id, bolt: index, task: number)
                if tasks[index][number].isTickDue {
                    tasks[index][number].isTickDue = false
                    tasks[index][number].running = (epoch, nil)
                    actions.append(.execute(task, .tick))
                } else if !tasks[index][number].queue.isEmpty,
                    bolt.emits.allSatisfy({ hasRoom(bolt.name, $0.name, topology) })
                {
                    let tuple = tasks[index][number].queue.removeFirst()
                    tasks[index][number].running = (epoch, tuple.batch)
                    actions.append(.execute(task, .tuple(tuple)))
                }
            }
        }
    }

    func mayPoll(_ topology: Topology<Payload>) -> Bool {
        spoutHasMore && !isPolling && acker.pending.count < topology.spout.pendingBatchesMax
            && hasRoom(topology.spout.name, topology.spout.stream, topology)
    }

    /// Whether every task that could get a tuple of the stream has room for one.
    private func hasRoom(
        _ source: ComponentName, _ stream: StreamName, _ topology: Topology<Payload>
    ) -> Bool {
        (topology.readers(of: source, stream) ?? []).allSatisfy { reader in
            tasks[reader.bolt].allSatisfy {
                $0.queue.count < topology.bolts[reader.bolt].queueCapacity
            }
        }
    }
}
