import Aggregate
import Base
import Model
import RowStore
import Testing

@testable import EventStore

/// The tables as peers see them: the store's own in a readable form, those of users to write.
@Suite struct TableTests {
    private let directory: TemporaryDirectory
    private let shard = ShardID(0)
    init() throws { directory = try TemporaryDirectory() }

    private func table(_ text: String) -> TableReference {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        return TableReference(keyspace: parts[0], table: parts[1])
    }

    private func key(_ text: String) throws -> [UInt8] {
        try KeyText([KeyPart("key", .tagged)]).parse(text)
    }

    private func filled() throws -> EventStore {
        let store = try open(directory)
        var random = PRNG(seed: 1)
        let events = randomEvents(150, collections: [collection("a")], random: &random)
        _ = try store.apply(batch(events, from: 0))
        while store.hasMergeWork { _ = try store.mergeOnce() }
        _ = try store.apply(batch(Array(events.prefix(3)), from: 150))
        return store
    }

    private func put(
        _ store: EventStore, _ name: String, _ changes: [CellChange], shard: Int32 = 0
    ) throws {
        try store.write(
            TableChanges(shard: ShardID(shard), table: table(name), changes: changes))
    }

    private func page(
        _ store: EventStore, _ name: String, shard: Int32? = 0, limit: Int = 100
    ) throws -> TablePage {
        try store.page(
            TableSlice(
                table: table(name), shard: shard.map(ShardID.init), range: .all, limit: limit))
    }

    @Test func everyTableOfTheStoreCanBeRead() throws {
        let store = try filled()
        var shown: [String] = []
        for description in try store.tables().tables {
            let page = try page(
                store, description.reference.description, shard: description.hasShard ? 0 : nil)
            let keys = KeyText(description.parts)
            guard let cell = page.cells.last else {
                shown.append("\(description.reference) nothing")
                continue
            }
            let fields = cell.fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            let isLarge = cell.byteCount > 100
            shown.append(
                "\(description.reference) \(keys.show(cell.key)) \(isLarge ? "" : fields)")
            #expect(!description.isWritable)
        }
        #expect(
            shown.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "store/offsets offset=int(153)", "store/blocks p/a/0/0", "store/tail nothing",
                "store/small p/a", "store/rollups p/a/39", "store/totals p/a",
                "store/schema p/a/word",
                "store/edits nothing", "store/deletes nothing",
                "store/retention nothing", "store/tokens nothing",
                "store/numbers next_segment",
            ])
        let record = try page(store, "store/blocks").cells[0].fields
        #expect(record.first == TableCell.Field("place", .string("sealed")))
        #expect(record.contains(TableCell.Field("rows", .int(150))))
        #expect(
            try page(store, "store/small").cells.last?.fields
                == [TableCell.Field("blocks", .int(1)), TableCell.Field("rows", .int(3))])
        #expect(
            try page(store, "store/schema").cells.last?.fields
                == [TableCell.Field("types", .string("string"))])
    }

    @Test func whatIsNotThereIsSaid() throws {
        let store = try filled()
        let wrong: [(EventStoreError.Code, () throws -> Void)] = [
            (.notFound, { _ = try page(store, "store/nothing") }),
            (.notFound, { _ = try page(store, "other/cells") }),
            (.notFound, { _ = try page(store, "store/blocks", shard: 7) }),
            (.badRequest, { _ = try page(store, "store/blocks", shard: nil) }),
            (.badRequest, { _ = try page(store, "store/numbers", shard: 0) }),
            (.badRequest, { _ = try page(store, "store/blocks", limit: 0) }),
            (.notFound, { try put(store, "user/x", [], shard: 7) }),
        ]
        for (code, body) in wrong {
            let error = #expect(throws: EventStoreError.self) { try body() }
            #expect(error?.code == code, "\(error?.message ?? "")")
        }
    }

    @Test func theStoresOwnTablesCannotBeWritten() throws {
        let store = try filled()
        for description in try store.tables().tables {
            let error = #expect(throws: EventStoreError.self) {
                try put(
                    store, description.reference.description,
                    [.put(key: try key("a"), value: [1], expiresAt: nil)])
            }
            #expect(error?.code == .badRequest)
            #expect(error?.message.contains("the store's own") == true)
        }
        try expectEqual(store, [], "nothing changed")
    }

    @Test func wrongChangesChangeNothing() throws {
        let store = try filled()
        let good = CellChange.put(key: try key("a"), value: [1], expiresAt: nil)
        let wrong: [(String, EventStoreError.Code, CellChange)] = [
            ("user/x", .badRequest, .put(key: [], value: [], expiresAt: nil)),
            ("user/x", .badRequest, .put(key: [9], value: [], expiresAt: nil)),
            ("user/x", .badRequest, .merge(key: try key("a"), value: [])),
            ("user/x", .badRequest, .deleteRange(lower: [2], upper: [1])),
            (
                "user/x", .tooLarge,
                .put(
                    key: try key("a"),
                    value: [UInt8](repeating: 0, count: Limits.rowValueBytesMax + 1),
                    expiresAt: nil)
            ),
            (
                "user/x", .badRequest,
                .put(
                    key: [2] + [UInt8](repeating: 97, count: Limits.rowKeyBytesMax) + [0, 1],
                    value: [], expiresAt: nil)
            ),
        ]
        for (name, code, change) in wrong {
            let error = #expect(throws: EventStoreError.self) {
                try put(store, name, [good, change])
            }
            #expect(error?.code == code, "\(change)")
        }
        for name in ["counters/x", "states/x"] {
            for change in [
                CellChange.put(key: try key("a"), value: [1, 2], expiresAt: nil),
                .merge(key: try key("a"), value: [1, 2]),
            ] {
                let error = #expect(throws: EventStoreError.self) { try put(store, name, [change]) }
                #expect(error?.code == .badRequest)
            }
        }
        #expect(try page(store, "user/x").cells == [])
        #expect(try page(store, "counters/x").cells == [])
    }

    @Test func rowsOfUsersAreWideRows() throws {
        do {
            let store = try filled()
            store.advanceTime(to: 1000)
            try put(
                store, "user/carts",
                [
                    .put(key: try key("ann/1"), value: [1], expiresAt: nil),
                    .put(key: try key("ann/2"), value: [2], expiresAt: 2000),
                    .put(key: try key("bob/1"), value: [3], expiresAt: nil),
                    .put(key: try key("bob/1"), value: [4], expiresAt: nil),
                ])
            try put(store, "user/cart", [.put(key: try key("zed"), value: [9], expiresAt: nil)])
            try put(
                store, "counters/hits",
                [
                    .merge(key: try key("home"), value: [5, 0, 0, 0, 0, 0, 0, 0]),
                    .merge(key: try key("home"), value: [2, 0, 0, 0, 0, 0, 0, 0]),
                ])
        }
        let store = try open(directory)
        store.advanceTime(to: 1999)
        let ann = try store.page(
            TableSlice(
                table: table("user/carts"), shard: shard,
                range: .beginning(with: try key("ann")), isDescending: true, limit: 10))
        #expect(ann.cells.map(\.value) == [[2], [1]])
        let first = try page(store, "user/carts", limit: 1)
        #expect(first.next == (try key("ann/2")))
        store.advanceTime(to: 2000)
        #expect(try page(store, "user/carts").cells.map(\.value) == [[1], [4]])
        #expect(
            try page(store, "counters/hits").cells[0].fields
                == [TableCell.Field("number", .int(7))])
        #expect(try store.cell(table("user/cart"), shard: shard, key: try key("zed"))?.value == [9])
        #expect(try store.cell(table("user/cart"), shard: shard, key: try key("none")) == nil)
        let users = try store.tables().tables.filter(\.isWritable).map(\.reference.description)
        #expect(users == ["counters/hits", "user/cart", "user/carts"])
        try put(store, "user/carts", [.deleteRange(lower: try key("ann"), upper: [255])])
        #expect(try page(store, "user/carts").cells == [])
        #expect(try page(store, "user/cart").cells.count == 1)
    }

    @Test func statesMergeWhereTheyLie() throws {
        let store = try filled()
        func state(_ kind: AggregateKind, _ values: [Value]) throws -> [UInt8] {
            var state = AggregateState(empty: kind)
            for value in values { try state.add(value) }
            var writer = ByteWriter()
            state.encode(into: &writer)
            return writer.bytes
        }
        try put(
            store, "states/s",
            [
                .merge(key: try key("u"), value: try state(.countUnique, [.int(1), .string("a")])),
                .merge(key: try key("u"), value: try state(.countUnique, [.int(1), .string("b")])),
                .merge(key: try key("m"), value: try state(.minimum, [.double(2.5)])),
                .merge(key: try key("m"), value: try state(.minimum, [.int(-3)])),
                .merge(key: try key("x"), value: try state(.sum, [.int(1)])),
                .merge(key: try key("x"), value: try state(.minimum, [.int(1)])),
                .merge(key: try key("x"), value: try state(.sum, [.int(1)])),
            ])
        store.rows.compact(StoreTables.states)
        let cells = try page(store, "states/s").cells
        #expect(
            cells.map(\.fields) == [
                [TableCell.Field("kind", .string("minimum")), TableCell.Field("result", .int(-3))],
                [
                    TableCell.Field("kind", .string("countUnique")),
                    TableCell.Field("result", .int(3)),
                ],
                [TableCell.Field("kind", .string("spoilt"))],
            ])
    }
}
