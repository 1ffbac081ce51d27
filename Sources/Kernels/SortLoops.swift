// Getting numbers ready to be sorted: doubles as integers of the same order, and the values of each
// cell together (see SumLoops for what a cell is). Callers guarantee that every cell has a place.

/// Loops before a sort.
package enum SortLoops {
    /// Keys of `OrderedDouble`.
    package static func keys(
        of values: UnsafePointer<Double>, count: Int, into keys: UnsafeMutablePointer<Int64>
    ) {
        for index in 0..<count { keys[index] = OrderedDouble.key(values[index]) }
    }

    /// Writes each value at the next place of its cell.
    package static func scatter(
        _ values: UnsafePointer<Int64>, cells: UnsafePointer<UInt32>, count: Int,
        places: UnsafeMutablePointer<Int>, into target: UnsafeMutablePointer<Int64>
    ) {
        for row in 0..<count {
            let cell = Int(cells[row])
            target[places[cell]] = values[row]
            places[cell] &+= 1
        }
    }

    /// Of keys of `OrderedDouble`: the numbers that are 64-bit integers into one, as such, and the
    /// keys of the others into the other; returns how many of each. Both have `count` elements and
    /// one to spare.
    package static func split(
        _ keys: UnsafePointer<Int64>, count: Int, integers: UnsafeMutablePointer<Int64>,
        fractions: UnsafeMutablePointer<Int64>
    ) -> (integers: Int, fractions: Int) {
        var (whole, rest) = (0, 0)
        for index in 0..<count {
            let value = OrderedDouble.value(keys[index])
            let isInRange = value >= -0x1p63 && value < 0x1p63
            let integer = Int64(isInRange ? value : 0)
            let isIntegral = isInRange && Double(integer) == value
            integers[whole] = integer
            fractions[rest] = keys[index]
            whole &+= isIntegral ? 1 : 0
            rest &+= isIntegral ? 0 : 1
        }
        return (whole, rest)
    }
}
