// Picking the selected rows of a column, so that every later loop runs over neighbouring elements.
// Callers guarantee that rows lie inside the column and that targets have `count` elements.

/// Loops that copy selected elements.
package enum GatherLoops {
    package static func gather(
        _ values: UnsafePointer<Int64>, rows: UnsafePointer<UInt32>, count: Int,
        into target: UnsafeMutablePointer<Int64>
    ) {
        for index in 0..<count { target[index] = values[Int(rows[index])] }
    }

    package static func gather(
        _ values: UnsafePointer<Double>, rows: UnsafePointer<UInt32>, count: Int,
        into target: UnsafeMutablePointer<Double>
    ) {
        for index in 0..<count { target[index] = values[Int(rows[index])] }
    }

    package static func gather(
        _ values: UnsafePointer<UInt32>, rows: UnsafePointer<UInt32>, count: Int,
        into target: UnsafeMutablePointer<UInt32>
    ) {
        for index in 0..<count { target[index] = values[Int(rows[index])] }
    }

    package static func gather(
        _ values: UnsafePointer<UInt8>, rows: UnsafePointer<UInt32>, count: Int,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        for index in 0..<count { target[index] = values[Int(rows[index])] }
    }
}
