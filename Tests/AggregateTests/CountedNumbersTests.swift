import Base
import Model
import Testing

@testable import Aggregate
@testable import Kernels

/// Percentiles are elements by nearest rank, exact up to the bound, rounded beyond it; deviations
/// are those of the population.
@Suite struct CountedNumbersTests {
    private func numbers(_ values: some Sequence<Double>) throws -> CountedNumbers {
        var state = AggregateState(empty: .numbers)
        for value in values { try state.add(.double(value)) }
        guard case .numbers(let numbers) = state else { return CountedNumbers() }
        return numbers
    }

    @Test func percentilesAreElements() throws {
        let two = try numbers([20, 10])
        #expect(two.percentile(hundredths: 5_000) == .int(10))
        #expect(two.percentile(hundredths: 5_001) == .int(20))
        #expect(two.percentile(hundredths: 10_000) == .int(20))
        #expect(two.percentile(hundredths: 1) == .int(10))
        #expect(try numbers([]).percentile(hundredths: 5_000) == .null)
        #expect(try numbers([0.5]).percentile(hundredths: 9_999) == .double(0.5))
    }

    /// More different numbers than are kept: whoever merges first, the same state, and every
    /// percentile the exact one rounded.
    @Test func beyondTheBoundNumbersAreRounded() throws {
        var random = PRNG(seed: 8)
        let count = Limits.queryExactNumbersMax + 500
        let all = Set((0..<count + 100).map { _ in Double.random(in: -1e9...1e9, using: &random) })
            .filter { Int64(exactly: $0) == nil }.prefix(count).sorted()
        func part(_ range: Range<Int>) -> CountedNumbers {
            var keys = all[range].map { OrderedDouble.key($0) }
            return CountedNumbers(ints: CountedRun(), fractions: CountedRun(counting: &keys))
        }
        let exact = part(0..<count - 500)
        #expect(!exact.isRounded)
        var left = exact
        try left.merge(part(count - 500..<count))
        var right = part(count - 500..<count - 10)
        try right.merge(part(count - 10..<count))
        try right.merge(exact)
        #expect(left.isRounded && left == right && left == part(0..<count))
        #expect(left.count < 50_000)
        for hundredths in [1, 100, 2_500, 5_000, 9_500, 9_999, 10_000] {
            let element = all[max((count * hundredths + 9_999) / 10_000, 1) - 1]
            let found = left.percentile(hundredths: hundredths)
            #expect(found == PlainNumber(element).rounded.result)
            guard case .double(let number) = found else { continue }
            #expect((number - element).magnitude <= element.magnitude / 2048)
        }
        var writer = ByteWriter()
        AggregateState.numbers(left).encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try AggregateState(from: &reader) == .numbers(left))
    }

    @Test(arguments: [
        (PlainNumber.int(2048), PlainNumber.int(2048)), (.int(2049), .int(2050)),
        (.int(-4097), .int(-4096)), (.int(4095), .int(4096)), (.int(.max), .double(0x1p63)),
        (.double(0.1), .double(0.0999755859375)), (.double(.infinity), .double(.infinity)),
    ])
    func roundsToElevenDigits(number: PlainNumber, rounded: PlainNumber) {
        #expect(number.rounded == rounded)
    }

    @Test func deviationIsThatOfThePopulation() throws {
        var state = AggregateState(empty: .standardDeviation)
        for value: Int64 in [2, 4, 4, 4, 5, 5, 7, 9] {
            try state.add(.int(1_000_000 + value))
        }
        try state.add(.string("8"))
        guard case .double(let deviation) = state.result else {
            Issue.record("no deviation")
            return
        }
        #expect((deviation - 2).magnitude < 1e-9)
    }
}
