import Base
import Model
import RowStore
import Testing

private let cells = TableName("cells")
private let counts = TableName("counts")
private let tables = [TableDefinition(cells), TableDefinition(counts, cells: .merged(.counter))]

/// The store behaves as a sorted map that survives being closed.
@Suite struct RowStoreTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> RowStore {
        try RowStore(directory: directory.path, tables: tables)
    }

    @Test func putGetDeleteSurviveReopening() throws {
        do {
            let store = try open()
            var batch = store.makeBatch()
            batch.put(cells, key: [1], value: [10])
            batch.put(cells, key: [2], value: [])
            batch.put(cells, key: [3], value: [30])
            batch.delete(cells, key: [3])
            #expect(batch.count == 4)
            try store.write(batch, sync: false)
        }
        let store = try open()
        #expect(try store.get(cells, key: [1]) == [10])
        #expect(try store.get(cells, key: [2]) == [])
        #expect(try store.get(cells, key: [3]) == nil)
        #expect(try store.get(counts, key: [1]) == nil)
    }

    /// Pinned bytes stay what they were when the cell is gone, compacted away, and even when nobody
    /// else holds the store any more; whether they lay in memory or in a file.
    @Test(arguments: [false, true]) func pinnedValuesOutliveTheirCells(inFile: Bool) throws {
        let value = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var pinned: PinnedValue?
        do {
            let store = try open()
            var batch = store.makeBatch()
            batch.put(cells, key: [1], value: value)
            try store.write(batch, sync: false)
            if inFile { try store.flush() }
            pinned = try store.snapshot().pin(cells, key: [1])
            #expect(try store.snapshot().pin(cells, key: [2]) == nil)
            var removal = store.makeBatch()
            removal.delete(cells, key: [1])
            try store.write(removal, sync: false)
            try store.flush()
        }
        #expect(pinned?.copy == value)
    }

    @Test func countersAddUp() throws {
        do {
            let store = try open()
            for amount in [5, -2, 10] as [Int64] {
                var batch = store.makeBatch()
                batch.add(counts, key: [7], amount)
                batch.add(counts, key: [7], 1)
                try store.write(batch, sync: true)
            }
            #expect(try store.counter(counts, key: [7]) == 16)
        }
        #expect(try open().counter(counts, key: [7]) == 16)
        #expect(try open().counter(counts, key: [8]) == 0)
    }

    @Test func snapshotsDoNotChange() throws {
        let store = try open()
        var batch = store.makeBatch()
        batch.put(cells, key: [1], value: [1])
        try store.write(batch, sync: false)
        let snapshot = store.snapshot()
        var change = store.makeBatch()
        change.put(cells, key: [1], value: [2])
        change.put(cells, key: [2], value: [2])
        try store.write(change, sync: false)
        #expect(try snapshot.get(cells, key: [1]) == [1])
        #expect(try snapshot.slice(cells, in: .all, limit: 9).map(\.key) == [[1]])
        #expect(try store.get(cells, key: [1]) == [2])
    }

    @Test func slicesEqualASortedMap() throws {
        let store = try open()
        var random = PRNG(seed: 42)
        var model: [[UInt8]: [UInt8]] = [:]
        for _ in 0..<40 {
            var batch = store.makeBatch()
            for _ in 0..<20 { change(&batch, &model, &random) }
            try store.write(batch, sync: false)
            let range = randomRange(&random)
            let limit = Int.random(in: 1...30, using: &random)
            var expected = model.filter { entry in
                !entry.key.lexicographicallyPrecedes(range.lower)
                    && range.upper.map { entry.key.lexicographicallyPrecedes($0) } ?? true
            }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            let descending = random.next() % 2 == 0
            if descending { expected.reverse() }
            let read = try store.snapshot().slice(
                cells, in: range, limit: limit, descending: descending)
            #expect(read.map(\.key) == expected.prefix(limit).map(\.key))
            #expect(read.map(\.value) == expected.prefix(limit).map(\.value))
        }
    }

    private func change(
        _ batch: inout WriteBatch, _ model: inout [[UInt8]: [UInt8]], _ random: inout PRNG
    ) {
        let key = randomKey(&random)
        switch random.next() % 10 {
        case 0:
            let range = randomRange(&random)
            guard let upper = range.upper else { return }
            batch.delete(cells, lower: range.lower, upper: upper)
            model = model.filter {
                $0.key.lexicographicallyPrecedes(range.lower)
                    || !$0.key.lexicographicallyPrecedes(upper)
            }
        case 1, 2:
            batch.delete(cells, key: key)
            model[key] = nil
        default:
            let value = [UInt8(truncatingIfNeeded: random.next())]
            batch.put(cells, key: key, value: value)
            model[key] = value
        }
    }

    private func randomKey(_ random: inout PRNG) -> [UInt8] {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in
            UInt8.random(in: 0...5, using: &random) * 51
        }
    }

    private func randomRange(_ random: inout PRNG) -> KeyRange {
        let ends = [randomKey(&random), randomKey(&random)]
            .sorted { $0.lexicographicallyPrecedes($1) }
        return KeyRange(lower: ends[0], upper: random.next() % 4 == 0 ? nil : ends[1])
    }

    @Test func aSecondOpenerIsToldSo() throws {
        let store = try open()
        let error = #expect(throws: RowStoreError.self) { try open() }
        #expect(error?.code == .locked)
        withExtendedLifetime(store) {}
    }
}
