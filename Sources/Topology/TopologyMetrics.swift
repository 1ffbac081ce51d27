// The counters of each component, by the names that Storm's own pages use.

internal import Metrics

/// One component's counters.
struct ComponentMetrics: Sendable {
    /// Tuples emitted, before they are copied to each reader.
    let emitted: Counter
    /// For a bolt its tuples, for the spout its batches.
    let acked: Counter
    let failed: Counter
    /// For a bolt the time of one execution; for the spout from handing over to done.
    let latency: Timer

    init(topology: String, component: ComponentName, latencyLabel: String) {
        let dimensions = [("topology", topology), ("component", component.text)]
        emitted = Counter(label: "topology_emitted_total", dimensions: dimensions)
        acked = Counter(label: "topology_acked_total", dimensions: dimensions)
        failed = Counter(label: "topology_failed_total", dimensions: dimensions)
        latency = Timer(label: latencyLabel, dimensions: dimensions)
    }
}

/// All components' counters.
struct TopologyMetrics: Sendable {
    let spout: ComponentMetrics
    let bolts: [ComponentMetrics]
    let queued: [Meter]

    init<Payload>(_ topology: Topology<Payload>) {
        spout = ComponentMetrics(
            topology: topology.name, component: topology.spout.name,
            latencyLabel: "topology_complete_seconds")
        bolts = topology.bolts.map {
            ComponentMetrics(
                topology: topology.name, component: $0.name,
                latencyLabel: "topology_execute_seconds")
        }
        queued = topology.bolts.map {
            Meter(
                label: "topology_queued_tuples",
                dimensions: [("topology", topology.name), ("component", $0.name.text)])
        }
    }

    /// One piece of work of bolt `bolt` is done.
    func executed<Payload>(_ bolt: Int, _ result: WorkResult<Payload>, took: Duration) {
        bolts[bolt].latency.record(duration: took)
        switch result {
        case .success(let emissions):
            bolts[bolt].acked.increment()
            bolts[bolt].emitted.increment(by: emissions.count)
        case .failure:
            bolts[bolt].failed.increment()
        }
    }
}
