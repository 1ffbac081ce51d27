// A topology as plain values: which components there are, what each reads and emits. It is checked
// when it is made, so whoever holds a `Topology` can run it.
//
// A component's instance is a task. Every partition that the worker holds has tasks of its own, as
// many of each bolt as its declaration says; together they are the partition's lane. Tuples stay in
// their lane: that is what makes an acked offset stand for everything below it. Groupings choose
// among the tasks of the lane; to bring together what lies in several partitions, a topology writes
// to a topic that is partitioned by it (`RepartitionBolt`), and another one reads that.

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

/// A stream as its component declares it.
package struct StreamDeclaration: Sendable, Hashable, ExpressibleByStringLiteral {
    package let name: StreamName
    /// The fields of its rows; empty for payloads that are not taken apart.
    package let fields: [String]
    /// Whether the bolt that emits to it names the task, as `Grouping.direct` wants.
    package let isDirect: Bool

    package init(_ name: StreamName, fields: [String] = [], isDirect: Bool = false) {
        self.name = name
        self.fields = fields
        self.isDirect = isDirect
    }

    package init(stringLiteral text: String) { self.init(StreamName(text)) }
}

/// How a tuple chooses the task of the component that reads it, among those of its lane.
package enum Grouping: Sendable, Hashable {
    /// The lane's one task of the component: everything comes in log order.
    case partition
    /// Each task in turn.
    case shuffle
    /// The same here, where all tasks of a lane are in one worker: the name is for those who know
    /// it.
    case localOrShuffle
    /// Rows with equal values in these fields go to the same task.
    case fields([String])
    /// Such rows go to one of two tasks, to the one that has had fewer rows: where some values are
    /// much more frequent than others, and somebody behind adds up.
    case partialKey([String])
    /// A copy for every task.
    case all
    /// The first task alone.
    case global
    /// The task that the emitting bolt names.
    case direct

    /// The fields that it looks at.
    var fields: [String] {
        switch self {
        case .fields(let fields), .partialKey(let fields): fields
        default: []
        }
    }
}

extension Grouping: CustomStringConvertible {
    package var description: String {
        switch self {
        case .partition: "partition"
        case .shuffle: "shuffle"
        case .localOrShuffle: "local-or-shuffle"
        case .fields(let fields): "fields(\(fields.joined(separator: ", ")))"
        case .partialKey(let fields): "partial-key(\(fields.joined(separator: ", ")))"
        case .all: "all"
        case .global: "global"
        case .direct: "direct"
        }
    }
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
    package let emits: StreamDeclaration
    /// Batches of one partition on their way at a time; the next is not asked for before one of
    /// them is done.
    package let pendingBatchesMax: Int

    package init(_ name: ComponentName, emits: StreamDeclaration, pendingBatchesMax: Int) {
        self.name = name
        self.emits = emits
        self.pendingBatchesMax = pendingBatchesMax
    }

    package var stream: StreamName { emits.name }
}

/// One processing step.
package struct BoltDeclaration<Payload: Sendable>: Sendable {
    package let name: ComponentName
    package let reads: [Subscription]
    package let emits: [StreamDeclaration]
    /// Tasks of it in each lane. Only one keeps the order of the log.
    package let parallelism: Int
    /// Tuples that wait for one task before those who emit to it are held back.
    package let queueCapacity: Int
    /// How often each task ticks, if it does.
    package let tickEvery: Duration?
    /// Makes one task's bolt.
    package let make: @Sendable (TaskContext) -> any Bolt<Payload>

    package init(
        _ name: ComponentName, reads: [Subscription], emits: [StreamDeclaration] = [],
        parallelism: Int = 1, queueCapacity: Int = 2, tickEvery: Duration? = nil,
        make: @escaping @Sendable (TaskContext) -> any Bolt<Payload>
    ) {
        self.name = name
        self.reads = reads
        self.emits = emits
        self.parallelism = parallelism
        self.queueCapacity = queueCapacity
        self.tickEvery = tickEvery
        self.make = make
    }
}

/// A checked graph of components. `Payload` is what a tuple carries on every stream of it.
package struct Topology<Payload: TuplePayload>: Sendable {
    package let name: String
    package let spout: SpoutDeclaration
    package let bolts: [BoltDeclaration<Payload>]
    /// For each stream, who reads it.
    let readers: [Edge: [Reader]]

    /// One component's stream.
    struct Edge: Hashable, Sendable {
        let source: ComponentName
        let stream: StreamName
    }

    /// One bolt that reads a stream.
    struct Reader: Sendable {
        /// Distinct among all subscriptions of the topology.
        let id: Int
        /// Index into `bolts`.
        let bolt: Int
        let grouping: Grouping
    }

    package init(
        name: String, spout: SpoutDeclaration, bolts: [BoltDeclaration<Payload>]
    ) throws(TopologyError) {
        self.name = name
        self.spout = spout
        self.bolts = bolts
        var readers: [Edge: [Reader]] = [Edge(source: spout.name, stream: spout.stream): []]
        for bolt in bolts {
            for stream in bolt.emits { readers[Edge(source: bolt.name, stream: stream.name)] = [] }
        }
        var id = 0
        for (index, bolt) in bolts.enumerated() {
            for subscription in bolt.reads {
                let edge = Edge(source: subscription.source, stream: subscription.stream)
                readers[edge]?.append(
                    Reader(id: id, bolt: index, grouping: subscription.grouping))
                id += 1
            }
        }
        self.readers = readers
        try validate()
    }

    func readers(of source: ComponentName, _ stream: StreamName) -> [Reader]? {
        readers[Edge(source: source, stream: stream)]
    }

    /// The declaration of a stream, if the source makes one.
    func stream(_ source: ComponentName, _ name: StreamName) -> StreamDeclaration? {
        if source == spout.name { return spout.emits.name == name ? spout.emits : nil }
        return bolts.first { $0.name == source }?.emits.first { $0.name == name }
    }
}
