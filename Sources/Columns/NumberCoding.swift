// Integers by frame of reference or by differences, whichever is clearly smaller; doubles as
// integers over a power of ten when every one of them comes back bit for bit, raw otherwise.

internal import Kernels

/// Integers of one chunk. Their count is known from elsewhere and not stored.
enum IntegerCoding {
    static func encode(_ values: [Int64], into chunk: inout [UInt8]) {
        values.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            encode(base, count: buffer.count, into: &chunk)
        }
    }

    static func encode(
        _ values: UnsafePointer<Int64>, count: Int, into chunk: inout [UInt8]
    ) {
        guard count > 0 else { return }
        let plain = Frame(of: values, count: count)
        if count >= 8 {
            let coded = Frame(ofDifferences: values, count: count)
            // Differences cost a second pass when read: they must save a quarter.
            if (coded.byteCount + 8) * 4 <= plain.byteCount * 3 {
                chunk.append(BlockLayout.IntegerForm.differences)
                chunk.append(littleEndian: values[0])
                withUnsafeTemporaryAllocation(of: Int64.self, capacity: count - 1) { buffer in
                    guard let differences = buffer.baseAddress else { return }
                    for index in 1..<count {
                        differences[index - 1] = values[index] &- values[index - 1]
                    }
                    coded.append(differences, count: count - 1, to: &chunk)
                }
                return
            }
        }
        chunk.append(BlockLayout.IntegerForm.frameOfReference)
        plain.append(values, count: count, to: &chunk)
    }

    static func decode(count: Int, from reader: inout ChunkReader) throws(BlockError) -> [Int64] {
        guard count > 0 else { return [] }
        switch try reader.readByte() {
        case BlockLayout.IntegerForm.frameOfReference:
            return try Frame(from: &reader).values(count: count, behind: 0, from: &reader)
        case BlockLayout.IntegerForm.differences:
            let first = Int64(bitPattern: try reader.readUInt64())
            var values = try Frame(from: &reader).values(
                count: count - 1, behind: 1, from: &reader)
            values.withUnsafeMutableBufferPointer { values in
                guard let base = values.baseAddress else { return }
                ColumnLoops.accumulate(base, count: values.count, first: first)
            }
            return values
        default: throw reader.invalid("unknown form of integers")
        }
    }

    /// A base, a width and the numbers above the base.
    private struct Frame {
        let base: Int64
        let width: Int
        let byteCount: Int

        /// Of at least one number.
        init(of values: UnsafePointer<Int64>, count: Int) {
            let (least, greatest) = ColumnLoops.extremes(values, count: count)
            self.init(least, greatest, count: count)
        }

        /// Of each number less the one before it, wrapping, which the running sum undoes exactly.
        init(ofDifferences values: UnsafePointer<Int64>, count: Int) {
            var least = Int64.max
            var greatest = Int64.min
            var before = values[0]
            for index in 1..<count {
                let difference = values[index] &- before
                before = values[index]
                least = difference < least ? difference : least
                greatest = difference > greatest ? difference : greatest
            }
            self.init(least, greatest, count: count - 1)
        }

        private init(_ least: Int64, _ greatest: Int64, count: Int) {
            base = least
            width = BitPacking.width(of: UInt64(bitPattern: greatest &- least))
            byteCount = 9 + BitPacking.byteCount(count: count, width: width)
        }

        init(from reader: inout ChunkReader) throws(BlockError) {
            base = Int64(bitPattern: try reader.readUInt64())
            width = Int(try reader.readByte())
            byteCount = 0
            guard width <= 64 else { throw reader.invalid("a width of \(width) bits") }
        }

        func append(_ values: UnsafePointer<Int64>, count: Int, to chunk: inout [UInt8]) {
            chunk.append(littleEndian: base)
            chunk.append(UInt8(width))
            chunk.appendPacked(values, count: count, base: base, width: width)
        }

        /// The numbers, behind some zeros.
        func values(
            count: Int, behind zeros: Int, from reader: inout ChunkReader
        ) throws(BlockError) -> [Int64] {
            let source = try reader.take(BitPacking.byteCount(count: count, width: width))
            return [Int64](unsafeUninitializedCapacity: zeros + count) { target, filled in
                filled = zeros + count
                guard let target = target.baseAddress else { return }
                target.update(repeating: 0, count: zeros)
                BitPacking.unpack(
                    source, count: count, base: base, width: width, into: target + zeros)
            }
        }
    }
}

/// Doubles that are integers over a power of ten.
package struct Decimals: Sendable {
    package var integers: [Int64]
    package var scale: Double
}

/// Doubles of one chunk.
enum DoubleCoding {
    /// Powers of ten that a double holds exactly.
    private static let scales: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// Encodes doubles given by their bits.
    static func encode(_ values: [UInt64], into chunk: inout [UInt8]) {
        if let (exponent, scaled) = decimals(values) {
            chunk.append(BlockLayout.DoubleForm.decimal)
            chunk.append(UInt8(exponent))
            IntegerCoding.encode(scaled, into: &chunk)
            return
        }
        chunk.append(BlockLayout.DoubleForm.raw)
        for value in values { chunk.append(littleEndian: value) }
    }

    /// A small power of ten that makes every value an integer, and those integers; nil if one
    /// value would not come back bit for bit (-0.0, more than 15 digits, thirds).
    private static func decimals(_ values: [UInt64]) -> (Int, [Int64])? {
        var exponent = 0
        var integers = [Int64](repeating: 0, count: values.count)
        var done = 0
        // A value that needs more decimals sends the loop back to the first one.
        while done < values.count {
            let value = Double(bitPattern: values[done])
            if let integer = scaled(value, by: scales[exponent]) {
                integers[done] = integer
                done += 1
                continue
            }
            repeat {
                exponent += 1
                guard exponent <= BlockLayout.decimalExponentMax else { return nil }
            } while scaled(value, by: scales[exponent]) == nil
            done = 0
        }
        return (exponent, integers)
    }

    /// The integer that `value` is the quotient of, bit for bit.
    @inline(__always)
    private static func scaled(_ value: Double, by scale: Double) -> Int64? {
        let product = value * scale
        // Also false for infinities and for NaN.
        guard product.magnitude < 9_007_199_254_740_000 else { return nil }
        // Rounded by cutting off: a function call for every value would cost more than all else.
        let integer = Int64(product + (product < 0 ? -0.5 : 0.5))
        return (Double(integer) / scale).bitPattern == value.bitPattern ? integer : nil
    }

    /// The integers of doubles that are kept as integers over a power of ten, and that power; nil
    /// if they are not.
    static func decodeDecimals(
        count: Int, from reader: inout ChunkReader
    ) throws(BlockError) -> Decimals? {
        guard try reader.readByte() == BlockLayout.DoubleForm.decimal else { return nil }
        let exponent = Int(try reader.readByte())
        guard exponent < scales.count else { throw reader.invalid("a scale of 10^\(exponent)") }
        let integers = try IntegerCoding.decode(count: count, from: &reader)
        return Decimals(integers: integers, scale: scales[exponent])
    }

    static func decode(count: Int, from reader: inout ChunkReader) throws(BlockError) -> [Double] {
        switch try reader.readByte() {
        case BlockLayout.DoubleForm.raw:
            let source = try reader.take(count * 8)
            var areFinite = true
            let values = [Double](unsafeUninitializedCapacity: count) { target, filled in
                filled = count
                guard count > 0, let target = target.baseAddress else { return }
                UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 8)
                areFinite = ColumnLoops.areFinite(target, count: count)
            }
            // JSON has no such numbers, and ranges of zone maps cannot hold them.
            guard areFinite else { throw reader.invalid("a number that is not finite") }
            return values
        case BlockLayout.DoubleForm.decimal:
            let exponent = Int(try reader.readByte())
            guard exponent < scales.count else { throw reader.invalid("a scale of 10^\(exponent)") }
            let integers = try IntegerCoding.decode(count: count, from: &reader)
            return [Double](unsafeUninitializedCapacity: count) { target, filled in
                filled = count
                guard let target = target.baseAddress else { return }
                integers.withUnsafeBufferPointer { integers in
                    guard let source = integers.baseAddress else { return }
                    ColumnLoops.divide(source, count: count, by: scales[exponent], into: target)
                }
            }
        default: throw reader.invalid("unknown form of doubles")
        }
    }
}
