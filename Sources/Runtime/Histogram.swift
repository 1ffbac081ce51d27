// How recorded values are spread: counts in fixed buckets, as Prometheus adds them up over processes.

/// Upper bounds of buckets, ascending; above the last there is one more.
enum HistogramBounds {
    /// Seconds, for timers: from a cache hit to a call that ran into its deadline.
    static let seconds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]
    /// Sizes and counts of any unit: powers of four up to sixteen million.
    static let sizes: [Double] = (0...12).map { Double(1 << (2 * $0)) }
}

/// A number of values in each bucket, and their sum.
struct Histogram: Sendable, Equatable {
    let bounds: [Double]
    /// One more than there are bounds.
    private(set) var counts: [Int64]
    private(set) var sum = 0.0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = [Int64](repeating: 0, count: bounds.count + 1)
    }

    mutating func record(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    /// Bound and number of values up to it; the last bound is infinite.
    var cumulative: [(bound: Double, count: Int64)] {
        var total: Int64 = 0
        return zip(bounds + [.infinity], counts).map { bound, count in
            total += count
            return (bound, total)
        }
    }
}
