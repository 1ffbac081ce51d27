// The plain loops of coding and decoding columns: extremes, running sums, decimal scaling, and the
// step from packed values to one value a row. Callers guarantee the counts.

/// Loops over whole columns.
package enum ColumnLoops {
    /// The least and greatest of at least one number.
    package static func extremes(_ values: UnsafePointer<Int64>, count: Int) -> (Int64, Int64) {
        var least = values[0]
        var greatest = values[0]
        for index in 1..<max(count, 1) {
            least = min(least, values[index])
            greatest = max(greatest, values[index])
        }
        return (least, greatest)
    }

    /// Turns differences into running sums that begin at `first`; sums wrap.
    package static func accumulate(
        _ values: UnsafeMutablePointer<Int64>, count: Int, first: Int64
    ) {
        var sum = first
        for index in 0..<count {
            sum &+= values[index]
            values[index] = sum
        }
    }

    /// `target[i] = source[i] / scale`: the correctly rounded value of a decimal fraction.
    package static func divide(
        _ source: UnsafePointer<Int64>, count: Int, by scale: Double,
        into target: UnsafeMutablePointer<Double>
    ) {
        for index in 0..<count { target[index] = Double(source[index]) / scale }
    }

    /// Whether all values are finite.
    package static func areFinite(_ values: UnsafePointer<Double>, count: Int) -> Bool {
        // Sums of doubles must keep their order and would not become vector instructions.
        var found: UInt64 = 0
        for index in 0..<count {
            found |= (values[index].bitPattern & ~(1 << 63)) &+ (1 << 52)
        }
        return found >> 63 == 0
    }

    /// Rows whose tag is `tag`.
    package static func count(_ tags: UnsafePointer<UInt8>, count: Int, equalTo tag: UInt8) -> Int {
        var found = 0
        for index in 0..<count { found &+= tags[index] == tag ? 1 : 0 }
        return found
    }

    /// Spreads packed 64-bit values over the rows of one tag; other rows become 0. `packed` has one
    /// element more than there are such rows, so that reading ahead needs no branch.
    package static func spread(
        _ packed: UnsafePointer<UInt64>, tags: UnsafePointer<UInt8>, count: Int, tag: UInt8,
        into target: UnsafeMutablePointer<UInt64>
    ) {
        var next = 0
        for row in 0..<count {
            let isPresent: UInt64 = tags[row] == tag ? 1 : 0
            target[row] = packed[next] & (0 &- isPresent)
            next &+= Int(truncatingIfNeeded: isPresent)
        }
    }

    /// Spreads packed codes over the rows of either tag; other rows become 0. One element more, as
    /// in the other `spread`.
    package static func spread(
        _ packed: UnsafePointer<UInt32>, tags: UnsafePointer<UInt8>, count: Int,
        tags wanted: (UInt8, UInt8), into target: UnsafeMutablePointer<UInt32>
    ) {
        var next = 0
        for row in 0..<count {
            let tag = tags[row]
            let isPresent: UInt32 = (tag == wanted.0 ? 1 : 0) | (tag == wanted.1 ? 1 : 0)
            target[row] = packed[next] & (0 &- isPresent)
            next &+= Int(truncatingIfNeeded: isPresent)
        }
    }

    /// The greatest of the codes, 0 when there are none.
    package static func greatest(_ codes: UnsafePointer<UInt32>, count: Int) -> UInt32 {
        // In the order of signed integers, which more processors compare several at a time.
        var greatest = Int32.min
        for index in 0..<count {
            greatest = max(greatest, Int32(bitPattern: codes[index] ^ 0x8000_0000))
        }
        return UInt32(bitPattern: greatest) ^ 0x8000_0000
    }

    /// `target[i] = table[codes[i]]`, codes below 8.
    package static func lookUp(
        _ codes: UnsafePointer<UInt32>, count: Int, table: SIMD8<UInt8>,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        withUnsafeBytes(of: table) { bytes in
            for index in 0..<count { target[index] = bytes[Int(codes[index] & 7)] }
        }
    }
}
