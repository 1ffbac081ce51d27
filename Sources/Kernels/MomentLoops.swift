// Squared distances from a mean, of all rows and by cell. Callers guarantee that every cell is
// below the number of elements of each table.

/// Loops behind standard deviations.
package enum MomentLoops {
    /// The sum of the squared distances of all values from `mean`.
    package static func squares(
        _ values: UnsafePointer<Double>, count: Int, mean: Double
    ) -> Double {
        var total = 0.0
        for row in 0..<count {
            let distance = values[row] - mean
            total += distance * distance
        }
        return total
    }

    /// Adds the values of each cell to `sums`.
    package static func sum(
        _ values: UnsafePointer<Double>, cells: UnsafePointer<UInt32>, count: Int,
        into sums: UnsafeMutablePointer<Double>
    ) {
        for row in 0..<count { sums[Int(cells[row])] += values[row] }
    }

    /// Adds the squared distances of each cell's values from the cell's mean to `totals`.
    package static func squares(
        _ values: UnsafePointer<Double>, cells: UnsafePointer<UInt32>, count: Int,
        means: UnsafePointer<Double>, into totals: UnsafeMutablePointer<Double>
    ) {
        for row in 0..<count {
            let cell = Int(cells[row])
            let distance = values[row] - means[cell]
            totals[cell] += distance * distance
        }
    }
}
