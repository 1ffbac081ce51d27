import Aggregate
import Base
import Columns
import Foundation
import Model
import Plan
import Scan
import Testing

/// Sets too large to count exactly become sketches while blocks go by, small ones stay exact, and
/// the outcome is that of all values at once.
@Suite struct SketchTests {
    private static let isLong = ProcessInfo.processInfo.environment["MILLRACE_LONG"] == "fuzz"

    /// More than two millions of values: only in long runs.
    @Test(.enabled(if: isLong), arguments: [false, true])
    func largeSetsBecomeSketches(isGrouped: Bool) throws {
        let count = 2 * Int64(Limits.queryExactUniqueMax) + 150_000
        let (value, group) = (try PropertyPath("v"), try PropertyPath("g"))
        let execution = ScanExecution(
            plan: ScanPlan(
                collection: CollectionID(
                    project: try ProjectID("p"), collection: try CollectionName("c")),
                groupBy: isGrouped ? [group] : [],
                aggregates: [AggregateRequest(kind: .countUnique, target: value)]))
        for start in stride(from: 0, to: count, by: 50_000) {
            var builder = BlockBuilder()
            for number in start..<start + 50_000 {
                builder.beginRow(timestamp: number)
                // Every hundredth is of a small group, with texts; and some come twice.
                if number % 100 == 0 {
                    builder.appendString("small", to: builder.column("g"))
                    builder.appendString("t\(number % 1_000_000)", to: builder.column("v"))
                } else {
                    builder.appendInt(number / 100 * 100 + number % 99, to: builder.column("v"))
                }
                builder.endRow()
            }
            try execution.consume(try builder.finish(sortByTimestamp: true))
        }
        var large: Set<Value> = []
        var small: Set<Value> = []
        for number in 0..<count {
            if number % 100 == 0 {
                small.insert(.string("t\(number % 1_000_000)"))
            } else {
                large.insert(.int(number / 100 * 100 + number % 99))
            }
        }
        func state(_ values: Set<Value>) -> [AggregateState] {
            [.countUnique(UniqueCount(DistinctValues(values)))]
        }
        let found = try execution.finish().groups
        if isGrouped {
            #expect(found.map(\.states) == [state(small), state(large)])
            #expect(found.map { $0.states[0].isApproximate } == [false, true])
        } else {
            #expect(found.map(\.states) == [state(large.union(small))])
        }
    }
}

/// Texts wait for their order, repeated or not; bounds are kept on what they are in order.
@Suite struct WaitingTextsTests {
    @Test func repeatedTextsCountOnce() throws {
        let value = try PropertyPath("v")
        let texts = (0..<20_000).map { "text \($0)" }
        let size = texts.reduce(0) { $0 + $1.utf8.count }
        let plan = ScanPlan(
            collection: CollectionID(
                project: try ProjectID("p"), collection: try CollectionName("c")),
            aggregates: [AggregateRequest(kind: .selectUnique, target: value)])
        func result(textBytesMax: Int) throws -> PartialResult {
            let execution = ScanExecution(plan: plan, textBytesMax: textBytesMax)
            for round in 0..<3 {
                var builder = BlockBuilder()
                for text in round == 1 ? texts.reversed() : texts {
                    builder.beginRow(timestamp: 0)
                    builder.appendString(text, to: builder.column("v"))
                    builder.endRow()
                }
                try execution.consume(try builder.finish(sortByTimestamp: true))
            }
            return try execution.finish()
        }
        let states = try result(textBytesMax: size).groups.map(\.states)
        #expect(states == [[.selectUnique(DistinctValues(texts.map { Value.string($0) }))]])
        #expect(throws: ScanLimitError.self) { try result(textBytesMax: size - 1) }
    }
}
