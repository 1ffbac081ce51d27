// The runtime's decisions without its threads: which task runs which tuple when, who has to wait,
// what is acked, failed and dropped. Events go in with the time, actions come out; the caller
// performs them and reports back. So a test can run every interleaving from a seed.
//
// Kept at all times, for each lane:
// - A task executes one piece of work at a time, its tuples in the order they were emitted.
// - A task starts on a tuple only if every queue it may emit to is below its capacity, and the
// spout
//   is asked only if the queues it feeds are: a queue is over its capacity by at most what one
//   execution emits. A slow bolt so holds back everything before it, up to the log's consumer.
// - A failed batch takes all batches of its lane with it: later ones would leave a hole. What is
// still
//   executing then finishes unheard: its epoch is over.

/// One assignment of one partition: the same partition assigned again is another lane.
package struct LaneID: Hashable, Sendable {
    package let partition: Int32
    package let generation: UInt64
}

/// One bolt's task in one lane.
package struct TaskID: Hashable, Sendable {
    package let lane: LaneID
    /// Index into the topology's bolts.
    package let bolt: Int
    /// Which of the bolt's tasks.
    package let task: Int

    package init(lane: LaneID, bolt: Int, task: Int = 0) {
        self.lane = lane
        self.bolt = bolt
        self.task = task
    }
}

/// What a task is to do next.
package enum Work<Payload: Sendable>: Sendable {
    case tuple(Tuple<Payload>)
    case tick
}

/// How a piece of work ended.
package enum WorkResult<Payload: Sendable>: Sendable {
    case success([Emission<Payload>])
    case failure(TupleFailure)
}

/// What the caller of the machine has to do.
package enum TopologyAction<Payload: Sendable>: Sendable {
    /// Create the tasks of a lane.
    case start(LaneID)
    /// Cancel the tasks of a lane; results that still come are ignored.
    case stop(LaneID)
    case execute(TaskID, Work<Payload>)
    /// Ask the spout and call `polled` with the answer.
    case poll(LaneID)
    case acked(LaneID, toOffset: Int64, emittedAt: Duration)
    case failed(LaneID, TupleFailure)
}

/// The state of all lanes.
package struct TopologyMachine<Payload: TuplePayload>: Sendable {
    package let topology: Topology<Payload>
    private var lanes: [Int32: Lane<Payload>] = [:]
    private var lastGeneration: UInt64 = 0
    private var isDraining = false
    private var actions: [TopologyAction<Payload>] = []

    package init(_ topology: Topology<Payload>) { self.topology = topology }

    /// Everything to do since the last call, in order.
    package mutating func takeActions() -> [TopologyAction<Payload>] {
        defer { actions = [] }
        return actions
    }

    /// Whether nothing is under way.
    package var isIdle: Bool { lanes.values.allSatisfy(\.isIdle) }

    /// Tuples waiting for the tasks of each bolt, over all lanes.
    package var queuedTuples: [Int] {
        topology.bolts.indices.map { bolt in
            lanes.values.reduce(0) { $0 + $1.tasks[bolt].reduce(0) { $0 + $1.queue.count } }
        }
    }

    /// The worker now holds `partition`. Assigning it again begins a new lane.
    package mutating func assign(_ partition: Int32, now: Duration) {
        revoke(partition)
        lastGeneration += 1
        let id = LaneID(partition: partition, generation: lastGeneration)
        lanes[partition] = Lane(id: id, topology: topology, now: now)
        actions.append(.start(id))
    }

    /// The worker no longer holds `partition`: what is under way is dropped.
    package mutating func revoke(_ partition: Int32) {
        guard let lane = lanes.removeValue(forKey: partition) else { return }
        actions.append(.stop(lane.id))
    }

    /// The spout has something for `partition`.
    package mutating func wake(_ partition: Int32) {
        withLane(partition) { lane, _ in lane.spoutHasMore = true }
    }

    /// The spout's answer to `poll`. Returns how many tuples it became.
    @discardableResult
    package mutating func polled(
        _ id: LaneID, _ batch: SpoutBatch<Payload>?, now: Duration
    ) -> Int {
        var tuples = 0
        withLane(id.partition, if: id) { lane, topology in
            lane.isPolling = false
            guard let batch else {
                lane.spoutHasMore = false
                return
            }
            tuples = lane.emit(batch, of: topology, now: now)
        }
        return tuples
    }

    /// A task has finished what `execute` gave it. Returns how many tuples that became.
    @discardableResult
    package mutating func executed(
        _ task: TaskID, _ result: WorkResult<Payload>, now: Duration = .zero
    ) -> Int {
        var outcome = Lane<Payload>.Outcome.none
        var tuples = 0
        withLane(task.lane.partition, if: task.lane) { lane, topology in
            (outcome, tuples) = lane.executed(task, result, topology, now: now)
        }
        if case .failed(let failure) = outcome { actions.append(.failed(task.lane, failure)) }
        return tuples
    }

    /// Time has passed: tasks whose interval is over get a tick.
    package mutating func tick(now: Duration) {
        for partition in lanes.keys.sorted() {
            withLane(partition) { lane, topology in lane.tick(topology, now: now) }
        }
    }

    /// Asks the spout for nothing more; `isIdle` says when what is under way is done.
    package mutating func drain() { isDraining = true }

    /// Changes a lane, then reports what is done and starts what can be started.
    private mutating func withLane(
        _ partition: Int32, if id: LaneID? = nil,
        _ body: (inout Lane<Payload>, Topology<Payload>) -> Void
    ) {
        guard var lane = lanes.removeValue(forKey: partition) else { return }
        defer { lanes[partition] = lane }
        if let id, id != lane.id { return }
        body(&lane, topology)
        for done in lane.acker.takeDone() {
            actions.append(.acked(lane.id, toOffset: done.toOffset, emittedAt: done.emittedAt))
        }
        lane.dispatch(topology, into: &actions)
        if !isDraining, lane.mayPoll(topology) {
            lane.isPolling = true
            actions.append(.poll(lane.id))
        }
    }
}
