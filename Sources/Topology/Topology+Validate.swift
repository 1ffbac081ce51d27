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
    /// A stream is grouped by a field that its rows do not have, or by none.
    case missingField(bolt: ComponentName, source: ComponentName, stream: StreamName, String)
    /// A stream whose emitter names the task is read by another grouping, or the other way round.
    case directMismatch(bolt: ComponentName, source: ComponentName, stream: StreamName)
    /// Tuples in log order need a single task.
    case orderNeedsOneTask(bolt: ComponentName)
    case duplicateStream(ComponentName, StreamName)
    case duplicateField(ComponentName, StreamName, String)
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
        try validate([spout.emits], of: spout.name)
        for bolt in bolts { try validate(bolt.emits, of: bolt.name) }
    }

    private func validate(
        _ streams: [StreamDeclaration], of source: ComponentName
    ) throws(TopologyError) {
        var names: Set<StreamName> = []
        for stream in streams {
            guard !stream.name.text.isEmpty, stream.fields.allSatisfy({ !$0.isEmpty }) else {
                throw .emptyName
            }
            guard names.insert(stream.name).inserted else {
                throw .duplicateStream(source, stream.name)
            }
            var fields: Set<String> = []
            for field in stream.fields where !fields.insert(field).inserted {
                throw .duplicateField(source, stream.name, field)
            }
        }
    }

    private func validate(_ bolt: BoltDeclaration<Payload>) throws(TopologyError) {
        guard !bolt.reads.isEmpty else { throw .readsNothing(bolt: bolt.name) }
        guard bolt.parallelism > 0 else { throw .notPositive(bolt.name, what: "parallelism") }
        guard bolt.queueCapacity > 0 else { throw .notPositive(bolt.name, what: "queue capacity") }
        if let interval = bolt.tickEvery, interval <= .zero {
            throw .notPositive(bolt.name, what: "tick interval")
        }
        var seen: Set<Edge> = []
        for input in bolt.reads {
            guard input.source == spout.name || bolts.contains(where: { $0.name == input.source })
            else { throw .unknownComponent(bolt: bolt.name, source: input.source) }
            guard let stream = stream(input.source, input.stream) else {
                throw .unknownStream(bolt: bolt.name, source: input.source, stream: input.stream)
            }
            guard seen.insert(Edge(source: input.source, stream: input.stream)).inserted else {
                throw .duplicateSubscription(
                    bolt: bolt.name, source: input.source, stream: input.stream)
            }
            try validate(input, of: stream, in: bolt)
        }
    }

    private func validate(
        _ input: Subscription, of stream: StreamDeclaration, in bolt: BoltDeclaration<Payload>
    ) throws(TopologyError) {
        guard (input.grouping == .direct) == stream.isDirect else {
            throw .directMismatch(bolt: bolt.name, source: input.source, stream: stream.name)
        }
        func missing(_ field: String) -> TopologyError {
            .missingField(bolt: bolt.name, source: input.source, stream: stream.name, field)
        }
        switch input.grouping {
        case .fields(let fields), .partialKey(let fields):
            guard !fields.isEmpty else { throw missing("") }
            for field in fields where !stream.fields.contains(field) { throw missing(field) }
        case .partition:
            guard bolt.parallelism == 1 else { throw .orderNeedsOneTask(bolt: bolt.name) }
        case .shuffle, .localOrShuffle, .all, .global, .direct: break
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
