import Aggregate
import Base
import Model
import Testing

/// States of parts merge to the state of the whole, whatever the parts and their order.
@Suite struct AggregateStateTests {
    private func state(_ kind: AggregateKind, _ values: [Value?]) throws -> AggregateState {
        var state = AggregateState(empty: kind)
        for value in values { try state.add(value) }
        return state
    }

    @Test(arguments: [
        (AggregateKind.count, AggregateResult.int(0)), (.countUnique, .int(0)), (.sum, .int(0)),
        (.average, .null), (.minimum, .null), (.maximum, .null), (.selectUnique, .list([])),
        (.numbers, .null), (.standardDeviation, .null),
    ])
    func noEventsHaveTheDocumentedResult(kind: AggregateKind, expected: AggregateResult) {
        #expect(AggregateState(empty: kind).result == expected)
    }

    /// Numeric aggregates pass over everything that is not a number; bool is not a number.
    @Test func onlyNumbersCountAsNumbers() throws {
        let values: [Value?] = [
            .int(3), .string("7"), nil, .null, .bool(true), .json("[9]"), .double(1.5),
        ]
        #expect(try state(.sum, values).result == .double(4.5))
        #expect(try state(.average, values).result == .double(2.25))
        #expect(try state(.minimum, values).result == .double(1.5))
        #expect(try state(.maximum, values).result == .int(3))
        #expect(try state(.count, values).result == .int(7))
    }

    /// 1 and 1.0 are one value; null and missing are none; arrays count whole.
    @Test func distinctValuesAreCanonicalAndOrdered() throws {
        let values: [Value?] = [
            .string("b"), .int(1), .double(1), .null, nil, .json("[1]"), .json("[1]"), .bool(true),
            .string("a"), .bool(false), .double(0.5),
        ]
        #expect(try state(.countUnique, values).result == .int(7))
        #expect(
            try state(.selectUnique, values).result
                == .list([
                    .bool(false), .bool(true), .double(0.5), .int(1), .string("a"), .string("b"),
                    .json("[1]"),
                ]))
    }

    /// Two spellings of an accented letter are two strings, as they are in JSON.
    @Test func stringsAreComparedByTheirBytes() throws {
        let values: [Value?] = [.string("\u{E9}"), .string("e\u{301}")]
        #expect(try state(.countUnique, values).result == .int(2))
    }

    /// Integer sums stay exact beyond 64 bits and beyond the 53 bits of a double.
    @Test func integerSumsAreExact() throws {
        let large: Int64 = 9_007_199_254_740_993
        #expect(try state(.sum, [.int(large), .int(large)]).result == .int(2 * large))
        #expect(
            try state(.sum, [.int(.max), .int(.max), .int(.min), .int(.min)]).result == .int(-2))
        #expect(
            try state(.sum, [.int(.max), .int(.max)]).result == .double(0x1p64))
    }

    /// A double too large to add is null, as JSON has no infinity.
    @Test func overflowingDoublesAreNull() throws {
        let huge = Value.double(1.7e308)
        #expect(try state(.sum, [huge, huge]).result == .null)
        #expect(try state(.average, [huge, huge]).result == .null)
    }

    /// Compensated summation: however the numbers are split over states and in whatever order the
    /// states are merged, the result is the same double.
    @Test(arguments: 0..<20) func sumDoesNotDependOnTheSplit(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        let values = (0..<2000).map { _ -> Value in
            Bool.random(using: &random)
                ? .int(Int64.random(in: -1000...1000, using: &random))
                : .double(Double(Int.random(in: -100_000...100_000, using: &random)) / 100)
        }
        let whole = try state(.sum, values).result
        var parts = [AggregateState](repeating: AggregateState(empty: .sum), count: 16)
        for value in values.shuffled(using: &random) {
            try parts[Int.random(in: 0..<16, using: &random)].add(value)
        }
        var merged = AggregateState(empty: .sum)
        for part in parts.shuffled(using: &random) { try merged.merge(part) }
        #expect(merged.result == whole, "seed \(seed)")
    }

    /// A tenth added ten million times shows no rounding.
    @Test func compensationKeepsTheLastBits() throws {
        var total = NumberSum()
        for _ in 0..<1_000_000 { total.add(0.1) }
        #expect(total.result == .double(100_000))
    }

    @Test(arguments: AggregateKind.allCases)
    func mergingPartsEqualsTheWhole(kind: AggregateKind) throws {
        var random = PRNG(seed: 77)
        let values = (0..<500).map { _ in AggregateStateTests.anyValue(&random) }
        var left = try state(kind, Array(values[..<200]))
        let right = try state(kind, Array(values[200...]))
        try left.merge(right)
        let whole = try state(kind, values)
        if case (.standardDeviation(let left), .standardDeviation(let whole)) = (left, whole) {
            // Its last digits may depend on the order.
            #expect((left.squares / whole.squares - 1).magnitude < 1e-9)
        } else {
            #expect(left.result == whole.result)
        }
        var empty = AggregateState(empty: kind)
        try empty.merge(left)
        #expect(empty == left)
    }

    @Test func differentKindsDoNotMerge() {
        var left = AggregateState(empty: .sum)
        #expect(throws: AggregateError.kindMismatch(.sum, .average)) {
            try left.merge(AggregateState(empty: .average))
        }
    }

    @Test func countsThatOverflowAreAnError() {
        var left = AggregateState.count(.max)
        #expect(throws: AggregateError.overflow) { try left.merge(.count(1)) }
    }

    static func anyValue(_ random: inout PRNG) -> Value? {
        switch Int.random(in: 0..<7, using: &random) {
        case 0: nil
        case 1: .null
        case 2: .bool(Bool.random(using: &random))
        case 3: .int(Int64.random(in: -50...50, using: &random))
        case 4: .double(Double(Int.random(in: -200...200, using: &random)) / 4)
        case 5: .string(String(Int.random(in: 0..<40, using: &random)))
        default: .json("[\(Int.random(in: 0..<10, using: &random))]")
        }
    }
}
