import Base
import Bolts
import EventStore
import JSON
import Logging
import Model
import Plan
import Testing

/// What was accepted comes back: the same JSON values, whether the events are in the tail, compacted
/// or sealed.
@Suite struct ExtractionTests {
    private let directory: TemporaryDirectory
    private let collection: CollectionID

    init() throws {
        directory = try TemporaryDirectory()
        collection = CollectionID(
            project: try ProjectID("p"), collection: try CollectionName("c"))
    }

    private func open() throws -> EventStore {
        var options = EventStoreOptions()
        options.mergePolicy.sealRows = 64
        options.mergePolicy.fanIn = 4
        options.rowStore.memtableBytes = 8 << 20
        return try EventStore(
            directory: directory.path + "/store", options: options, logger: Logger(label: "test"))
    }

    private func apply(_ texts: [[UInt8]], to store: EventStore) throws {
        let decoder = EventDecoder()
        var decoded = DecodedEvents()
        let from = store.appliedOffset(ShardID(0))
        for (index, text) in texts.enumerated() {
            decoder.decode(
                offset: from + Int64(index), key: Array("p/c".utf8), value: text, into: &decoded)
        }
        #expect(decoded.rejected == [])
        _ = try store.apply(
            ApplyBatch(
                shard: ShardID(0), fromOffset: from, toOffset: from + Int64(texts.count),
                blocks: decoded.blocks(), rollups: decoded.rollups))
    }

    private func extract(_ store: EventStore, _ plan: ExtractionPlan) throws -> [JSONValue] {
        try store.extract(plan, shards: [ShardID(0)]) {}.events
            .map { try JSONValue(parsing: $0.json) }
    }

    private func everything(_ store: EventStore) throws -> [JSONValue] {
        try extract(store, ExtractionPlan(collection: collection, limit: 10_000))
    }

    /// By random trees of every kind of value, with their times in any order.
    @Test(arguments: [1, 2, 3, 4]) func randomEventsComeBack(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        let store = try open()
        var events: [RandomEvent] = []
        var states: Set<String> = []
        for round in 0..<40 {
            let added = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                RandomEvent(number: Int64(round), &random)
            }
            try apply(added.map(\.text), to: store)
            events += added
            if random.next() % 3 == 0 {
                let report = try store.mergeOnce()
                if report.compactedBlocks > 0 { states.insert("compacted") }
                if report.sealedBlocks > 0 { states.insert("sealed") }
            }
            guard round % 8 == 7 else { continue }
            // Newest first, and of one time the last first.
            let expected = events.enumerated()
                .sorted { ($0.element.time, $0.offset) > ($1.element.time, $1.offset) }
                .map(\.element.value)
            let found = try everything(store)
            #expect(found.count == expected.count, "seed \(seed)")
            for (left, right) in zip(found, expected) where !isSame(left, right) {
                let texts = [left, right].map { String(decoding: $0.encoded, as: UTF8.self) }
                Issue.record("seed \(seed): found \(texts[0])\nwanted \(texts[1])")
                return
            }
            let count = Int.random(in: 1...events.count, using: &random)
            let latest = try extract(
                store, ExtractionPlan(collection: collection, limit: count, isLatest: true))
            #expect(latest == Array(found.prefix(count)), "seed \(seed), latest \(count)")
        }
        #expect(states == ["compacted", "sealed"], "seed \(seed)")
    }

    /// The edges of each kind.
    @Test(arguments: [
        "9223372036854775807", "-9223372036854775808", "9007199254740993", "-0.0", "1.0", "1",
        "0.1", "1e300", "5e-324", "18446744073709551615", "1.7976931348623157e308", "123456.789",
        #""""#, #""é\u0000\n\"\\/""#, #""😀""#, "[]", "{}", "[{}]", "[[],[null,1,1.0,\"x\"]]",
        #"{"b":{"c":{}}}"#, #"{"a":null,"b":[{"c":[1,{"d":true}]}]}"#, "true", "false", "null",
        #"{"a-b":1,"a":{"b":2,"c":3},"a/":4}"#,
        #"{"\"\\":{"\n":1}}"#, #""1""#, #""{}""#, #""[]""#,
    ])
    func valuesComeBack(text: String) throws {
        let store = try open()
        let event =
            #"{"v":\#(text),"z":1,"keen":{"created_at":"2020-05-01T10:00:00.123Z","#
            + #""timestamp":"2020-05-01T10:00:00.000Z"}}"#
        // Beside events of other kinds, so that no column is uniform.
        let other = #"{"v":{"b":"x"},"keen":{"timestamp":"2020-05-02T10:00:00.000Z"}}"#
        try apply([Array(event.utf8), Array(other.utf8)], to: store)
        let found = try everything(store)
        #expect(found.count == 2)
        let expected = try JSONValue(parsing: event)
        #expect(isSame(found[1], expected), "\(String(decoding: found[1].encoded, as: UTF8.self))")
    }

    /// Two spellings of one letter are two properties.
    @Test func namesAreBytes() throws {
        let store = try open()
        let event = "{\"e\u{301}\":2,\"\u{E9}\":1,"
        let keen = #""keen":{"timestamp":"2020-05-01T10:00:00.000Z"}}"#
        try apply([Array((event + keen).utf8)], to: store)
        let plan = ExtractionPlan(
            collection: collection,
            properties: [try PropertyPath("\u{E9}"), try PropertyPath("e\u{301}")], limit: 1)
        let found = try store.extract(plan, shards: [ShardID(0)]) {}.events.map(\.json)
        #expect(found == [Array(event.dropLast().utf8) + [UInt8(ascii: "}")]])
    }

    @Test func deepEventsComeBack() throws {
        let depth = Limits.propertyDepthMax - 1
        let open = String(repeating: #"{"k":"#, count: depth)
        let event =
            #"{"d":\#(open)1\#(String(repeating: "}", count: depth)),"#
            + #""keen":{"timestamp":"2020-05-01T10:00:00.000Z"}}"#
        let store = try self.open()
        try apply([Array(event.utf8)], to: store)
        #expect(isSame(try everything(store)[0], try JSONValue(parsing: event)))
    }

    /// Of repeated names the last value counts, property by property; where one is an object and
    /// the other is not, the object is shown.
    @Test func repeatedNames() throws {
        let store = try open()
        let keen = #""keen":{"timestamp":"2020-05-01T10:00:00.000Z"}"#
        let events = [
            #"{"a":1,"a":2,\#(keen)}"#, #"{"a":{"x":1},"a":{"y":2},\#(keen)}"#,
            #"{"a":1,"a":{"b":2},"a-":3,\#(keen)}"#, #"{"a":{"b":2},"a":1,\#(keen)}"#,
        ]
        try apply(events.map { Array($0.utf8) }, to: store)
        let found = try everything(store).reversed().map { $0["a"] }
        #expect(found == [2, ["x": 1, "y": 2], ["b": 2], ["b": 2]])
    }

    @Test func propertiesAreChosenWithWhatLiesBelow() throws {
        let store = try open()
        let event =
            #"{"a":{"b":1,"c":{"d":2}},"ab":3,"e":4,"keen":{"timestamp":"2020-05-01T10:00:00Z"}}"#
        try apply([Array(event.utf8)], to: store)
        func chosen(_ names: String...) throws -> JSONValue {
            let plan = ExtractionPlan(
                collection: collection, properties: try names.map { try PropertyPath($0) },
                limit: 10)
            return try extract(store, plan)[0]
        }
        #expect(try chosen("a") == ["a": ["b": 1, "c": ["d": 2]]])
        #expect(try chosen("e", "a.c") == ["a": ["c": ["d": 2]], "e": 4])
        #expect(try chosen("a.b", "nowhere") == ["a": ["b": 1]])
        #expect(try chosen("nowhere") == [:])
        #expect(
            try chosen("keen.timestamp") == ["keen": ["timestamp": "2020-05-01T10:00:00.000Z"]])
    }

    @Test func tooMuchIsAnError() throws {
        let store = try open()
        let keen = #""keen":{"timestamp":"2020-05-01T10:00:00.000Z"}"#
        for _ in 0..<5 { try apply([Array("{\(keen)}".utf8)], to: store) }
        let plan = ExtractionPlan(collection: collection, limit: 4)
        #expect(throws: ExtractionTooLarge.events(max: 4)) { try extract(store, plan) }
        let long = String(repeating: "x", count: 60_000)
        for _ in 0..<9 {
            let texts = (0..<100).map { Array(#"{"t":"\#(long)\#($0)",\#(keen)}"#.utf8) }
            try apply(texts, to: store)
        }
        let all = ExtractionPlan(collection: collection, limit: 10_000)
        #expect(throws: ExtractionTooLarge.bytes(max: Limits.extractionBytesMax)) {
            try extract(store, all)
        }
        let latest = ExtractionPlan(collection: collection, limit: 10, isLatest: true)
        #expect(try extract(store, latest).count == 10)
    }
}

/// Equal as JSON: members in any order, numbers of the same kind and bits.
private func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
    switch (left, right) {
    case (.double(let left), .double(let right)): left.bitPattern == right.bitPattern
    case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
    case (.array(let left), .array(let right)):
        left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
    case (.object(let left), .object(let right)): areSame(left, right)
    default: left == right
    }
}

/// Names are compared by their bytes, which `JSONObject` does not do.
private func areSame(_ left: JSONObject, _ right: JSONObject) -> Bool {
    func sorted(_ object: JSONObject) -> [(key: String, value: JSONValue)] {
        object.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
    return left.count == right.count
        && zip(sorted(left), sorted(right)).allSatisfy {
            $0.key.utf8.elementsEqual($1.key.utf8) && isSame($0.value, $1.value)
        }
}

/// An event as a collector would publish it.
private struct RandomEvent {
    let time: Int64
    let value: JSONValue
    var text: [UInt8] { value.encoded }

    init(number: Int64, _ random: inout PRNG) {
        // Years apart, and many at the same time.
        time = Int64.random(in: -3...3, using: &random) * 31_536_000_000 + 1_588_327_200_000
        var object = Self.object(depth: 0, &random)
        object["n"] = .int(number)
        object["keen"] = [
            "id": .string("\(random.next())"), "created_at": "2020-05-01T10:00:00.123Z",
            "timestamp": .string(Timestamp(milliseconds: time).description),
        ]
        value = .object(object)
    }

    private static func object(depth: Int, _ random: inout PRNG) -> JSONObject {
        let names = ["a", "b", "a-b", "a/", "ö", "long name", "\"", "😀", "\u{1}"]
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            object[names.randomElement(using: &random) ?? "a"] = value(depth: depth, &random)
        }
        return object
    }

    private static func value(depth: Int, _ random: inout PRNG) -> JSONValue {
        switch Int.random(in: 0...(depth < 4 ? 9 : 7), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .int(Int64(truncatingIfNeeded: random.next()))
        case 3: return .int(Int64.random(in: -3...3, using: &random))
        case 4: return .double(Double(Int.random(in: -500...500, using: &random)) / 100)
        case 5: return .double(Double.random(in: -1e9...1e9, using: &random))
        case 6: return .string("")
        case 7: return .string("té\"xt\n\(random.next() % 5)")
        case 8: return .object(object(depth: depth + 1, &random))
        default:
            let count = Int.random(in: 0...4, using: &random)
            return .array((0..<count).map { _ in value(depth: depth + 1, &random) })
        }
    }
}
