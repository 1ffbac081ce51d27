// The same counts for Prometheus, by the names that Storm's own pages use.

internal import Metrics

/// One component's counters.
struct ComponentMetrics: Sendable {
    /// Tuples emitted, before they are copied to each reader.
    let emitted: Counter
    /// What became of them: one for each task that got them, or a part of them.
    let transferred: Counter
    /// For a bolt its tuples, for the spout its batches.
    let acked: Counter
    let failed: Counter

    init(_ dimensions: [(String, String)]) {
        emitted = Counter(label: "topology_emitted_total", dimensions: dimensions)
        transferred = Counter(label: "topology_transferred_total", dimensions: dimensions)
        acked = Counter(label: "topology_acked_total", dimensions: dimensions)
        failed = Counter(label: "topology_failed_total", dimensions: dimensions)
    }
}

/// What a bolt has beside its counters.
struct BoltMetrics: Sendable {
    let counts: ComponentMetrics
    /// The time of one execution.
    let execute: Timer
    /// From coming into the queue to being done.
    let process: Timer
    let queued: Meter
    let capacity: Meter
}

/// All components' counters.
struct TopologyMetrics: Sendable {
    let spout: ComponentMetrics
    /// From handing a batch over to its being done.
    let complete: Timer
    let bolts: [BoltMetrics]

    init<Payload>(_ topology: Topology<Payload>) {
        func dimensions(_ component: ComponentName) -> [(String, String)] {
            [("topology", topology.name), ("component", component.text)]
        }
        let own = dimensions(topology.spout.name)
        spout = ComponentMetrics(own)
        complete = Timer(label: "topology_complete_seconds", dimensions: own)
        bolts = topology.bolts.map { bolt in
            let own = dimensions(bolt.name)
            return BoltMetrics(
                counts: ComponentMetrics(own),
                execute: Timer(label: "topology_execute_seconds", dimensions: own),
                process: Timer(label: "topology_process_seconds", dimensions: own),
                queued: Meter(label: "topology_queued_tuples", dimensions: own),
                capacity: Meter(label: "topology_capacity_ratio", dimensions: own))
        }
    }

    /// A task of bolt `bolt` executed one tuple.
    func executed<Payload>(
        _ bolt: Int, _ result: WorkResult<Payload>, tuples: Int, took: Duration, process: Duration
    ) {
        bolts[bolt].execute.record(duration: took)
        let counts = bolts[bolt].counts
        switch result {
        case .success(let emissions):
            counts.acked.increment()
            counts.emitted.increment(by: emissions.count)
            counts.transferred.increment(by: tuples)
            bolts[bolt].process.record(duration: process)
        case .failure: counts.failed.increment()
        }
    }

    /// How the bolts stand.
    func show(_ report: TopologyReport?) {
        guard let report else { return }
        for (bolt, component) in zip(bolts, report.components.dropFirst()) {
            bolt.queued.set(component.queued)
            bolt.capacity.set(component.capacity)
        }
    }
}
