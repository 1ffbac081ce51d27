// One reading of a group's lag: every partition, and the totals.

/// What a reading found.
package struct LagReport: Sendable, Equatable {
    /// Ordered by topic and partition.
    package var partitions: [PartitionLag]
    /// What could not be read at all, in words.
    package var notes: [String]

    package init(partitions: [PartitionLag], notes: [String] = []) {
        self.partitions = partitions
        self.notes = notes
    }

    package var totals: LagTotals { LagTotals(partitions) }

    /// Whether every partition could be read.
    package var isWhole: Bool { partitions.allSatisfy { $0.error == nil } }
}

/// Sums over a reading. Partitions whose offsets are unknown add nothing to sums and are counted by
/// their status.
package struct LagTotals: Sendable, Equatable {
    package var brokers = 0
    package var partitions = 0
    package var depth: Int64 = 0
    /// Without partitions beyond the end: a negative delta must not hide a positive one.
    package var delta: Int64 = 0
    package var lost: Int64 = 0
    /// Partitions of each status that occurs.
    package var statuses: [LagStatus: Int] = [:]

    package init(_ rows: [PartitionLag]) {
        brokers = Set(rows.compactMap(\.broker)).count
        partitions = rows.count
        for row in rows {
            depth = Self.sum(depth, max(row.depth ?? 0, 0))
            delta = Self.sum(delta, max(row.delta ?? 0, 0))
            lost = Self.sum(lost, row.lost)
            statuses[row.status, default: 0] += 1
        }
    }

    /// Both at least 0.
    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (total, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : total
    }
}
