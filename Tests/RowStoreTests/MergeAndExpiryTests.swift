import Base
import Model
import RowStore
import Testing

private let plain = TableName("plain")
private let expiring = TableName("expiring")
private let least = TableName("least")
private let most = TableName("most")
private let sets = TableName("sets")
/// A set of bytes, in order.
private let union = MergeFunction(
    name: "test.union", isValid: { _ in true },
    combine: { Array(Set($0).union($1)).sorted() })
private let tables = [
    TableDefinition(plain), TableDefinition(expiring, cells: .expiring),
    TableDefinition(least, cells: .merged(.minimum)),
    TableDefinition(most, cells: .merged(.maximum)), TableDefinition(sets, cells: .merged(union)),
]

/// Cells that are merged where they lie, and cells that are gone from some moment on.
@Suite struct MergeAndExpiryTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func open(_ name: String = "rows") throws -> RowStore {
        try RowStore(directory: directory.path + "/" + name, tables: tables)
    }

    /// Whether values meet in a batch, in memtables, in compactions or in reads makes no difference.
    @Test func mergesEqualAModel() throws {
        let seed: UInt64 = 12
        var random = PRNG(seed: seed)
        var numbers: [Int64] = []
        var members: Set<UInt8> = []
        for _ in 0..<20 {
            let store = try open()
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                var batch = store.makeBatch()
                let number = Int64.random(in: -1000...1000, using: &random)
                let member = UInt8.random(in: 0...255, using: &random)
                batch.merge(least, key: [1], value: encodeCounter(number))
                batch.merge(most, key: [1], value: encodeCounter(number))
                batch.merge(sets, key: [1], value: [member])
                try store.write(batch, sync: false)
                numbers.append(number)
                members.insert(member)
            }
            if random.next() % 3 == 0 { [least, most, sets].forEach { store.compact($0) } }
            #expect(try store.counter(least, key: [1]) == numbers.min(), "seed \(seed)")
            #expect(try store.counter(most, key: [1]) == numbers.max(), "seed \(seed)")
            #expect(try store.get(sets, key: [1]) == members.sorted(), "seed \(seed)")
        }
    }

    @Test func expiredCellsAreNeverReadAndCompactionRemovesThem() throws {
        let store = try open()
        store.advanceTime(to: 1000)
        var batch = store.makeBatch()
        batch.put(expiring, key: [1], value: [1], expiresAt: 1000)
        batch.put(expiring, key: [2], value: [2], expiresAt: 1001)
        batch.put(expiring, key: [3], value: [3])
        batch.put(expiring, key: [4], value: [], expiresAt: 5000)
        try store.write(batch, sync: false)
        func keys(_ snapshot: RowSnapshot, descending: Bool = false) throws -> [[UInt8]] {
            try snapshot.slice(expiring, in: .all, limit: 9, descending: descending).map(\.key)
        }
        let early = store.snapshot()
        #expect(try store.get(expiring, key: [1]) == nil)
        #expect(try store.get(expiring, key: [2]) == [2])
        #expect(try keys(early) == [[2], [3], [4]])
        // Time does not go back, and a snapshot keeps its own.
        store.advanceTime(to: 1001)
        store.advanceTime(to: 7)
        #expect(try keys(store.snapshot(), descending: true) == [[4], [3]])
        #expect(try store.snapshot().get(expiring, key: [2]) == nil)
        #expect(try keys(early) == [[2], [3], [4]])
        store.compact(expiring)
        var stored: [[UInt8]] = []
        try store.snapshot().forEachStored(expiring, in: .all) { cell in
            stored.append(cell.key)
            return true
        }
        #expect(stored == [[3], [4]])
        store.advanceTime(to: .max)
        #expect(try keys(store.snapshot()) == [[3]])
    }

    /// A rewritten cell has the newest time only.
    @Test func aNewWriteBringsACellBack() throws {
        let store = try open()
        for expiresAt in [10, 30] as [Int64] {
            var batch = store.makeBatch()
            batch.put(expiring, key: [1], value: [7], expiresAt: expiresAt)
            try store.write(batch, sync: false)
        }
        store.advanceTime(to: 20)
        store.compact(expiring)
        #expect(try store.get(expiring, key: [1]) == [7])
        store.advanceTime(to: 30)
        store.compact(expiring)
        #expect(try store.get(expiring, key: [1]) == nil)
    }

    @Test func aCheckpointIsTheStoreAtOneMoment() throws {
        let store = try open()
        var batch = store.makeBatch()
        for key in 0..<100 as Range<UInt8> { batch.put(plain, key: [key], value: [key]) }
        batch.merge(most, key: [1], value: encodeCounter(5))
        try store.write(batch, sync: false)
        try store.checkpoint(to: directory.path + "/copy")
        var change = store.makeBatch()
        change.delete(plain, lower: [0], upper: [50])
        change.merge(most, key: [1], value: encodeCounter(6))
        try store.write(change, sync: false)
        store.compact(plain)
        let copy = try open("copy")
        #expect(try copy.snapshot().slice(plain, in: .all, limit: 1000).count == 100)
        #expect(try copy.counter(most, key: [1]) == 5)
        #expect(try store.snapshot().slice(plain, in: .all, limit: 1000).count == 50)
        #expect(throws: RowStoreError.self) { try store.checkpoint(to: directory.path + "/copy") }
    }

    /// Page after page is the whole range, whatever the limits, in both directions.
    @Test func pagesAddUpToTheRange() throws {
        let seed: UInt64 = 5
        var random = PRNG(seed: seed)
        let store = try open()
        store.advanceTime(to: 100)
        var batch = store.makeBatch()
        for key in 0..<200 as Range<UInt8> {
            let expiresAt: Int64? = random.next() % 2 == 0 ? 50 : nil
            batch.put(
                expiring, key: [key], value: [UInt8](repeating: 0, count: Int(random.next() % 60)),
                expiresAt: expiresAt)
        }
        try store.write(batch, sync: false)
        let snapshot = store.snapshot()
        for round in 0..<60 {
            let range = KeyRange(lower: [UInt8(random.next() % 90)], upper: [200])
            let isDescending = round % 2 == 0
            let limits = PageLimits(
                cells: Int.random(in: 1...20, using: &random),
                bytes: Int.random(in: 1...300, using: &random),
                visits: Int.random(in: 1...30, using: &random))
            var read: [[UInt8]] = []
            var rest = range
            while true {
                let page = try snapshot.page(expiring, in: rest, limits, descending: isDescending)
                #expect(page.cells.count <= limits.cells)
                read += page.cells.map(\.key)
                guard let next = page.next else { break }
                rest = rest.resumed(at: next, descending: isDescending)
            }
            let whole = try snapshot.slice(
                expiring, in: range, limit: 1000, descending: isDescending)
            #expect(read == whole.map(\.key), "seed \(seed), round \(round)")
        }
    }
}
