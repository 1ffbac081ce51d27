// Integers by frame of reference or by differences, whichever is clearly smaller; doubles as
// integers over a power of ten when every one of them comes back bit for bit, raw otherwise.

internal import Kernels

/// Integers of one chunk. Their count is known from elsewhere and not stored.
enum IntegerCoding {
    static func encode(_ values: [Int64], into chunk: inout [UInt8]) {
        guard !values.isEmpty else { return }
        let plain = Frame(of: values)
        let differences = Self.differences(values)
        let coded = Frame(of: differences)
        // Differences cost a second pass when read: they must save a quarter.
        if values.count >= 8, (coded.byteCount + 8) * 4 <= plain.byteCount * 3 {
            chunk.append(BlockLayout.IntegerForm.differences)
            chunk.append(littleEndian: values[0])
            coded.append(differences, to: &chunk)
        } else {
            chunk.append(BlockLayout.IntegerForm.frameOfReference)
            plain.append(values, to: &chunk)
        }
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

    /// Each number less the one before it, wrapping, which the running sum undoes exactly.
    private static func differences(_ values: [Int64]) -> [Int64] {
        var result: [Int64] = []
        result.reserveCapacity(values.count)
        for index in 1..<max(values.count, 1) { result.append(values[index] &- values[index - 1]) }
        return result
    }

    /// A base, a width and the numbers above the base.
    private struct Frame {
        let base: Int64
        let width: Int
        let byteCount: Int

        init(of values: [Int64]) {
            let (least, greatest) = values.withUnsafeBufferPointer { values in
                guard let first = values.baseAddress, !values.isEmpty else {
                    return (Int64(0), Int64(0))
                }
                return ColumnLoops.extremes(first, count: values.count)
            }
            base = least
            width = BitPacking.width(of: UInt64(bitPattern: greatest &- least))
            byteCount = 9 + BitPacking.byteCount(count: values.count, width: width)
        }

        init(from reader: inout ChunkReader) throws(BlockError) {
            base = Int64(bitPattern: try reader.readUInt64())
            width = Int(try reader.readByte())
            byteCount = 0
            guard width <= 64 else { throw reader.invalid("a width of \(width) bits") }
        }

        func append(_ values: [Int64], to chunk: inout [UInt8]) {
            chunk.append(littleEndian: base)
            chunk.append(UInt8(width))
            chunk.appendPacked(values, base: base, width: width)
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

/// Doubles of one chunk.
enum DoubleCoding {
    /// Powers of ten that a double holds exactly.
    private static let scales: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    static func encode(_ values: [Double], into chunk: inout [UInt8]) {
        if let (exponent, scaled) = decimals(values) {
            chunk.append(BlockLayout.DoubleForm.decimal)
            chunk.append(UInt8(exponent))
            IntegerCoding.encode(scaled, into: &chunk)
            return
        }
        chunk.append(BlockLayout.DoubleForm.raw)
        for value in values { chunk.append(littleEndian: value.bitPattern) }
    }

    /// The least power of ten that makes every value an integer, and those integers; nil if one
    /// value would not come back bit for bit (-0.0, more than 15 digits, thirds).
    private static func decimals(_ values: [Double]) -> (Int, [Int64])? {
        var exponent = 0
        for value in values {
            while scaled(value, by: exponent) == nil {
                exponent += 1
                if exponent > BlockLayout.decimalExponentMax { return nil }
            }
        }
        var integers: [Int64] = []
        integers.reserveCapacity(values.count)
        for value in values {
            // A value that fitted a smaller power may be too large for the last one.
            guard let integer = scaled(value, by: exponent) else { return nil }
            integers.append(integer)
        }
        return (exponent, integers)
    }

    private static func scaled(_ value: Double, by exponent: Int) -> Int64? {
        let scale = scales[exponent]
        let product = (value * scale).rounded(.toNearestOrEven)
        // Also false for infinities and for NaN.
        guard product.magnitude < 9_007_199_254_740_992 else { return nil }
        let integer = Int64(product)
        return (Double(integer) / scale).bitPattern == value.bitPattern ? integer : nil
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
