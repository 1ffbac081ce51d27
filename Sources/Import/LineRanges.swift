// Which lines of a file are done: disjoint ranges, few of them, because batches are acknowledged
// nearly in order. Pure.

/// A set of line numbers.
package struct LineRanges: Sendable, Equatable {
    /// Ascending, disjoint, none touching the next.
    package private(set) var ranges: [Range<Int>] = []

    package init() {}

    /// Any ranges, in any order; those that overlap or touch become one.
    package init(_ ranges: [Range<Int>]) {
        for range in ranges { insert(range) }
    }

    package mutating func insert(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        var merged = range
        ranges.removeAll { other in
            guard other.lowerBound <= merged.upperBound, merged.lowerBound <= other.upperBound
            else { return false }
            merged =
                min(other.lowerBound, merged.lowerBound)..<max(other.upperBound, merged.upperBound)
            return true
        }
        let place = ranges.firstIndex { $0.lowerBound > merged.lowerBound } ?? ranges.endIndex
        ranges.insert(merged, at: place)
    }

    package func contains(_ line: Int) -> Bool { ranges.contains { $0.contains(line) } }
}
