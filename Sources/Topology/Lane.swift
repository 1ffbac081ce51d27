// One partition's tasks with their queues: the inner half of the machine.

/// One task: what waits for it and whether it is busy.
struct TaskState<Payload: Sendable>: Sendable {
    var queue: [Tuple<Payload>] = []
    /// What is executing, with the epoch in which it began; nil when idle.
    var running: (epoch: UInt64, batch: UInt64?)?
    var isTickDue = false
    var nextTick: Duration?
}

/// The lane of one partition.
struct Lane<Payload: Sendable>: Sendable {
    enum Outcome { case none, failed(TupleFailure) }

    let id: LaneID
    var tasks: [TaskState<Payload>]
    var acker = Acker()
    /// Whether the spout said it has something and has not said otherwise since.
    var spoutHasMore = false
    var isPolling = false
    /// Goes up with each failure; work begun in an earlier epoch is unheard.
    private var epoch: UInt64 = 0

    init(id: LaneID, topology: Topology<Payload>, now: Duration) {
        self.id = id
        tasks = topology.bolts.map { bolt in
            TaskState(nextTick: bolt.tickEvery.map { now + $0 })
        }
    }

    var isIdle: Bool {
        !isPolling && acker.pending.isEmpty && tasks.allSatisfy { $0.running == nil }
    }

    mutating func emit(_ batch: SpoutBatch<Payload>, of topology: Topology<Payload>, now: Duration)
    {
        let spout = topology.spout
        let targets = topology.readers(of: spout.name, spout.stream) ?? []
        let number = acker.add(toOffset: batch.toOffset, tuples: targets.count, now: now)
        for target in targets {
            tasks[target].queue.append(
                Tuple(
                    partition: id.partition, source: spout.name, stream: spout.stream,
                    batch: number, payload: batch.payload))
        }
    }

    mutating func executed(
        _ bolt: Int, _ result: WorkResult<Payload>, _ topology: Topology<Payload>
    ) -> Outcome {
        guard let running = tasks[bolt].running else {
            preconditionFailure("bolt \(bolt) of lane \(id) finished what it never began")
        }
        tasks[bolt].running = nil
        guard running.epoch == epoch, let batch = running.batch else { return .none }
        switch result {
        case .success(let emissions):
            let count = enqueue(emissions, from: topology.bolts[bolt].name, batch, topology)
            acker.executed(batch: batch, emitted: count)
            return .none
        case .failure(let failure):
            reset()
            return .failed(failure)
        }
    }

    /// Puts emissions into the queues of their readers; returns how many tuples they became.
    private mutating func enqueue(
        _ emissions: [(stream: StreamName, payload: Payload)], from source: ComponentName,
        _ batch: UInt64, _ topology: Topology<Payload>
    ) -> Int {
        var count = 0
        for (stream, payload) in emissions {
            guard let targets = topology.readers(of: source, stream) else {
                preconditionFailure("\(source) emitted to \(stream), which it does not declare")
            }
            for target in targets {
                tasks[target].queue.append(
                    Tuple(
                        partition: id.partition, source: source, stream: stream, batch: batch,
                        payload: payload))
            }
            count += targets.count
        }
        return count
    }

    /// Drops everything under way. The spout says again when it has gone back.
    private mutating func reset() {
        epoch += 1
        acker = Acker()
        spoutHasMore = false
        for index in tasks.indices { tasks[index].queue = [] }
    }

    mutating func tick(_ topology: Topology<Payload>, now: Duration) {
        for (index, bolt) in topology.bolts.enumerated() {
            guard let interval = bolt.tickEvery, let due = tasks[index].nextTick, due <= now else {
                continue
            }
            // From now, not from when it was due: ticks that were missed are not made up for.
            tasks[index].nextTick = now + interval
            tasks[index].isTickDue = true
        }
    }

    /// Starts every task that is idle, has work and has room behind it. From the last bolt to the
    /// first, so that a tuple taken from a full queue makes room for whoever waits before it.
    mutating func dispatch(
        _ topology: Topology<Payload>, into actions: inout [TopologyAction<Payload>]
    ) {
        for index in topology.bolts.indices.reversed() where tasks[index].running == nil {
            let bolt = topology.bolts[index]
            let task = TaskID(lane: id, bolt: index)
            if tasks[index].isTickDue {
                tasks[index].isTickDue = false
                tasks[index].running = (epoch, nil)
                actions.append(.execute(task, .tick))
            } else if !tasks[index].queue.isEmpty,
                bolt.emits.allSatisfy({ hasRoom(bolt.name, $0, topology) })
            {
                let tuple = tasks[index].queue.removeFirst()
                tasks[index].running = (epoch, tuple.batch)
                actions.append(.execute(task, .tuple(tuple)))
            }
        }
    }

    func mayPoll(_ topology: Topology<Payload>) -> Bool {
        spoutHasMore && !isPolling && acker.pending.count < topology.spout.pendingBatchesMax
            && hasRoom(topology.spout.name, topology.spout.stream, topology)
    }

    private func hasRoom(
        _ source: ComponentName, _ stream: StreamName, _ topology: Topology<Payload>
    ) -> Bool {
        (topology.readers(of: source, stream) ?? []).allSatisfy {
            tasks[$0].queue.count < topology.bolts[$0].queueCapacity
        }
    }
}
