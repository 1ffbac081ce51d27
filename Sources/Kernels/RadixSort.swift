// Sorts integers by their digits, lowest first: a few passes over the values instead of comparing
// them with each other. Only the digits in which values differ at all cost a pass.

/// Sorting 64-bit integers.
package enum RadixSort {
    /// Fewer values are compared with each other: counting digits would cost more.
    private static let comparedMax = 192
    /// Wide digits need a table of counts that only pays beside many values.
    private static let wideFrom = 1 << 14

    /// Sorts ascending.
    package static func sort(_ values: inout [Int64]) { sort(&values, ascendingBits: 0) }

    /// The same of values whose lowest bits, so many, ascend already: where each has its place.
    package static func sort(_ values: inout [Int64], ascendingBits: Int) {
        let count = values.count
        guard count > comparedMax else { return values.sort() }
        var (least, greatest) = ExtremeLoops.extremes(values, count: count)
        // Distances from it have the same lowest bits as the values.
        least &= -1 << Int64(ascendingBits)
        let width = BitPacking.width(of: UInt64(bitPattern: greatest &- least))
        if width <= 32, ascendingBits == 0 {
            values.withUnsafeMutableBufferPointer { values in
                guard let values = values.baseAddress else { return }
                sortNarrow(values, count: count, least: least, width: width)
            }
            return
        }
        var other = [Int64](unsafeUninitializedCapacity: count) { $1 = count }
        var passes = 0
        values.withUnsafeMutableBufferPointer { values in
            other.withUnsafeMutableBufferPointer { other in
                guard let from = values.baseAddress, let to = other.baseAddress else { return }
                passes = sort(
                    from, to, count: count, least: least, width: width,
                    skipping: ascendingBits)
            }
        }
        if !passes.isMultiple(of: 2) { swap(&values, &other) }
    }

    /// Values within 2^32 of the least: their distances take half the memory, and one pass counts
    /// the digits of all places.
    private static func sortNarrow(
        _ values: UnsafeMutablePointer<Int64>, count: Int, least: Int64, width: Int
    ) {
        let widest = count >= wideFrom ? 11 : 8
        let digits = max((width + widest - 1) / widest, 1)
        let bits = (width + digits - 1) / digits
        let size = 1 << bits
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2 * count) { room in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: digits * size) { tables in
                guard let room = room.baseAddress, let tables = tables.baseAddress else { return }
                tables.update(repeating: 0, count: digits * size)
                var (from, to) = (room, room + count)
                let mask = UInt32(size - 1)
                for index in 0..<count {
                    var distance = UInt32(truncatingIfNeeded: values[index] &- least)
                    from[index] = distance
                    for digit in 0..<digits {
                        tables[digit &* size &+ Int(distance & mask)] &+= 1
                        distance = distance &>> UInt32(bits)
                    }
                }
                for digit in 0..<digits {
                    let places = tables + digit * size
                    let shift = UInt32(digit * bits)
                    if places[Int(from[0] &>> shift & mask)] == count { continue }
                    var place: UInt32 = 0
                    for value in 0..<size {
                        let more = places[value]
                        places[value] = place
                        place &+= more
                    }
                    for index in 0..<count {
                        let distance = from[index]
                        let value = Int(distance &>> shift & mask)
                        to[Int(places[value])] = distance
                        places[value] &+= 1
                    }
                    swap(&from, &to)
                }
                for index in 0..<count { values[index] = least &+ Int64(from[index]) }
            }
        }
    }

    /// Sorts by the upper halves of words alone; words with equal upper halves keep their order.
    package static func sortByUpperHalf(_ words: inout [UInt64]) {
        let count = words.count
        var other = [UInt64](unsafeUninitializedCapacity: count) { $1 = count }
        var passes = 0
        words.withUnsafeMutableBytes { words in
            other.withUnsafeMutableBytes { other in
                guard count > 1, let from = words.baseAddress, let to = other.baseAddress
                else { return }
                passes = sort(
                    from.assumingMemoryBound(to: Int64.self),
                    to.assumingMemoryBound(to: Int64.self), count: count, least: 0, width: 64,
                    skipping: 32)
            }
        }
        if !passes.isMultiple(of: 2) { swap(&words, &other) }
    }

    /// Sorts by bits `skipped..<width` of the distance from `least`, to and fro between the two;
    /// returns how often, so that an odd number says that the outcome is in the second.
    private static func sort(
        _ first: UnsafeMutablePointer<Int64>, _ second: UnsafeMutablePointer<Int64>, count: Int,
        least: Int64, width: Int, skipping skipped: Int
    ) -> Int {
        guard width > skipped else { return 0 }
        let widest = count >= wideFrom ? 11 : 8
        let digits = (width - skipped + widest - 1) / widest
        let bits = (width - skipped + digits - 1) / digits
        var (from, to) = (first, second)
        var passes = 0
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 1 << bits) { places in
            guard let places = places.baseAddress else { return }
            for digit in 0..<digits {
                let shift = UInt64(skipped + digit * bits)
                if pass(from, to, count, least, shift, bits, places) {
                    swap(&from, &to)
                    passes += 1
                }
            }
        }
        return passes
    }

    /// One digit; false if all values have the same, and nothing was moved.
    private static func pass(
        _ from: UnsafeMutablePointer<Int64>, _ to: UnsafeMutablePointer<Int64>, _ count: Int,
        _ least: Int64, _ shift: UInt64, _ bits: Int, _ places: UnsafeMutablePointer<Int>
    ) -> Bool {
        let mask = UInt64(1) << UInt64(bits) - 1
        places.update(repeating: 0, count: 1 << bits)
        for index in 0..<count {
            let distance = UInt64(bitPattern: from[index] &- least)
            places[Int(truncatingIfNeeded: distance &>> shift & mask)] &+= 1
        }
        let distance = UInt64(bitPattern: from[0] &- least)
        if places[Int(truncatingIfNeeded: distance &>> shift & mask)] == count { return false }
        var place = 0
        for digit in 0..<1 << bits {
            let more = places[digit]
            places[digit] = place
            place &+= more
        }
        for index in 0..<count {
            let value = from[index]
            let distance = UInt64(bitPattern: value &- least)
            let digit = Int(truncatingIfNeeded: distance &>> shift & mask)
            to[places[digit]] = value
            places[digit] &+= 1
        }
        return true
    }
}
