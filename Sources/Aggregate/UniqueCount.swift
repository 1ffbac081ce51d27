// The state behind count_unique: the set itself up to a bound, a sketch of it beyond. Which of the
// two it is depends on the set alone, so the order of merging does not show.

internal import Base
internal import Model

/// How many different values there are.
package enum UniqueCount: Sendable, Equatable {
    /// At most `Limits.queryExactUniqueMax` values.
    case exact(DistinctValues)
    case sketch(HyperLogLog)

    /// A set of any size.
    package init(_ values: DistinctValues) {
        self = .exact(values)
        sketchIfNeeded()
    }

    /// As many values as would take the space of a sketch.
    package static let sketchHeldCount = HyperLogLog.registerCount / 8

    package init() { self = .exact(DistinctValues()) }

    /// What a memory bound is kept on.
    package var heldCount: Int {
        switch self {
        case .exact(let values): values.count
        case .sketch: Self.sketchHeldCount
        }
    }

    package var result: Int64 {
        switch self {
        case .exact(let values): Int64(values.count)
        case .sketch(let sketch): sketch.estimate
        }
    }

    package mutating func merge(_ other: UniqueCount) throws(AggregateError) {
        let before = self
        // Taken out of `self`, so that the set is not copied.
        self = .exact(DistinctValues())
        switch (consume before, other) {
        case (.exact(var left), .exact(let right)):
            try left.merge(right)
            self = .exact(left)
            sketchIfNeeded()
        case (.sketch(var sketch), .sketch(let more)):
            sketch.merge(more)
            self = .sketch(sketch)
        case (.sketch(var sketch), .exact(let values)), (.exact(let values), .sketch(var sketch)):
            sketch.insert(values)
            self = .sketch(sketch)
        }
    }

    private mutating func sketchIfNeeded() {
        guard case .exact(let values) = self, values.count > Limits.queryExactUniqueMax else {
            return
        }
        var sketch = HyperLogLog()
        sketch.insert(values)
        self = .sketch(sketch)
    }
}
