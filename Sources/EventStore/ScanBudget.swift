// How much memory scans may take: one alone, and all of a node together. What passes it ends with
// an error that says so; the node goes on.

internal import Synchronization

/// A scan needs more memory than it may have.
package enum ScanBudgetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One query alone: asking again changes nothing.
    case query(bytesMax: Int)
    /// All queries together: this one may come again.
    case node(bytesMax: Int)

    package var description: String {
        switch self {
        case .query(let bytesMax):
            "the query needs more than \(bytesMax >> 20) MiB of memory on one storage node"
        case .node(let bytesMax):
            "all queries need more than \(bytesMax >> 20) MiB of memory on one storage node"
        }
    }
}

/// Memory of all scans of a node. Any thread.
final class ScanBudget: Sendable {
    private let queryBytesMax: Int
    private let nodeBytesMax: Int
    private let used = Atomic(0)

    init(queryBytesMax: Int, nodeBytesMax: Int) {
        self.queryBytesMax = queryBytesMax
        self.nodeBytesMax = nodeBytesMax
    }

    /// Bytes of all scans under way.
    var usedBytes: Int { used.load(ordering: .relaxed) }

    /// One scan's part. What it took is given back when it goes away.
    final class Share: Sendable {
        private let budget: ScanBudget
        private let used = Atomic(0)

        init(_ budget: ScanBudget) { self.budget = budget }

        deinit { budget.used.subtract(used.load(ordering: .relaxed), ordering: .relaxed) }

        /// Takes bytes, or gives some back if there are fewer than none.
        func take(_ bytes: Int) throws(ScanBudgetError) {
            let mine = used.add(bytes, ordering: .relaxed).newValue
            let all = budget.used.add(bytes, ordering: .relaxed).newValue
            guard bytes > 0 else { return }
            guard mine <= budget.queryBytesMax else {
                throw .query(bytesMax: budget.queryBytesMax)
            }
            guard all <= budget.nodeBytesMax else { throw .node(bytesMax: budget.nodeBytesMax) }
        }
    }
}
