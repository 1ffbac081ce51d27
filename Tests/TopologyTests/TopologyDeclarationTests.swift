// Mistakes in a declaration are found when it is made, each by its own error.

import JSON
import Testing
import Topology

extension Int: TuplePayload {}

private struct Nothing: Bolt {
    mutating func execute(_ tuple: Tuple<Int>, into output: inout OutputCollector<Int>) {}
}

private func bolt(
    _ name: ComponentName, _ reads: [(ComponentName, StreamName)], emits: [StreamDeclaration] = [],
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

    @Test("a grouping by a field that the stream does not have, or by none, is refused")
    func missingFields() {
        func grouped(_ grouping: Grouping) throws(TopologyError) {
            let spout = SpoutDeclaration(
                "log", emits: StreamDeclaration("rows", fields: ["a"]), pendingBatchesMax: 1)
            let bolt = BoltDeclaration<Int>(
                "x", reads: [Subscription("log", "rows", by: grouping)], parallelism: 2
            ) { _ in Nothing() }
            _ = try Topology(name: "test", spout: spout, bolts: [bolt])
        }
        func missing(_ field: String) -> TopologyError {
            .missingField(bolt: "x", source: "log", stream: "rows", field)
        }
        #expect(throws: missing("b")) { try grouped(.fields(["a", "b"])) }
        #expect(throws: missing("")) { try grouped(.partialKey([])) }
        #expect(throws: TopologyError.orderNeedsOneTask(bolt: "x")) { try grouped(.partition) }
        #expect(
            throws: TopologyError.directMismatch(bolt: "x", source: "log", stream: "rows")
        ) { try grouped(.direct) }
        #expect(throws: Never.self) { try grouped(.fields(["a"])) }
    }

    @Test("two streams or two fields of one name are refused, and so is no task")
    func streams() {
        #expect(throws: TopologyError.duplicateStream("a", "x")) {
            try make([bolt("a", [("log", "records")], emits: ["x", "x"])])
        }
        #expect(throws: TopologyError.duplicateField("a", "x", "f")) {
            try make([
                bolt(
                    "a", [("log", "records")],
                    emits: [StreamDeclaration("x", fields: ["f", "f"])])
            ])
        }
        let idle = BoltDeclaration<Int>(
            "a", reads: [Subscription("log", "records", by: .shuffle)], parallelism: 0
        ) { _ in Nothing() }
        #expect(throws: TopologyError.notPositive("a", what: "parallelism")) { try make([idle]) }
    }

    @Test("a topology prints as text, as JSON and for Graphviz")
    func printable() throws {
        let rows = StreamDeclaration("rows", fields: ["user", "n"])
        let topology = try Topology<Int>(
            name: "diamond",
            spout: SpoutDeclaration("log", emits: "records", pendingBatchesMax: 2),
            bolts: [
                bolt("a", [("log", "records")], emits: ["left", rows]),
                BoltDeclaration(
                    "b", reads: [Subscription("a", "rows", by: .fields(["user"]))], emits: ["out"],
                    parallelism: 3
                ) { _ in Nothing() },
                bolt("c", [("a", "left"), ("b", "out")]),
            ])
        #expect(
            topology.description == """
                topology diamond
                  log: spout -> records
                  a: bolt <- log.records by partition -> left, rows(user, n)
                  b: bolt x 3 <- a.rows by fields(user) -> out
                  c: bolt <- a.left by partition, b.out by partition
                """)
        #expect(
            topology.dot == #"""
                digraph "diamond" {
                  rankdir=LR;
                  "log" [shape=house, orientation=270];
                  "a" [shape=box, label="a"];
                  "b" [shape=box, label="b\n× 3"];
                  "c" [shape=box, label="c"];
                  "log" -> "a" [label="records\npartition"];
                  "a" -> "b" [label="rows\nfields(user)"];
                  "a" -> "c" [label="left\npartition"];
                  "b" -> "c" [label="out\npartition"];
                }
                """#)
        let json = topology.json
        #expect(json["name"]?.string == "diamond" && json["bolts"]?.array?.count == 3)
        let read = json["bolts"]?.array?[1]["reads"]?.array?.first
        #expect(read?["grouping"]?.string == "fields(user)")
    }
}
