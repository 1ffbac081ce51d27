import Base
import Kernels
import Testing

/// Tables, piles and sets of texts hold what plain sets of byte arrays do: texts of every length,
/// that begin alike, that come again, that have one hash.
@Suite struct TextsTests {
    /// Texts as a dictionary has them.
    private struct Dictionary {
        var bytes: [UInt8] = []
        var offsets: [UInt32] = [0]

        init(_ texts: [[UInt8]]) {
            for text in texts {
                bytes += text
                offsets.append(UInt32(bytes.count))
            }
        }

        /// The address does not matter where there is no byte.
        func withBase(_ body: (UnsafeRawPointer) -> Void) {
            (bytes + [0]).withUnsafeBytes { $0.baseAddress.map(body) }
        }
    }

    private enum Shape: CaseIterable {
        case short, alike, long, empty, equalHashes
    }

    private static let arguments = Shape.allCases.flatMap { shape in
        [0, 1, 2, 40, 500].map { (shape, $0) }
    }

    private func texts(_ shape: Shape, _ count: Int, _ random: inout PRNG) -> [[UInt8]] {
        func bytes(_ sizes: ClosedRange<Int>, _ values: ClosedRange<UInt8> = 0...255) -> [UInt8] {
            (0..<Int.random(in: sizes, using: &random)).map { _ in
                UInt8.random(in: values, using: &random)
            }
        }
        return (0..<count).map { index in
            switch shape {
            case .short: bytes(0...3, 0x61...0x66)
            case .alike: Array("customer-000".utf8) + bytes(0...9, 0x30...0x33)
            case .long:
                // A few are as long as texts of events get.
                index % 200 == 7 ? bytes(65_530...65_536) : bytes(0...70)
            case .empty: []
            case .equalHashes:
                // A factor that is the key itself makes the product 0, whatever the other one is.
                bytes(8...8, 0x61...0x64) + Self.secondKey
            }
        }
    }

    private static let secondKey = withUnsafeBytes(
        of: UInt64(0x1319_8A2E_0370_7344).littleEndian
    ) { Array($0) }

    @Test func textsOfEqualHashesAreFound() {
        let hashes = ["abcdefgh", "ijklmnop"].map { text in
            (Array(text.utf8) + Self.secondKey).withUnsafeBytes { TextHash.fixed($0) }
        }
        #expect(hashes[0] == hashes[1])
    }

    @Test(arguments: arguments)
    private func tablesNumberTexts(shape: Shape, count: Int) {
        var random = PRNG(seed: UInt64(count) + 1)
        var table = BytesTable()
        var order: [[UInt8]: UInt32] = [:]
        for _ in 0..<3 {
            let some = texts(shape, count, &random)
            let dictionary = Dictionary(some)
            let codes = some.indices.map { UInt32($0) }.shuffled(using: &random)
            var numbers = codes
            dictionary.withBase {
                table.numbers(
                    of: codes, count: codes.count, in: $0, offsets: dictionary.offsets,
                    into: &numbers)
            }
            let wanted = codes.map { code in
                let number = order[some[Int(code)]] ?? UInt32(order.count)
                order[some[Int(code)]] = number
                return number
            }
            #expect(numbers == wanted)
        }
        #expect(table.count == order.count)
        #expect(table.byteCount == order.keys.reduce(0) { $0 + $1.count })
        #expect(order.keys.allSatisfy { $0.withUnsafeBytes { table.contains($0) } })
        #expect(
            order.allSatisfy { text, number in
                table.withText(Int(number)) { $0.elementsEqual(text) }
            })
        #expect(!Array("no such text".utf8).withUnsafeBytes { table.contains($0) })
    }

    @Test(arguments: arguments)
    private func pilesBecomeSets(shape: Shape, count: Int) {
        var random = PRNG(seed: UInt64(count) + 2)
        var pile = UnorderedTexts()
        var all: Set<[UInt8]> = []
        for round in 0..<3 {
            var some = texts(shape, count, &random)
            // The same once more, far away and near by.
            if round == 2 { some += all.shuffled(using: &random).prefix(count) }
            let dictionary = Dictionary(some)
            let codes = some.indices.filter { _ in Bool.random(using: &random) }.map { UInt32($0) }
            dictionary.withBase {
                pile.add(codes, count: codes.count, in: $0, offsets: dictionary.offsets)
                pile.add(
                    codes, count: min(codes.count, 5), in: $0, offsets: dictionary.offsets)
            }
            for code in codes { all.insert(some[Int(code)]) }
        }
        let set = pile.ordered
        #expect(set.count == all.count)
        #expect(Set(members(set)) == all)
        // Refuses what is not in order.
        #expect(TextSet(ordered: set.bytes, ends: set.ends) == set)
        #expect(self.set(all.shuffled(using: &random)) == set)
        #expect(pile.count >= all.count && pile.textByteCount >= set.bytes.count)
    }

    /// So many that they are sorted in parts.
    @Test func largePilesBecomeSets() {
        let some = (0..<5000).map { Array("user-\($0 % 4000)".utf8) }
        let dictionary = Dictionary(some)
        let codes = some.indices.map { UInt32($0) }
        var pile = UnorderedTexts()
        for _ in 0..<2 {
            dictionary.withBase {
                pile.add(codes, count: codes.count, in: $0, offsets: dictionary.offsets)
            }
        }
        #expect(pile.count > 4096)
        #expect(pile.ordered == set(Array(some[..<4000])))
    }

    /// What comes again and again is not piled up.
    @Test func fewTextsStayFew() {
        var random = PRNG(seed: 3)
        let some = Set(texts(.alike, 300, &random)).sorted { $0.count < $1.count }
        let dictionary = Dictionary(some)
        let codes = some.indices.map { UInt32($0) }
        var pile = UnorderedTexts()
        for _ in 0..<9 {
            dictionary.withBase {
                pile.add(codes, count: codes.count, in: $0, offsets: dictionary.offsets)
            }
        }
        // Two of them may share a place among the recent ones and push out each other.
        #expect(pile.count < 5 * some.count)
        #expect(Set(members(pile.ordered)) == Set(some))
    }

    @Test(arguments: arguments)
    private func setsJoin(shape: Shape, count: Int) {
        var random = PRNG(seed: UInt64(count) + 4)
        let (left, right) = (texts(shape, count, &random), texts(shape, count / 2, &random))
        let both = Set(left).intersection(right)
        for (a, b) in [(left, right), (right, left), (left, left), (left, [])] {
            let (first, second) = (set(a), set(b))
            #expect(first.union(second) == set(a + b))
            #expect(first.filter(isIn: true, second) == set(Array(Set(a).intersection(b))))
            #expect(first.filter(isIn: false, second) == set(Array(Set(a).subtracting(b))))
        }
        #expect(set(left).filter(isIn: true, set(right)).count == both.count)
    }

    /// Equal hashes of different texts are seen wherever they are, also next to ordinary ones.
    @Test func setsWithSomeEqualHashesJoin() {
        var random = PRNG(seed: 5)
        let same = Array(Set(texts(.equalHashes, 20, &random)))
        let other = texts(.alike, 50, &random)
        for split in 0...same.count {
            let (left, right) = (other + same[..<split], Array(same[(split / 2)...]))
            #expect(set(left).union(set(right)) == set(left + right))
            #expect(
                set(left).filter(isIn: false, set(right))
                    == set(Array(Set(left).subtracting(right))))
        }
    }

    private func set(_ texts: [[UInt8]]) -> TextSet {
        var table = BytesTable()
        for text in texts { text.withUnsafeBytes { _ = table.number(of: $0) } }
        return TextSet(table)
    }

    private func members(_ set: TextSet) -> [[UInt8]] {
        (0..<set.count).map { set.withText($0) { Array($0) } }
    }
}
