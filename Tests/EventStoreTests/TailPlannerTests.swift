import Base
import Testing

@testable import EventStore

/// Merging is bounded both ways: few blocks stay, and no row is copied often.
@Suite struct TailPlannerTests {
    /// Adds batches of random size and does what the planner says.
    @Test(arguments: [1, 3, 40, 3000])
    func fewBlocksAndFewCopies(batchRows: Int) {
        let policy = MergePolicy()
        var random = PRNG(seed: 11)
        var blocks: [FreshSize] = []
        var added = 0
        var copied = 0
        var most = 0
        while added < 200_000 {
            let rows = Int.random(in: 1...batchRows, using: &random)
            blocks.append(FreshSize(rowCount: rows, byteCount: rows * 20))
            added += rows
            while let step = TailPlanner.plan(blocks, policy: policy).first {
                let merged = blocks[step.range].reduce(0) { $0 + $1.rowCount }
                copied += merged
                #expect(merged <= policy.sealRows)
                let outcome = FreshSize(rowCount: merged, byteCount: merged * 20)
                blocks.replaceSubrange(step.range, with: step.seals ? [] : [outcome])
            }
            most = max(most, blocks.count)
        }
        #expect(most <= 64)
        #expect(copied <= added * 5)
    }

    @Test func fullGroupsAreSealedOldestFirst() {
        let blocks = [40_000, 20_000, 30_000, 30_000, 5536, 10].map {
            FreshSize(rowCount: $0, byteCount: $0)
        }
        let steps = TailPlanner.plan(blocks, policy: MergePolicy())
        #expect(
            steps == [
                TailPlanner.Step(range: 0..<2, seals: true),
                TailPlanner.Step(range: 2..<5, seals: true),
            ])
    }

    @Test func largeRowsAreSealedByTheirBytes() {
        let blocks = [FreshSize](repeating: FreshSize(rowCount: 10, byteCount: 9 << 20), count: 5)
        let steps = TailPlanner.plan(blocks, policy: MergePolicy())
        #expect(steps == [TailPlanner.Step(range: 0..<3, seals: true)])
    }
}
