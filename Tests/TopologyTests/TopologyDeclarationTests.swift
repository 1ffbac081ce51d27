// Mistakes in a declaration are found when it is made, each by its own error.

import Testing
import Topology

private struct Nothing: Bolt {
    mutating func execute(_ tuple: Tuple<Int>, into output: inout OutputCollector<Int>) {}
}

private func bolt(
    _ name: ComponentName, _ reads: [(ComponentName, StreamName)], emits: [StreamName] = [],
    queueCapacity: Int = 1, tickEvery: Duration? = nil
) -> BoltDeclaration<Int> {
    BoltDeclaration(
        name, reads: reads.map { Subscription($0.0, $0.1, by: .partition) }, emits: emits,
        queueCapacity: queueCapacity, tickEvery: tickEvery
    ) { _ in Nothing() }
}

private func make(_ bolts: [BoltDeclaration<Int>], pending: Int = 2) throws(TopologyError) {
    let spout = SpoutDeclaration("log", emits: "records", pendingBatchesMax: pending)
    _ = try Topology(name: "test", spout: spout, bolts: bolts)
}

@Suite struct TopologyDeclarationTests {
    @Test("a bolt that reads a component that does not exist is refused")
    func unknownComponent() {
        #expect(throws: TopologyError.unknownComponent(bolt: "a", source: "nobody")) {
            try make([bolt("a", [("nobody", "x")])])
        }
    }

    @Test("a stream that its source does not emit is refused")
    func unknownStream() {
        #expect(throws: TopologyError.unknownStream(bolt: "a", source: "log", stream: "x")) {
            try make([bolt("a", [("log", "x")])])
        }
    }

    @Test("two bolts that read each other are refused")
    func cycle() {
        #expect(throws: TopologyError.cycle(["a", "b"])) {
            try make([
                bolt("a", [("log", "records"), ("b", "y")], emits: ["x"]),
                bolt("b", [("a", "x")], emits: ["y"]),
            ])
        }
    }

    @Test("two components of one name are refused")
    func duplicateName() {
        #expect(throws: TopologyError.duplicateComponent("log")) {
            try make([bolt("log", [("log", "records")])])
        }
    }

    @Test("a bolt that reads nothing, or one stream twice, is refused")
    func subscriptions() {
        #expect(throws: TopologyError.readsNothing(bolt: "a")) { try make([bolt("a", [])]) }
        #expect(
            throws: TopologyError.duplicateSubscription(
                bolt: "a", source: "log", stream: "records")
        ) {
            try make([bolt("a", [("log", "records"), ("log", "records")])])
        }
    }

    @Test("a bound of zero is refused")
    func bounds() {
        #expect(throws: TopologyError.notPositive("a", what: "queue capacity")) {
            try make([bolt("a", [("log", "records")], queueCapacity: 0)])
        }
        #expect(throws: TopologyError.notPositive("a", what: "tick interval")) {
            try make([bolt("a", [("log", "records")], tickEvery: .zero)])
        }
        #expect(throws: TopologyError.notPositive("log", what: "pending batches")) {
            try make([bolt("a", [("log", "records")])], pending: 0)
        }
    }

    @Test("a diamond is fine, and a topology prints one line a component")
    func printable() throws {
        let topology = try Topology(
            name: "diamond",
            spout: SpoutDeclaration("log", emits: "records", pendingBatchesMax: 2),
            bolts: [
                bolt("a", [("log", "records")], emits: ["left", "right"]),
                bolt("b", [("a", "left")], emits: ["out"]),
                bolt("c", [("a", "right"), ("b", "out")]),
            ])
        #expect(
            topology.description == """
                topology diamond
                  log: spout -> records
                  a: bolt <- log.records by partition -> left, right
                  b: bolt <- a.left by partition -> out
                  c: bolt <- a.right by partition, b.out by partition
                """)
    }
}
