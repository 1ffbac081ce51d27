// What makes a topology runnable. Found at start, not when the first tuple meets the mistake.

/// Why a topology cannot run.
package enum TopologyError: Error, Sendable, Equatable {
    case emptyName
    case duplicateComponent(ComponentName)
    case unknownComponent(bolt: ComponentName, source: ComponentName)
    case unknownStream(bolt: ComponentName, source: ComponentName, stream: StreamName)
    case duplicateSubscription(bolt: ComponentName, source: ComponentName, stream: StreamName)
    case readsNothing(bolt: ComponentName)
    case notPositive(ComponentName, what: String)
    case cycle([ComponentName])
}

extension Topology {
    func validate() throws(TopologyError) {
        try validateNames()
        for bolt in bolts { try validate(bolt) }
        guard spout.pendingBatchesMax > 0 else {
            throw .notPositive(spout.name, what: "pending batches")
        }
        try validateAcyclic()
    }

    private func validateNames() throws(TopologyError) {
        var seen: Set<ComponentName> = []
        for component in [spout.name] + bolts.map(\.name) {
            guard !component.text.isEmpty else { throw .emptyName }
            guard seen.insert(component).inserted else { throw .duplicateComponent(component) }
        }
        let streams = [spout.stream] + bolts.flatMap(\.emits)
        guard streams.allSatisfy({ !$0.text.isEmpty }) else { throw .emptyName }
    }

    private func validate(_ bolt: BoltDeclaration<Payload>) throws(TopologyError) {
        guard !bolt.reads.isEmpty else { throw .readsNothing(bolt: bolt.name) }
        guard bolt.queueCapacity > 0 else { throw .notPositive(bolt.name, what: "queue capacity") }
        if let interval = bolt.tickEvery, interval <= .zero {
            throw .notPositive(bolt.name, what: "tick interval")
        }
        var seen: Set<Edge> = []
        for input in bolt.reads {
            guard input.source == spout.name || bolts.contains(where: { $0.name == input.source })
            else { throw .unknownComponent(bolt: bolt.name, source: input.source) }
            guard readers(of: input.source, input.stream) != nil else {
                throw .unknownStream(bolt: bolt.name, source: input.source, stream: input.stream)
            }
            guard seen.insert(Edge(source: input.source, stream: input.stream)).inserted else {
                throw .duplicateSubscription(
                    bolt: bolt.name, source: input.source, stream: input.stream)
            }
        }
    }

    /// Peels off bolts whose sources are all peeled off; whatever cannot be lies on a cycle or
    /// behind one. A cycle could hold a tuple for ever, and bounded queues on it could deadlock.
    private func validateAcyclic() throws(TopologyError) {
        var reached: Set<ComponentName> = [spout.name]
        var rest = bolts
        while !rest.isEmpty {
            let ready = rest.filter { $0.reads.allSatisfy { reached.contains($0.source) } }
            guard !ready.isEmpty else { throw .cycle(rest.map(\.name)) }
            reached.formUnion(ready.map(\.name))
            rest.removeAll { reached.contains($0.name) }
        }
    }
}
