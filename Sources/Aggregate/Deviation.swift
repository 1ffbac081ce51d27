// The state behind standard_deviation: count, mean and the sum of squared distances from it, merged
// as in T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae and a Pairwise Algorithm for
// Computing Sample Variances", 1979. Nothing cancels, however far from zero the numbers lie; the
// last digits may depend on the order of merging.

internal import Base

/// How far numbers lie apart.
package struct Deviation: Sendable, Equatable {
    package private(set) var count: Int64 = 0
    package private(set) var mean = 0.0
    /// The sum of the squared distances from `mean`; not negative.
    package private(set) var squares = 0.0

    package init() {}

    /// `squares` is about `mean`, both are of `count` numbers.
    package init(count: Int64, mean: Double, squares: Double) {
        self.count = count
        self.mean = mean
        self.squares = squares
    }

    package mutating func merge(_ other: Deviation) throws(AggregateError) {
        guard count > 0, other.count > 0 else {
            if count == 0 { self = other }
            return
        }
        let (total, overflow) = count.addingReportingOverflow(other.count)
        guard !overflow else { throw .overflow }
        let distance = other.mean - mean
        let share = Double(other.count) / Double(total)
        squares += other.squares + distance * distance * Double(count) * share
        mean += distance * share
        count = total
    }

    /// Of the population, not estimated from a sample: a single number gives 0, none null.
    package var result: AggregateResult {
        count == 0 ? .null : AggregateResult(finite: (squares / Double(count)).squareRoot())
    }
}

extension Deviation {
    /// Varint count, and unless it is 0 the mean and the sum of squares.
    func encode(into writer: inout ByteWriter) {
        writer.write(varint: UInt64(bitPattern: count))
        guard count > 0 else { return }
        writer.write(mean)
        writer.write(squares)
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        guard let count = Int64(exactly: try reader.readVarint()) else {
            throw .invalidValue(offset: start, what: "count of events out of range")
        }
        guard count > 0 else {
            self.init()
            return
        }
        self.init(count: count, mean: try reader.readDouble(), squares: try reader.readDouble())
        guard !(squares < 0) else {
            throw .invalidValue(offset: start, what: "a negative sum of squares")
        }
    }
}
