// What a query asks of a shard. The planner in Query makes it; Scan runs it next to the data; Wire
// carries it. All time arithmetic, time zones included, is done by the planner: a shard sees
// instants only.

package import Aggregate
package import Model

/// One pass over one collection.
package struct ScanPlan: Sendable, Hashable {
    package var collection: CollectionID
    /// Events with start <= keen.timestamp < end; nil means all time.
    package var timeframe: Range<Timestamp>?
    /// All must hold.
    package var filters: [Filter]
    package var groupBy: [PropertyPath]
    /// How values become group values, one for each of `groupBy`; empty: all as they are.
    package var groupings: [Grouping]
    /// Ascending boundaries of the interval's buckets, one more than there are buckets; empty when
    /// the query has no interval. The first and last equal the timeframe's ends.
    package var boundaries: [Timestamp]
    package var aggregates: [AggregateRequest]

    package init(
        collection: CollectionID, timeframe: Range<Timestamp>? = nil, filters: [Filter] = [],
        groupBy: [PropertyPath] = [], groupings: [Grouping] = [], boundaries: [Timestamp] = [],
        aggregates: [AggregateRequest]
    ) {
        self.collection = collection
        self.timeframe = timeframe
        self.filters = filters
        self.groupBy = groupBy
        self.groupings = groupings
        self.boundaries = boundaries
        self.aggregates = aggregates
    }
}

/// A condition on one event. The meaning on mixed, null and missing values is the table in
/// docs/api.md; Scan implements it and the tests hold it against a plain reference.
package indirect enum Filter: Sendable, Hashable {
    case compare(PropertyPath, ComparisonOperator, Value)
    case among(PropertyPath, [Value])
    case exists(PropertyPath, Bool)
    /// Substring of a string, or element of an array.
    case contains(PropertyPath, Value)
    /// An array `[longitude, latitude]` that lies in a circle.
    case within(PropertyPath, GeoCircle)
    /// A string in which the pattern is found.
    case matches(PropertyPath, TextPattern)
    case not(Filter)
    case all([Filter])
    case any([Filter])
}

package enum ComparisonOperator: UInt8, Sendable, Hashable, CaseIterable {
    case equal = 0
    case notEqual = 1
    case less = 2
    case lessOrEqual = 3
    case greater = 4
    case greaterOrEqual = 5
}

/// What the scan touched.
package struct ScanStatistics: Sendable, Equatable {
    package var blocksRead: Int64 = 0
    package var blocksSkipped: Int64 = 0
    /// Answered from what an earlier scan of the same plan found.
    package var blocksCached: Int64 = 0
    package var rowsScanned: Int64 = 0
    package var rowsMatched: Int64 = 0
    /// Of the columns that were decoded, as they are stored.
    package var bytesRead: Int64 = 0
    /// Nanoseconds that nodes took, one after the other, to find the blocks, to read them (of all
    /// threads together) and to put the answer together.
    package var listNanoseconds: Int64 = 0
    package var readNanoseconds: Int64 = 0
    package var mergeNanoseconds: Int64 = 0
    /// Whether rollups answered and no event was read.
    package var usedRollup = false

    package init() {}
}
