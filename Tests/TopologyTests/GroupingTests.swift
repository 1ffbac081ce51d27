// Where tuples go: each grouping on real rows, and that results do not depend on who is faster.

import Model
import Synchronization
import Testing
import Topology

/// Which task saw which words, over everything that was acked at least once.
private final class Seen: Sendable {
    let rows = Mutex<[Int: [String: Int]]>([:])
    func add(_ word: String, _ task: Int) {
        rows.withLock { $0[task, default: [:]][word, default: 0] += 1 }
    }
    /// Words by task.
    var words: [Int: Set<String>] { rows.withLock { $0.mapValues { Set($0.keys) } } }
    var counts: [Int: Int] { rows.withLock { $0.mapValues { $0.values.reduce(0, +) } } }
    var total: [String: Int] {
        rows.withLock { $0.values.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) } }
    }
}

private struct Note: RowBolt {
    let seen: Seen
    let task: Int
    mutating func execute(_ row: Row, into output: inout RowCollector) async throws {
        guard case .string(let word) = row["word"] else { return }
        seen.add(word, task)
    }
}

private let words = StreamDeclaration("words", fields: ["word", "n"])

/// Twenty batches of five words in each of two partitions; "the" is every second one.
private func batches() -> [Int32: [SpoutBatch<RowBatch>]] {
    var batches: [Int32: [SpoutBatch<RowBatch>]] = [:]
    for partition in 0..<2 as Range<Int32> {
        batches[partition] = (0..<20).map { number in
            var batch = RowBatch(fields: words.fields)
            for row in 0..<5 {
                let index = number * 5 + row
                let word = index % 2 == 0 ? "the" : "w\(index % 30)"
                batch.append([.string(word), .int(Int64(index))])
            }
            return SpoutBatch(
                fromOffset: Int64(number * 5), toOffset: Int64(number * 5 + 5), payload: batch)
        }
    }
    return batches
}

private func run(
    _ grouping: Grouping, tasks: Int = 4, seed: UInt64 = 1
) async throws -> Seen {
    let seen = Seen()
    let topology = try Topology<RowBatch>(
        name: "test", spout: SpoutDeclaration("source", emits: words, pendingBatchesMax: 3),
        bolts: [
            BoltDeclaration(
                "note", reads: [Subscription("source", "words", by: grouping)], parallelism: tasks
            ) { ByRow(Note(seen: seen, task: $0.task)) }
        ])
    var simulator = TopologySimulator(topology, batches: batches(), seed: seed)
    try await simulator.run()
    #expect(simulator.acked == [0: 100, 1: 100])
    return seen
}

@Suite struct GroupingTests {
    @Test("shuffle gives every task its turn, and each row to one task", arguments: [0, 1])
    func shuffle(_ which: Int) async throws {
        let seen = try await run(which == 0 ? .shuffle : .localOrShuffle)
        #expect(seen.counts == [0: 50, 1: 50, 2: 50, 3: 50])
        #expect(seen.total["the"] == 100)
    }

    @Test("fields keeps equal values together and loses no row")
    func fields() async throws {
        let seen = try await run(.fields(["word"]))
        #expect(seen.counts.count > 1 && seen.counts.values.reduce(0, +) == 200)
        for word in seen.total.keys {
            #expect(seen.words.values.count { $0.contains(word) } == 1, "\(word)")
        }
    }

    @Test("partial-key spreads a frequent value over two tasks, and no value over more")
    func partialKey() async throws {
        let seen = try await run(.partialKey(["word"]))
        #expect(seen.counts.values.reduce(0, +) == 200)
        #expect(seen.words.values.count { $0.contains("the") } == 2)
        for word in seen.total.keys {
            #expect(seen.words.values.count { $0.contains(word) } <= 2, "\(word)")
        }
        let one = try await run(.partialKey(["word"]), tasks: 1)
        #expect(one.counts == [0: 200])
    }

    @Test("all copies, global and partition go to one task")
    func copies() async throws {
        #expect(try await run(.all).counts == [0: 200, 1: 200, 2: 200, 3: 200])
        #expect(try await run(.global).counts == [0: 200])
        #expect(try await run(.partition, tasks: 1).counts == [0: 200])
    }

    @Test("the hash that fields go by never changes: topics are partitioned by it")
    func stableHash() {
        let batch = RowBatch(
            fields: ["a", "b"],
            columns: [[.string("x"), .int(1), .double(1)], [.null, .null, .null]])
        let hashes = (0..<3).map { batch.hash(of: ["a", "b"], row: $0) }
        #expect(hashes[1] == hashes[2], "1 and 1.0 are one value")
        #expect(hashes[0] == 14_724_625_192_361_749_962)
    }
}

/// Words are counted within their batch and the counts added up behind: with failures drawn, what
/// is stored by offsets is the same for every seed.
@Suite struct InterleavingTests {
    private struct Count: RowBolt {
        var counts: [String: Int64] = [:]
        mutating func execute(_ row: Row, into output: inout RowCollector) async throws {
            if case .string(let word) = row["word"] { counts[word, default: 0] += 1 }
        }
        mutating func finishBatch(into output: inout RowCollector) async throws {
            for (word, count) in counts.sorted(by: { $0.key < $1.key }) {
                output.emit([.string(word), .int(count)], to: "counts")
            }
            counts = [:]
        }
    }

    /// Sends the rows of a batch to the tasks of its reader by name.
    private struct Deal: Bolt {
        let tasks: Int
        mutating func execute(
            _ tuple: Tuple<RowBatch>, into output: inout OutputCollector<RowBatch>
        ) async throws {
            for row in 0..<tuple.payload.rowCount {
                output.emit(tuple.payload.rows([row]), to: "dealt", task: row % tasks)
            }
        }
    }

    private struct Store: Bolt {
        let sums: Mutexed
        mutating func execute(
            _ tuple: Tuple<RowBatch>, into output: inout OutputCollector<RowBatch>
        ) async throws {
            // By batch and word, as a store that is told the same twice would.
            for row in 0..<tuple.payload.rowCount {
                guard case .string(let word) = tuple.payload[row: row]["word"],
                    case .int(let count) = tuple.payload[row: row]["count"]
                else { continue }
                _ = sums.sums.withLock { $0["\(word)", default: []].insert(count) }
            }
        }
    }

    private final class Mutexed: Sendable {
        let sums = Mutex<[String: Set<Int64>]>([:])
    }

    private func result(seed: UInt64) async throws -> [String: Set<Int64>] {
        let sums = Mutexed()
        let counts = StreamDeclaration("counts", fields: ["word", "count"])
        let topology = try Topology<RowBatch>(
            name: "count", spout: SpoutDeclaration("source", emits: words, pendingBatchesMax: 4),
            bolts: [
                BoltDeclaration(
                    "count", reads: [Subscription("source", "words", by: .partition)],
                    emits: [counts]
                ) { _ in ByRow(Count(), emits: [counts]) },
                BoltDeclaration(
                    "deal", reads: [Subscription("count", "counts", by: .shuffle)],
                    emits: [StreamDeclaration("dealt", fields: counts.fields, isDirect: true)],
                    parallelism: 2
                ) { Deal(tasks: $0.parallelism["store"] ?? 1) },
                BoltDeclaration(
                    "store", reads: [Subscription("deal", "dealt", by: .direct)], parallelism: 3,
                    tickEvery: .seconds(2)
                ) { _ in Store(sums: sums) },
            ])
        var simulator = TopologySimulator(
            topology, batches: batches(), seed: seed, failureRate: seed == 0 ? 0 : 0.05)
        try await simulator.run()
        #expect(simulator.acked == [0: 100, 1: 100], "seed \(seed)")
        #expect(seed == 0 || simulator.failures > 0, "seed \(seed)")
        return sums.sums.withLock { $0 }
    }

    @Test("whatever runs first and whatever fails, the result is the same")
    func sameForEverySeed() async throws {
        let expected = try await result(seed: 0)
        #expect(expected["the"] == [2, 3])
        for seed in 1..<20 as Range<UInt64> {
            #expect(try await result(seed: seed) == expected, "seed \(seed)")
        }
    }
}
