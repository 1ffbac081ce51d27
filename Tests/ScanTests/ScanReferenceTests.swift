import Aggregate
import Base
import Columns
import Foundation
import Model
import Plan
import Scan
import Testing

/// The scan answers every random plan over every random set of events as the plain reference does,
/// whatever blocks the events lie in and however many executions share them.
@Suite struct ScanReferenceTests {
    /// Worlds of events, each asked many plans. Set MILLRACE_SECONDS for a long run.
    @Test(arguments: 0..<8) func randomPlansAgree(part: UInt64) throws {
        let seconds = ProcessInfo.processInfo.environment["MILLRACE_SECONDS"].flatMap(Double.init)
        let isLong = ProcessInfo.processInfo.environment["MILLRACE_LONG"] == "fuzz"
        let start = ContinuousClock.now
        var world: UInt64 = 0
        while isLong ? ContinuousClock.now - start < .seconds(seconds ?? 60) : world < 63 {
            try check(seed: part << 32 | world, plans: 40)
            world += 1
        }
    }

    private func check(seed: UInt64, plans: Int) throws {
        var world = RandomWorld(seed: seed)
        let events = (0..<world.below(80)).map { _ in world.event() }
        let blocks = try world.blocks(events)
        for number in 0..<plans {
            let plan = world.plan()
            let expected = try ReferenceScan(plan: plan).run(events)
            let executions = 1 + world.below(3)
            let found =
                try number.isMultiple(of: 2)
                ? run(plan, blocks, executions: executions)
                : runJoined(plan, blocks, executions: executions)
            try #require(
                isSame(found.groups, expected),
                "seed \(seed), plan \(number): \(plan)\nfound \(found.groups)\nwanted \(expected)")
        }
    }

    private func run(_ plan: ScanPlan, _ blocks: [Block], executions: Int) throws -> PartialResult {
        let parts = (0..<executions).map { _ in ScanExecution(plan: plan) }
        for (index, block) in blocks.enumerated() { try parts[index % executions].consume(block) }
        var merger = PartialMerger()
        for part in parts { try merger.add(try part.finish()) }
        return try merger.finish()
    }

    /// The same, with what all executions found added up before answers are formed.
    private func runJoined(
        _ plan: ScanPlan, _ blocks: [Block], executions: Int
    ) throws -> PartialResult {
        let parts = (0..<executions).map { _ in ScanExecution(plan: plan) }
        for (index, block) in blocks.enumerated() { try parts[index % executions].consume(block) }
        let joined = ScanExecution(plan: plan)
        try joined.absorb(try parts.map { try $0.tables() })
        var merger = PartialMerger()
        try merger.add(try joined.finish())
        return try merger.finish()
    }

    /// Sums of doubles may differ in what their order rounds; everything else is exact.
    private func isSame(_ found: [PartialGroup], _ expected: [PartialGroup]) -> Bool {
        guard found.count == expected.count else { return false }
        return zip(found, expected).allSatisfy { found, expected in
            found.bucket == expected.bucket && found.key == expected.key
                && found.states.count == expected.states.count
                && zip(found.states, expected.states).allSatisfy(isSame)
        }
    }

    private func isSame(_ found: AggregateState, _ expected: AggregateState) -> Bool {
        switch (found, expected) {
        case (.sum(let left), .sum(let right)): isClose(left, right)
        case (.average(let left, let count), .average(let right, let other)):
            count == other && isClose(left, right)
        case (.standardDeviation(let left), .standardDeviation(let right)):
            left.count == right.count && isClose(left, right)
        default: found == expected
        }
    }

    /// Infinite where the numbers are beyond what their squares can be.
    private func isClose(_ left: Deviation, _ right: Deviation) -> Bool {
        guard left.squares.isFinite, right.squares.isFinite else {
            return left.squares.isFinite == right.squares.isFinite
        }
        let scale = max(1, right.mean * right.mean * Double(right.count), right.squares)
        return (left.squares - right.squares).magnitude <= 1e-12 * scale
            && (left.mean - right.mean).magnitude <= 1e-12 * max(1, scale.squareRoot())
    }

    private func isClose(_ left: NumberSum, _ right: NumberSum) -> Bool {
        guard left.integers == right.integers, left.hasDoubles == right.hasDoubles else {
            return false
        }
        let (found, wanted) = (left.approximate, right.approximate)
        return (found - wanted).magnitude <= 1e-9 * max(1, wanted.magnitude)
    }
}
