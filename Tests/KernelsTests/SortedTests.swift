import Base
import Kernels
import Testing

/// Sorting, sets of integers and of texts, and the code of ascending integers do what their
/// plainest forms do, dense and sparse, up to the ends of 64 bits.
@Suite struct SortedTests {
    static let lengths = [0, 1, 2, 7, 33, 192, 193, 1000, 16_390]
    static let ranges: [ClosedRange<Int64>] = [
        5...5, -3...9, 0...70_000, -4_000_000...3_600_000, .min ... .max, (.max - 500) ... .max,
    ]

    private func ints(_ count: Int, _ range: ClosedRange<Int64>, seed: UInt64 = 1) -> [Int64] {
        var random = PRNG(seed: seed &+ UInt64(count))
        return (0..<count).map { _ in Int64.random(in: range, using: &random) }
    }

    // MARK: Sorting

    @Test(arguments: lengths, ranges) func sorting(count: Int, range: ClosedRange<Int64>) {
        let values = ints(count, range)
        var sorted = values
        RadixSort.sort(&sorted)
        #expect(sorted == values.sorted())
        var distinct = sorted
        SortedLoops.removeRepeats(&distinct)
        #expect(distinct == Set(values).sorted())
        let (run, counts) = SortedLoops.runs(sorted)
        #expect(run == distinct)
        let expected = Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(zip(run, counts).allSatisfy { expected[$0] == Int($1) })
    }

    /// Words of one upper half keep their order.
    @Test(arguments: lengths) func sortingByUpperHalves(count: Int) {
        let upper = ints(count, 0...Int64(count / 2))
        var words = upper.enumerated().map { UInt64($1) << 32 | UInt64(UInt32.max) - UInt64($0) }
        let expected = words.enumerated().sorted {
            ($0.element >> 32, $0.offset) < ($1.element >> 32, $1.offset)
        }
        RadixSort.sortByUpperHalf(&words)
        #expect(words == expected.map(\.element))
    }

    /// Words whose lowest bits are their place ascend by the others.
    @Test(arguments: lengths) func sortingByUpperBits(count: Int) {
        for range in [-9...9, 0...0, -3_000_000...2_000_000_000] as [ClosedRange<Int64>] {
            let words = ints(count, range).enumerated().map { $1 << 20 | Int64($0) }
            var sorted = words
            RadixSort.sort(&sorted, ascendingBits: 20)
            #expect(sorted == words.sorted())
        }
    }

    /// Repeats on either side share a place.
    @Test(arguments: lengths, ranges) func placesInTheUnion(count: Int, range: ClosedRange<Int64>) {
        for otherCount in [0, 1, count / 2, count] {
            let left = ints(count, range).sorted()
            let right = ints(otherCount, range, seed: 77).sorted()
            let found = SortedLoops.places(left, right)
            let all = Set(left + right).sorted()
            #expect(found.count == all.count)
            #expect(found.left.map { all[Int($0)] } == left)
            #expect(found.right.map { all[Int($0)] } == right)
        }
    }

    @Test(arguments: [0, 1, 2, 300]) func placesOfTextsInTheUnion(count: Int) {
        func set(_ texts: [[UInt8]]) -> TextSet {
            var table = BytesTable()
            for text in texts { text.withUnsafeBytes { _ = table.number(of: $0) } }
            return TextSet(table)
        }
        let left = set(texts(count, seed: 5))
        let right = set(Array(texts(count, seed: 5).prefix(count / 3)) + texts(40, seed: 6))
        let union = left.union(right)
        let found = left.places(with: right)
        #expect(found.count == union.count)
        #expect(
            (0..<left.count).allSatisfy { left.string($0) == union.string(Int(found.left[$0])) })
        #expect(
            (0..<right.count).allSatisfy { right.string($0) == union.string(Int(found.right[$0])) })
    }

    @Test func doublesAsIntegersKeepTheirOrder() {
        let doubles = [
            -Double.infinity, -1e300, -2.5, -0.1, 0, .leastNonzeroMagnitude, 0.1, 3, 1e19,
            .infinity,
        ]
        let keys = doubles.map { OrderedDouble.key($0) }
        #expect(keys == keys.sorted() && Set(keys).count == keys.count)
        #expect(keys.map { OrderedDouble.value($0) } == doubles)
        var (integers, fractions) = (
            [Int64](repeating: 0, count: 11), [Int64](repeating: 0, count: 11)
        )
        let found = SortLoops.split(
            keys, count: keys.count, integers: &integers, fractions: &fractions)
        #expect(integers[..<found.integers] == [0, 3])
        #expect(
            fractions[..<found.fractions].map { OrderedDouble.value($0) }
                == doubles.filter { Int64(exactly: $0) == nil })
    }

    @Test(arguments: lengths) func scatteringByCell(count: Int) {
        let values = ints(count, -9...9)
        let cells = ints(count, 0...4, seed: 7).map { UInt32($0) }
        var places: [Int] = []
        var place = 0
        for cell in 0..<5 {
            places.append(place)
            place += cells.count { $0 == UInt32(cell) }
        }
        var target = [Int64](repeating: 0, count: count)
        SortLoops.scatter(values, cells: cells, count: count, places: &places, into: &target)
        let expected = (0..<5 as Range<UInt32>).flatMap { cell in
            zip(values, cells).filter { $1 == cell }.map(\.0)
        }
        #expect(target == expected)
    }

    // MARK: Two sides

    @Test(arguments: lengths, ranges) func setsOfTwo(count: Int, range: ClosedRange<Int64>) {
        let (left, right) = (Set(ints(count, range)), Set(ints(count / 3, range, seed: 5)))
        let (first, second) = (left.sorted(), right.sorted())
        #expect(SortedLoops.union(first, second) == left.union(right).sorted())
        #expect(
            SortedLoops.filter(first, isIn: true, second) == left.intersection(right).sorted())
        #expect(SortedLoops.filter(first, isIn: false, second) == left.subtracting(right).sorted())
        #expect(SortedLoops.ascends(first))
        guard let last = first.last else { return }
        #expect(!SortedLoops.ascends(first + [last]))
    }

    @Test(arguments: lengths) func countsOfTwo(count: Int) throws {
        var (left, right) = (ints(count, 0...900), ints(count / 2, 500...2000, seed: 5))
        let expected = (left + right).sorted()
        RadixSort.sort(&left)
        RadixSort.sort(&right)
        let (first, second) = (SortedLoops.runs(left), SortedLoops.runs(right))
        let found = try #require(
            SortedLoops.merge(first.values, first.counts, second.values, second.counts))
        let wanted = SortedLoops.runs(expected)
        #expect(found.values == wanted.values && found.counts == wanted.counts)
        #expect(SortedLoops.merge([1], [.max], [1], [1]) == nil)
    }

    // MARK: Coding

    @Test(arguments: lengths.dropFirst(), ranges)
    func ascendingIntegersComeBack(count: Int, range: ClosedRange<Int64>) throws {
        let values = Set(ints(count, range)).sorted()
        let (first, last) = (try #require(values.first), try #require(values.last))
        let span = UInt64(bitPattern: last &- first)
        let bytes = MonotoneCoding.encode(values)
        #expect(bytes.count == MonotoneCoding.byteCount(count: values.count, span: span))
        func decode(_ bytes: [UInt8]) -> [Int64]? {
            MonotoneCoding.decode(bytes[...], count: values.count, first: first, span: span)
        }
        #expect(decode(bytes) == values)
        #expect(decode(bytes.dropLast()) == nil)
        var random = PRNG(seed: 3)
        for _ in 0..<5 {
            var damaged = bytes
            damaged[Int.random(in: bytes.indices, using: &random)] ^=
                1 << UInt8.random(in: 0..<8, using: &random)
            guard let found = decode(damaged) else { continue }
            #expect(found != values && SortedLoops.ascends(found) && found.count == values.count)
        }
    }

    /// Two bits and a half each where every other integer is there, few more than their own where
    /// they are far apart.
    @Test func theCodeIsSmall() {
        let dense = stride(from: Int64(0), to: 20_000, by: 2).map { $0 }
        #expect(MonotoneCoding.encode(dense).count <= 10_000 * 3 / 8 + 1)
        let sparse = (0..<1000).map { Int64($0) << 40 }
        #expect(MonotoneCoding.encode(sparse).count <= 1000 * 42 / 8 + 1)
    }

    // MARK: Sets

    /// Close together, far apart, and first the one, then the other.
    @Test(arguments: lengths, ranges) func setOfIntegers(count: Int, range: ClosedRange<Int64>) {
        let parts = [
            ints(count, range), ints(count / 2, -50...50, seed: 4), [0, .min, .max, 0],
            ints(count, range, seed: 9),
        ]
        var set = IntegerSet(seed: 77)
        var expected: Set<Int64> = []
        for part in parts {
            set.insert(part, count: part.count)
            expected.formUnion(part)
            #expect(set.count == expected.count)
            #expect(set.sorted == expected.sorted())
        }
    }

    /// Many far apart: the table grows.
    @Test func largeSetOfIntegers() {
        var set = IntegerSet(seed: 78)
        var expected: Set<Int64> = []
        for seed in 0..<4 as Range<UInt64> {
            let part = ints(50_000, 0...(1 << 40), seed: seed)
            set.insert(part, count: part.count)
            expected.formUnion(part)
        }
        #expect(set.count == expected.count && set.sorted == expected.sorted())
    }

    private func texts(_ count: Int, seed: UInt64) -> [[UInt8]] {
        var random = PRNG(seed: seed)
        return (0..<count).map { _ in
            (0..<Int.random(in: 0..<40, using: &random) / 2).map { _ in
                UInt8.random(in: 0x61..<0x64, using: &random)
            }
        }
    }

    private func set(_ texts: [[UInt8]]) -> TextSet {
        var table = BytesTable()
        for text in texts { text.withUnsafeBytes { _ = table.number(of: $0) } }
        return TextSet(table)
    }

    private func members(_ set: TextSet) -> Set<[UInt8]> {
        Set((0..<set.count).map { set.withText($0) { Array($0) } })
    }

    @Test(arguments: [0, 1, 2, 50, 3000]) func setsOfTexts(count: Int) {
        let (left, right) = (texts(count, seed: 1), texts(count / 2, seed: 2))
        let (first, second) = (set(left), set(right))
        #expect(members(first) == Set(left) && first.count == Set(left).count)
        #expect(first.union(second) == set(left + right))
        #expect(members(first.filter(isIn: true, second)) == Set(left).intersection(right))
        #expect(members(first.filter(isIn: false, second)) == Set(left).subtracting(right))
        #expect(first == set(left.reversed()))
        #expect(TextSet(ordered: first.bytes, ends: first.ends) == first)
        guard count > 2 else { return }
        let doubled = first.bytes + first.bytes
        #expect(
            TextSet(ordered: doubled, ends: first.ends + first.ends.map { $0 + first.bytes.count })
                == nil)
    }

    @Test func textsInTheOrderOfTheirBytes() {
        for prefix in ["", "/page/", "a prefix of more than sixteen bytes "] {
            let all = Set(texts(2000, seed: 3).map { Array(prefix.utf8) + $0 })
            var table = BytesTable()
            for text in all { text.withUnsafeBytes { _ = table.number(of: $0) } }
            let (set, numbers) = TextSet.ordered(table)
            #expect(set == TextSet(table))
            let found = set.ascendingPlaces.map { place in
                set.withText(Int(place)) { Array($0) }
            }
            #expect(found == all.sorted { $0.lexicographicallyPrecedes($1) })
            #expect(
                numbers.indices.allSatisfy { place in
                    set.withText(place) { Array($0) }
                        == table.withText(Int(numbers[place])) { Array($0) }
                })
        }
    }

    /// Part of the format of states, and the same wherever the bytes lie.
    @Test func hashesOfTexts() {
        let text = Array("The quick brown fox jumps over the lazy dog".utf8)
        for count in 0...text.count {
            let hash = Array(text[..<count]).withUnsafeBytes { TextHash.fixed($0) }
            let moved = ([0] + text[..<count]).withUnsafeBytes {
                TextHash.fixed(UnsafeRawBufferPointer(rebasing: $0[1...]))
            }
            #expect(hash == moved)
        }
        let hashes = (0...text.count).map { count in
            Array(text[..<count]).withUnsafeBytes { TextHash.fixed($0) }
        }
        #expect(Set(hashes).count == text.count + 1)
        #expect(
            [0, 1, 9, 43].map { hashes[$0] } == [
                0x7855_3318_0201_EEF1, 0x57FD_824C_6125_9339, 0x809A_416D_AB35_2A2F,
                0x3786_95D5_7E7A_F7D0,
            ])
    }

    @Test(arguments: [0, 1, 7, 33, 1025]) func loopsOverCodes(count: Int) {
        let codes = ints(count, 0...Int64(UInt32.max)).map { UInt32($0) }
        #expect(ColumnLoops.greatest(codes, count: count) == codes.max() ?? 0)
        #expect(CodeLoops.ascends(Set(codes).sorted(), count: Set(codes).count))
        #expect(CodeLoops.ascends(codes, count: count) == (codes == Set(codes).sorted()))
        let tags = ints(count, 0...7, seed: 6).map { UInt8($0) }
        var replaced = codes
        CodeLoops.replaceCodes(
            withoutTags: (6, 7), in: tags, count: count, by: 9, in: &replaced)
        #expect(replaced == zip(codes, tags).map { $1 >= 6 ? $0 : 9 })
    }
}
