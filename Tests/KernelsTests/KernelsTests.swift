import Base
import Kernels
import Testing

/// Every loop does what its plainest form does, at every length around its unrolling.
@Suite struct KernelsTests {
    static let lengths = [0, 1, 7, 8, 9, 31, 32, 33, 255, 1023, 1024, 1025, 8161, 65_536]

    private func ints(_ count: Int, _ range: ClosedRange<Int64>, seed: UInt64 = 1) -> [Int64] {
        var random = PRNG(seed: seed &+ UInt64(count))
        return (0..<count).map { _ in Int64.random(in: range, using: &random) }
    }

    private func codes(_ count: Int, below limit: UInt32, seed: UInt64 = 2) -> [UInt32] {
        ints(count, 0...Int64(limit - 1), seed: seed).map { UInt32($0) }
    }

    private func doubles(_ count: Int) -> [Double] {
        ints(count, -999...999).map { Double($0) / 8 }
    }

    // MARK: Masks

    @Test(arguments: lengths) func masksOfNumbers(count: Int) {
        let values = ints(count + 3, -5...5)
        let fractions = values.map { Double($0) / 2 }
        var mask = [UInt8](repeating: 0, count: count)
        MaskLoops.addWithin(values, first: 3, count: count, low: -2, high: 1, to: &mask)
        #expect(mask == values[3...].map { (-2...1).contains($0) ? 1 : 0 })
        MaskLoops.addAmong(values, first: 3, count: count, members: [-4, 3, 5], to: &mask)
        #expect(
            mask == values[3...].map { (-2...1).contains($0) || [-4, 3, 5].contains($0) ? 1 : 0 })
        mask = [UInt8](repeating: 0, count: count)
        MaskLoops.addWithin(fractions, first: 3, count: count, low: -1, high: 0.5, to: &mask)
        #expect(mask == values[3...].map { (-2...1).contains($0) ? 1 : 0 })
        MaskLoops.addAmong(fractions, first: 3, count: count, members: [2.5], to: &mask)
        #expect(mask == values[3...].map { (-2...1).contains($0) || $0 == 5 ? 1 : 0 })
    }

    /// The single comparison wraps as it should at the ends of the type.
    @Test func rangesAtTheEndsOfTheType() {
        let values: [Int64] = [.min, -1, 0, .max]
        for (low, high) in [(Int64.min, Int64.max), (.min, .min), (.max, .max), (-1, .max)] {
            var mask = [UInt8](repeating: 0, count: 4)
            MaskLoops.addWithin(values, first: 0, count: 4, low: low, high: high, to: &mask)
            #expect(mask == values.map { (low...high).contains($0) ? 1 : 0 })
        }
    }

    @Test(arguments: lengths) func masksOfCodesAndTags(count: Int) {
        let codes = codes(count + 1, below: 8)
        let tags = codes.map { UInt8($0) }
        let table: [UInt8] = [0, 1, 1, 0, 0, 1, 0, 0]
        var mask = [UInt8](repeating: 0, count: count)
        MaskLoops.addEqual(codes, first: 1, count: count, code: 3, to: &mask)
        MaskLoops.addLookedUp(codes, first: 1, count: count, table: table, to: &mask)
        #expect(mask == codes[1...].map { [1, 2, 3, 5].contains($0) ? 1 : 0 })
        var other = [UInt8](repeating: 0, count: count)
        MaskLoops.addTagged(tags, first: 1, count: count, tagBits: 0b1001_0000, to: &other)
        #expect(other == tags[1...].map { $0 == 4 || $0 == 7 ? 1 : 0 })
        MaskLoops.add(mask, whereTag: 5, in: tags, first: 1, count: count, to: &other)
        #expect(other == tags[1...].map { [4, 5, 7].contains($0) ? 1 : 0 })
        MaskLoops.intersect(other, count: count, into: &mask)
        #expect(mask == tags[1...].map { $0 == 5 ? 1 : 0 })
        MaskLoops.unite(other, count: count, into: &mask)
        MaskLoops.invert(&mask, count: count)
        #expect(mask == tags[1...].map { [4, 5, 7].contains($0) ? 0 : 1 })
    }

    @Test(arguments: lengths, [1, 2, 40]) func selection(count: Int, rarity: Int64) {
        let mask = ints(count, 0...rarity).map { UInt8($0 == 0 ? 1 : 0) }
        let wanted = mask.indices.filter { mask[$0] == 1 }.map { UInt32($0 + 5) }
        #expect(MaskLoops.population(mask, count: count) == wanted.count)
        var rows = [UInt32](repeating: 0, count: wanted.count + 8)
        let found = MaskLoops.select(mask, first: 5, count: count, into: &rows)
        #expect(Array(rows[..<found]) == wanted)
        rows = [UInt32](repeating: 0, count: count + 1)
        let places = MaskLoops.positions(ofTag: 1, in: mask, count: count, into: &rows)
        #expect(rows[..<places].map { $0 + 5 } == wanted)
    }

    // MARK: Sums and extremes

    @Test(arguments: lengths, [1, 60, 3000] as [UInt32]) func sumsByCell(count: Int, limit: UInt32)
    {
        let cells = codes(count, below: limit)
        let values = ints(count, -1000...1000)
        let fractions = doubles(count)
        let cellCount = Int(limit)
        var counts = [Int64](repeating: 0, count: cellCount)
        var sums = counts
        var (high, low, least, greatest) = (counts, counts, counts, counts)
        var totals = [CompensatedSum](repeating: CompensatedSum(), count: cellCount)
        SumLoops.count(cells, count: count, into: &counts, cellCount: cellCount)
        SumLoops.sum(values, cells: cells, count: count, into: &sums, cellCount: cellCount)
        SumLoops.wideSum(values, cells: cells, count: count, high: &high, low: &low)
        SumLoops.sum(fractions, cells: cells, count: count, into: &totals, cellCount: cellCount)
        ExtremeLoops.minimum(values, cells: cells, count: count, into: &least)
        ExtremeLoops.maximum(values, cells: cells, count: count, into: &greatest)
        var wanted = [[Int64]](repeating: [], count: cellCount)
        for (row, cell) in cells.enumerated() { wanted[Int(cell)].append(values[row]) }
        #expect(counts == wanted.map { Int64($0.count) })
        #expect(sums == wanted.map { $0.reduce(0, +) })
        #expect(zip(high, low).map { $0 << 32 + $1 } == sums)
        #expect(least == wanted.map { min(0, $0.min() ?? 0) })
        #expect(greatest == wanted.map { max(0, $0.max() ?? 0) })
        // Eighths add without rounding.
        let exact = fractions.indices.reduce(into: [Double](repeating: 0, count: cellCount)) {
            $0[Int(cells[$1])] += fractions[$1]
        }
        #expect(totals.map { $0.sum + $0.correction } == exact)
    }

    @Test(arguments: lengths) func sumsOfAll(count: Int) {
        let values = ints(count, -1_000_000...1_000_000)
        let fractions = doubles(count)
        #expect(SumLoops.sum(values, count: count) == values.reduce(0, +))
        let wide = SumLoops.wideSum(values, count: count)
        #expect(wide.high << 32 + wide.low == values.reduce(0, +))
        let total = SumLoops.sum(fractions, count: count)
        #expect(total.sum + total.correction == fractions.reduce(0, +))
        let extremes = ExtremeLoops.extremes(values, count: count)
        #expect(extremes.least == values.min() ?? .max)
        #expect(extremes.greatest == values.max() ?? .min)
        let bounds = ExtremeLoops.extremes(fractions, count: count)
        #expect(bounds.least == fractions.min() ?? .infinity)
        #expect(bounds.greatest == fractions.max() ?? -.infinity)
    }

    /// What a plain sum would lose, the correction keeps.
    @Test func correctionKeepsWhatRoundingTakes() {
        let values = [Double](repeating: 1, count: 1000) + [1e16, -1e16] + [0.5]
        let total = SumLoops.sum(values, count: values.count)
        #expect(total.sum + total.correction == 1000.5)
    }

    // MARK: Codes

    @Test(arguments: lengths) func codesOfRows(count: Int) {
        let values = ints(count, 100...160)
        var codes = [UInt32](repeating: 0, count: count)
        CodeLoops.subtract(100, from: values, count: count, into: &codes)
        #expect(codes == values.map { UInt32($0 - 100) })
        var cells = self.codes(count, below: 9)
        let before = cells
        var words = [UInt64](repeating: 0, count: count)
        CodeLoops.pair(before, with: codes, count: count, into: &words)
        #expect(words == zip(before, codes).map { UInt64($0) << 32 + UInt64($1) })
        CodeLoops.combine(&cells, with: codes, cardinality: 61, count: count)
        #expect(cells == zip(before, codes).map { $0 * 61 + $1 })
        var marks = [UInt8](repeating: 0, count: 9 * 61)
        CodeLoops.mark(codes, cells: before, cardinality: 61, count: count, in: &marks)
        #expect(Set(marks.indices.filter { marks[$0] == 1 }) == Set(cells.map { Int($0) }))
        var single = [UInt8](repeating: 0, count: 61)
        CodeLoops.mark(codes, count: count, in: &single)
        #expect(Set(single.indices.filter { single[$0] == 1 }) == Set(codes.map { Int($0) }))
        var rows = [UInt32](repeating: .max, count: 61)
        CodeLoops.representatives(codes, count: count, into: &rows)
        for code in 0..<61 where rows[code] != .max { #expect(codes[Int(rows[code])] == code) }
    }

    @Test func offsetsAndScatter() {
        var codes: [UInt32] = [0, 5, 0, 0, 2]
        let offsets: [UInt32] = [10, 11, 12, 13, 0, 0, 0, 0]
        CodeLoops.addOffsets(offsets, ofTags: [0, 6, 3, 4, 7], count: 5, to: &codes)
        #expect(codes == [10, 5, 13, 0, 2])
        CodeLoops.scatter([7, 9], base: 100, positions: [3, 0], count: 2, into: &codes)
        #expect(codes == [109, 5, 13, 107, 2])
    }

    @Test func integralDoublesAreSplitOff() {
        var values = [1, 0.5, -0.0, 0x1p63, -0x1p63, 1e300]
        var positions: [UInt32] = [2, 3, 5, 7, 8, 9]
        var ints: [Int64] = [42]
        var intPositions: [UInt32] = [0]
        let rest = CodeLoops.splitIntegral(
            &values, positions: &positions, integers: &ints, integerPositions: &intPositions)
        #expect(Array(values[..<rest]) == [0.5, 0x1p63, 1e300])
        #expect(Array(positions[..<rest]) == [3, 7, 9])
        #expect(ints == [42, 1, 0, .min])
        #expect(intPositions == [0, 2, 5, 8])
    }

    @Test(arguments: lengths) func bucketsOfInstants(count: Int) {
        let boundaries: [Int64] = [0, 10, 11, 50, 100]
        let times = ints(count, 10...99)
        var codes = [UInt32](repeating: 0, count: count)
        CodeLoops.buckets(
            of: times, count: count, boundaries: boundaries, buckets: 1...3, into: &codes)
        #expect(codes == times.map { $0 < 11 ? 0 : $0 < 50 ? 1 : 2 })
        let sorted = times.sorted()
        #expect(
            CodeLoops.lowerBound(sorted, from: 0, to: count, of: 50)
                == sorted.firstIndex { $0 >= 50 } ?? count)
    }

    /// Instants outside, as a damaged block could have, stay inside the buckets' codes.
    @Test func instantsOutsideGoToTheNearestBucket() {
        var codes: [UInt32] = [9, 9, 9]
        CodeLoops.buckets(
            of: [.min, .max, 200], count: 3, boundaries: [0, 10, 20, 30], buckets: 0...1,
            into: &codes)
        #expect(codes == [0, 1, 1])
    }

    @Test(arguments: lengths) func gathering(count: Int) {
        let values = ints(1000, -9...9)
        let rows = codes(count, below: 1000)
        var picked = [Int64](repeating: 0, count: count)
        GatherLoops.gather(values, rows: rows, count: count, into: &picked)
        #expect(picked == rows.map { values[Int($0)] })
    }

    // MARK: Tables

    @Test(arguments: lengths) func wordsAreNumberedByFirstAppearance(count: Int) {
        let words = ints(count, -300...300)
        var table = WordTable(seed: 12)
        var numbers = [UInt32](repeating: 0, count: count)
        table.numbers(of: words, count: count, into: &numbers)
        var order: [Int64: UInt32] = [:]
        for word in words where order[word] == nil { order[word] = UInt32(order.count) }
        #expect(numbers == words.compactMap { order[$0] })
        #expect(table.count == order.count)
        for word in order { #expect(table.number(of: UInt64(bitPattern: word.key)) == word.value) }
    }

    @Test func byteStringsAreNumberedByFirstAppearance() {
        var random = PRNG(seed: 9)
        var table = BytesTable()
        var order: [[UInt8]: UInt32] = [:]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                UInt8.random(in: 0..<9, using: &random)
            }
            let wanted = order[text] ?? UInt32(order.count)
            #expect(text.withUnsafeBytes { table.contains($0) } == (order[text] != nil))
            #expect(text.withUnsafeBytes { table.number(of: $0) } == wanted)
            order[text] = wanted
        }
        #expect(table.count == order.count)
        for (text, number) in order {
            #expect(table.string(Int(number)) == String(decoding: text, as: UTF8.self))
        }
    }
}
