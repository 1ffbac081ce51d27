import Aggregate
import Base
import Model
import Plan

/// Random scan plans within the limits.
struct PlanGenerator {
    var random: PRNG

    mutating func plan() throws -> ScanPlan {
        let start = number(-1_000_000...1_000_000)
        var boundaries: [Timestamp] = []
        var instant = start
        for _ in 0..<number(0...5) {
            boundaries.append(Timestamp(milliseconds: instant))
            instant += number(1...100_000)
        }
        var filters: [Filter] = []
        for _ in 0..<number(0...3) { filters.append(try filter(depth: 0)) }
        var groupBy: [PropertyPath] = []
        for _ in 0..<number(0...3) { groupBy.append(try path()) }
        let groupings: [Grouping] =
            Bool.random(using: &random)
            ? [] : groupBy.map { _ in Bool.random(using: &random) ? .value : .numbers(size: 2.5) }
        var aggregates: [AggregateRequest] = []
        for _ in 0..<number(1...3) {
            let kind = AggregateKind.allCases.randomElement(using: &random) ?? .count
            aggregates.append(
                AggregateRequest(kind: kind, target: Bool.random(using: &random) ? try path() : nil)
            )
        }
        return ScanPlan(
            collection: CollectionID(
                project: try ProjectID("abc"), collection: try CollectionName("a/b c")),
            timeframe: Bool.random(using: &random)
                ? Timestamp(milliseconds: start)..<Timestamp(milliseconds: instant) : nil,
            filters: filters, groupBy: groupBy, groupings: groupings, boundaries: boundaries,
            aggregates: aggregates)
    }

    private mutating func number(_ range: ClosedRange<Int64>) -> Int64 {
        .random(in: range, using: &random)
    }

    private mutating func path() throws -> PropertyPath {
        try PropertyPath(
            ["a", "keen.timestamp", "prix.€", "x.y.z"].randomElement(using: &random) ?? "")
    }

    private mutating func value() -> Value {
        switch number(0...6) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .int(Int64(bitPattern: random.next()))
        case 3: .double(Double(number(-1_000_000...1_000_000)) / 7)
        case 4: .string(String(repeating: "ü", count: Int(number(0...200))))
        case 5: .json("[1,2]")
        default: .int(number(-100...100))
        }
    }

    private mutating func filter(depth: Int) throws -> Filter {
        switch number(0...(depth < 5 ? 7 : 3)) {
        case 0:
            .compare(
                try path(), ComparisonOperator.allCases.randomElement(using: &random) ?? .equal,
                value())
        case 1: .among(try path(), [value(), value()])
        case 2: .exists(try path(), .random(using: &random))
        case 3: .contains(try path(), value())
        case 7:
            .within(try path(), GeoCircle(longitude: 1.5, latitude: -80, radiusMiles: 10))
        case 4: .not(try filter(depth: depth + 1))
        case 5: .all([try filter(depth: depth + 1), try filter(depth: depth + 1)])
        default: .any([try filter(depth: depth + 1)])
        }
    }
}
