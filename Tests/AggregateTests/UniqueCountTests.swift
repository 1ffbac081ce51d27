import Base
import Model
import Testing

@testable import Aggregate

/// count_unique is exact up to its bound and within the stated error beyond it, in whatever order
/// sets meet.
@Suite struct UniqueCountTests {
    private func set(_ range: Range<Int64>) -> DistinctValues {
        DistinctValues(range.map { .int($0) })
    }

    @Test func beyondTheBoundItIsASketch() throws {
        let max = Int64(Limits.queryExactUniqueMax)
        var left = UniqueCount(set(0..<max))
        #expect(left.result == max && left.heldCount == Int(max))
        try left.merge(UniqueCount(set(max - 500..<max + 1)))
        guard case .sketch = left else {
            Issue.record("not a sketch")
            return
        }
        var right = UniqueCount(set(max - 10..<max + 1))
        try right.merge(left)
        try right.merge(UniqueCount(set(0..<max)))
        #expect(left == right)
        #expect(AggregateState.countUnique(left).isApproximate)
        // Four standard errors.
        #expect((Double(left.result) / Double(max + 1) - 1).magnitude < 0.0325)
        var writer = ByteWriter()
        AggregateState.countUnique(left).encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try AggregateState(from: &reader) == .countUnique(left))
        #expect(writer.bytes.count == 16_385)
    }

    /// The hash is part of the format: nodes of different versions merge their sketches.
    @Test func hashesStayTheSame() {
        var sketch = HyperLogLog()
        sketch.insert(set(0..<3_000_000))
        #expect((Double(sketch.estimate) / 3_000_000 - 1).magnitude < 0.0325)
        for number in [0, 1, -1, 63, -64, 64, .max, .min] as [Int64] {
            #expect(HyperLogLog.hash(of: number) == HyperLogLog.hash(of: .int(number)))
        }
        let hashes = [Value.int(1), .string("é"), .double(0.5)].map { HyperLogLog.hash(of: $0) }
        #expect(hashes == [0x9da3_9bc5_4020_97a6, 0x5f09_6cf3_8b96_6d9e, 0xc915_3e8a_f13c_202a])
    }
}
