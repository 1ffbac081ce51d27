import Aggregate
import Base
import Columns
import Model
import Plan

/// Random events and random plans over few paths and few values, so that conditions often hold and
/// groups often meet.
struct RandomWorld {
    var random: PRNG
    /// What each column of this world mostly holds, so that uniform columns occur.
    private var flavours: [Int] = []
    private let names = ["a", "b.c", "d", "e", "never"]

    init(seed: UInt64) {
        random = PRNG(seed: seed)
        flavours = names.map { _ in Int.random(in: 0..<9, using: &random) }
    }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    private mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    static func path(_ text: String) -> PropertyPath { try! PropertyPath(text) }

    // MARK: Events

    mutating func event() -> Event {
        var event: Event = [.timestamp: .int(1_000 + Int64(below(400)))]
        for (index, name) in names.dropLast().enumerated() {
            event[Self.path(name)] = value(flavour: flavours[index])
        }
        return event
    }

    private mutating func value(flavour: Int) -> Value? {
        switch flavour {
        case 0: string()
        case 1: .int(Int64(below(9)) - 4)
        case 2: oneIn(4) ? nil : .int(int())
        case 3: .double(double())
        case 4: oneIn(3) ? .null : string()
        case 5: oneIn(2) ? .int(int()) : .double(double())
        case 6: .json(array())
        default: anything()
        }
    }

    private mutating func anything() -> Value? {
        switch below(9) {
        case 0: nil
        case 1: .null
        case 2: .bool(oneIn(2))
        case 3: .int(int())
        case 4: .double(double())
        case 5, 6: string()
        default: .json(array())
        }
    }

    private mutating func int() -> Int64 {
        let power: Int64 = 1 << 53
        let extremes: [Int64] = [.max, .min, .max - 1, power, power + 1, -power - 1]
        return switch below(12) {
        case 0: extremes[below(6)]
        case 1: Int64.random(in: .min ... .max, using: &random)
        default: Int64(below(7)) - 3
        }
    }

    private mutating func double() -> Double {
        let extremes: [Double] = [0x1p63, -0x1p63, 0x1p53, 0x1.fffffffffffffp62, -0.0, 1e300]
        return switch below(12) {
        case 0: extremes[below(6)]
        case 1: Double(below(1000)) / 7
        default: Double(below(13) - 6) / 2
        }
    }

    private mutating func string() -> Value {
        .string(["", "a", "ab", "b", "ba", "é", "e\u{301}", "1", "[1]", "abab"][below(10)])
    }

    private mutating func array() -> String {
        let elements = [
            "1", "1.0", "2.5", "\"a\"", "\"\\u00e9\"", "null", "true", "[1]", "{\"a\":1}", "\"ab\"",
        ]
        if oneIn(12) { return "{}" }
        if oneIn(3) { return ["[1,2]", "[2.5,1]", "[-179,2,5]", "[1,\"a\"]"][below(4)] }
        return "[" + (0..<below(3)).map { _ in elements[below(10)] }.joined(separator: ",") + "]"
    }

    // MARK: Plans

    mutating func plan() -> ScanPlan {
        var plan = ScanPlan(
            collection: CollectionID(
                project: try! ProjectID("p"), collection: try! CollectionName("c")),
            aggregates: [])
        if oneIn(2) { plan.timeframe = timeframe() }
        if oneIn(2) { plan.boundaries = boundaries(plan.timeframe ?? timeframe()) }
        plan.filters = (0..<[0, 0, 1, 1, 2, 3][below(6)]).map { _ in filter(depth: 0) }
        plan.groupBy = (0..<[0, 0, 1, 1, 2, 3][below(6)]).map { _ in path() }
        if oneIn(3) {
            plan.groupings = plan.groupBy.map { _ in
                oneIn(2) ? .value : .numbers(size: [1, 2, 0.75, 1e18][below(4)])
            }
        }
        plan.aggregates = (0..<1 + below(3)).map { _ in
            let kind = AggregateKind.allCases[below(AggregateKind.allCases.count)]
            return AggregateRequest(kind: kind, target: kind == .count ? nil : path())
        }
        return plan
    }

    private mutating func timeframe() -> Range<Timestamp> {
        let start = 980 + below(430)
        return Timestamp(
            milliseconds: Int64(start))..<Timestamp(
                milliseconds: Int64(start + below(300)))
    }

    private mutating func boundaries(_ timeframe: Range<Timestamp>) -> [Timestamp] {
        let (start, end) = (timeframe.lowerBound.milliseconds, timeframe.upperBound.milliseconds)
        guard start < end else { return [] }
        let inner = Set((0..<below(20)).map { _ in Int64.random(in: start...end, using: &random) })
        return inner.union([start, end]).sorted().map { Timestamp(milliseconds: $0) }
    }

    private mutating func path() -> PropertyPath {
        oneIn(10) ? .timestamp : Self.path(names[below(names.count)])
    }

    private mutating func literal(_ path: PropertyPath) -> Value {
        if path == .timestamp { return .int(1_000 + Int64(below(400))) }
        let flavour = names.firstIndex(of: path.text).map { flavours[$0] } ?? 8
        // Mostly a value that the column may hold, sometimes any.
        return (oneIn(4) ? anything() : value(flavour: flavour)) ?? .null
    }

    mutating func filter(depth: Int) -> Filter {
        let path = path()
        switch below(depth < 3 ? 11 : 6) {
        case 0: return .among(path, (0..<below(9)).map { _ in literal(path) })
        case 1: return .exists(path, oneIn(2))
        case 2, 3: return .contains(path, literal(path))
        case 6: return .not(filter(depth: depth + 1))
        case 10:
            // Distances that no pair of the few places of this world is near to.
            return .within(
                path, GeoCircle(longitude: 1, latitude: 2, radiusMiles: [0.5, 75, 200][below(3)]))
        case 7: return .all((0..<below(3)).map { _ in filter(depth: depth + 1) })
        case 8: return .any((0..<below(4)).map { _ in filter(depth: depth + 1) })
        default:
            let comparison = ComparisonOperator.allCases[below(6)]
            return .compare(path, comparison, literal(path))
        }
    }

    // MARK: Blocks

    /// The events as column blocks of random sizes, sorted by time or not.
    mutating func blocks(_ events: [Event]) throws -> [Block] {
        var blocks: [Block] = []
        var rest = events[...]
        while !rest.isEmpty {
            let size = min(rest.count, 1 + below(oneIn(3) ? 10 : 400))
            blocks.append(try Self.block(Array(rest.prefix(size)), isSorted: oneIn(2)))
            rest = rest.dropFirst(size)
        }
        return blocks
    }

    static func block(_ events: [Event], isSorted: Bool) throws -> Block {
        var builder = BlockBuilder()
        for event in events {
            guard case .int(let time)? = event[.timestamp] else { continue }
            builder.beginRow(timestamp: time)
            for (path, value) in event where path != .timestamp {
                let column = builder.column(path.text)
                switch value {
                case .null: builder.appendNull(to: column)
                case .bool(let value): builder.appendBool(value, to: column)
                case .int(let value): builder.appendInt(value, to: column)
                case .double(let value): builder.appendDouble(value, to: column)
                case .string(let text): builder.appendString(text, to: column)
                case .json(let text): builder.appendJSON(text, to: column)
                }
            }
            builder.endRow()
        }
        return try builder.finish(sortByTimestamp: isSorted)
    }
}
