// Least and greatest values, of all rows and by cell (see SumLoops for what a cell is). Tables
// begin with the type's own extremes; callers know from the counts which cells had a value at all.

/// Loops for minimum and maximum.
package enum ExtremeLoops {
    /// Least and greatest; the type's own extremes, crossed, without rows.
    package static func extremes(
        _ values: UnsafePointer<Int64>, count: Int
    ) -> (least: Int64, greatest: Int64) {
        var least = Int64.max
        var greatest = Int64.min
        for row in 0..<count {
            least = values[row] < least ? values[row] : least
            greatest = values[row] > greatest ? values[row] : greatest
        }
        return (least, greatest)
    }

    package static func extremes(
        _ values: UnsafePointer<Double>, count: Int
    ) -> (least: Double, greatest: Double) {
        var least = Double.infinity
        var greatest = -Double.infinity
        for row in 0..<count {
            least = values[row] < least ? values[row] : least
            greatest = values[row] > greatest ? values[row] : greatest
        }
        return (least, greatest)
    }

    package static func minimum(
        _ values: UnsafePointer<Int64>, cells: UnsafePointer<UInt32>, count: Int,
        into least: UnsafeMutablePointer<Int64>
    ) {
        for row in 0..<count {
            let cell = Int(cells[row])
            if values[row] < least[cell] { least[cell] = values[row] }
        }
    }

    package static func maximum(
        _ values: UnsafePointer<Int64>, cells: UnsafePointer<UInt32>, count: Int,
        into greatest: UnsafeMutablePointer<Int64>
    ) {
        for row in 0..<count {
            let cell = Int(cells[row])
            if values[row] > greatest[cell] { greatest[cell] = values[row] }
        }
    }

    package static func minimum(
        _ values: UnsafePointer<Double>, cells: UnsafePointer<UInt32>, count: Int,
        into least: UnsafeMutablePointer<Double>
    ) {
        for row in 0..<count {
            let cell = Int(cells[row])
            if values[row] < least[cell] { least[cell] = values[row] }
        }
    }

    package static func maximum(
        _ values: UnsafePointer<Double>, cells: UnsafePointer<UInt32>, count: Int,
        into greatest: UnsafeMutablePointer<Double>
    ) {
        for row in 0..<count {
            let cell = Int(cells[row])
            if values[row] > greatest[cell] { greatest[cell] = values[row] }
        }
    }
}
