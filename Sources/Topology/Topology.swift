// A topology as plain values: which components there are, what each reads and emits. It is checked
// when it is made, so whoever holds a `Topology` can run it.
//
// A component's instance is a task. Today every bolt has one task for each partition that the
// worker holds; these tasks together are the partition's lane. Tuples stay in their lane, so one
// partition's batches pass every bolt in log order, and partitions run in parallel.

/// The name of a spout or bolt.
package struct ComponentName: Hashable, Sendable, ExpressibleByStringLiteral,
    CustomStringConvertible
{
    package let text: String
    package init(_ text: String) { self.text = text }
    package init(stringLiteral text: String) { self.text = text }
    package var description: String { text }
}

/// The name of a stream: one kind of tuple that a component emits.
package struct StreamName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let text: String
    package init(_ text: String) { self.text = text }
    package init(stringLiteral text: String) { self.text = text }
    package var description: String { text }
}

/// How a tuple chooses the task of the component that reads it.
package enum Grouping: String, Sendable, Hashable {
    /// The task of the tuple's own partition: order is kept, and nothing leaves the worker.
    case partition
}

/// One stream that a bolt reads.
package struct Subscription: Sendable, Hashable {
    package let source: ComponentName
    package let stream: StreamName
    package let grouping: Grouping

    package init(_ source: ComponentName, _ stream: StreamName, by grouping: Grouping) {
        self.source = source
        self.stream = stream
        self.grouping = grouping
    }
}

/// Where batches come from.
package struct SpoutDeclaration: Sendable {
    package let name: ComponentName
    package let stream: StreamName
    /// Batches of one partition on their way at a time; the next is not asked for before one of
    /// them is done.
    package let pendingBatchesMax: Int

    package init(_ name: ComponentName, emits stream: StreamName, pendingBatchesMax: Int) {
        self.name = name
        self.stream = stream
        self.pendingBatchesMax = pendingBatchesMax
    }
}

/// One processing step.
package struct BoltDeclaration<Payload: Sendable>: Sendable {
    package let name: ComponentName
    package let reads: [Subscription]
    package let emits: [StreamName]
    /// Tuples that wait for one task before those who emit to it are held back.
    package let queueCapacity: Int
    /// How often each task ticks, if it does.
    package let tickEvery: Duration?
    /// Makes one task's bolt.
    package let make: @Sendable (TaskContext) -> any Bolt<Payload>

    package init(
        _ name: ComponentName, reads: [Subscription], emits: [StreamName] = [],
        queueCapacity: Int = 2, tickEvery: Duration? = nil,
        make: @escaping @Sendable (TaskContext) -> any Bolt<Payload>
    ) {
        self.name = name
        self.reads = reads
        self.emits = emits
        self.queueCapacity = queueCapacity
        self.tickEvery = tickEvery
        self.make = make
    }
}

/// A checked graph of components. `Payload` is what a tuple carries on every stream of it.
package struct Topology<Payload: Sendable>: Sendable {
    package let name: String
    package let spout: SpoutDeclaration
    package let bolts: [BoltDeclaration<Payload>]
    /// For each stream, who reads it, as indexes into `bolts`.
    let readers: [Edge: [Int]]

    /// One component's stream.
    struct Edge: Hashable, Sendable {
        let source: ComponentName
        let stream: StreamName
    }

    package init(
        name: String, spout: SpoutDeclaration, bolts: [BoltDeclaration<Payload>]
    ) throws(TopologyError) {
        self.name = name
        self.spout = spout
        self.bolts = bolts
        var readers: [Edge: [Int]] = [Edge(source: spout.name, stream: spout.stream): []]
        for bolt in bolts {
            for stream in bolt.emits { readers[Edge(source: bolt.name, stream: stream)] = [] }
        }
        for (index, bolt) in bolts.enumerated() {
            for subscription in bolt.reads {
                let edge = Edge(source: subscription.source, stream: subscription.stream)
                readers[edge]?.append(index)
            }
        }
        self.readers = readers
        try validate()
    }

    func readers(of source: ComponentName, _ stream: StreamName) -> [Int]? {
        readers[Edge(source: source, stream: stream)]
    }
}

extension Topology: CustomStringConvertible {
    /// One line a component, in the order of declaration.
    package var description: String {
        var lines = ["topology \(name)", "  \(spout.name): spout -> \(spout.stream)"]
        for bolt in bolts {
            let inputs = bolt.reads.map { "\($0.source).\($0.stream) by \($0.grouping.rawValue)" }
            let outputs = bolt.emits.map(\.text).joined(separator: ", ")
            lines.append(
                "  \(bolt.name): bolt <- \(inputs.joined(separator: ", "))"
                    + (outputs.isEmpty ? "" : " -> \(outputs)"))
        }
        return lines.joined(separator: "\n")
    }
}
