// Distinct texts in an order of their own: by a hash that never changes, texts of equal hashes by
// their bytes. Sets in one order merge in one pass that hardly ever looks at a text. Whoever knows
// the hash can make texts that share one; they are then told apart by their bytes, like any texts
// that are sorted.

/// Distinct byte strings, ordered.
package struct TextSet: Sendable, Equatable {
    /// All texts, one after the other.
    package private(set) var bytes: [UInt8] = []
    /// Where each text ends.
    package private(set) var ends: [Int] = []
    private var hashes: [UInt64] = []

    package init() {}

    /// The texts of a table.
    package init(_ table: BytesTable) {
        guard table.count > 0 else { return }
        table.withTexts { texts, offsets in _ = fill(texts, offsets) }
    }

    /// The texts of a table, and for each place the number that the text there has in the table.
    package static func ordered(_ table: BytesTable) -> (texts: TextSet, numbers: [Int]) {
        var texts = TextSet()
        guard table.count > 0 else { return (texts, []) }
        let numbers = table.withTexts { bytes, offsets in texts.fill(bytes, offsets) }
        return (texts, numbers)
    }

    /// Texts that are in order already; nil if they are not.
    package init?(ordered bytes: [UInt8], ends: [Int]) {
        self.bytes = bytes
        self.ends = ends
        hashes.reserveCapacity(ends.count)
        let isOrdered = bytes.withUnsafeBytes { bytes in
            var start = 0
            for (index, end) in ends.enumerated() {
                let text = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                hashes.append(TextHash.fixed(text))
                if index > 0, hashes[index - 1] >= hashes[index] {
                    let before = index > 1 ? ends[index - 2] : 0
                    let last = UnsafeRawBufferPointer(rebasing: bytes[before..<start])
                    guard hashes[index - 1] == hashes[index], TextOrder.precedes(last, text)
                    else { return false }
                }
                start = end
            }
            return true
        }
        guard isOrdered else { return nil }
    }

    package var count: Int { ends.count }
    package var isEmpty: Bool { ends.isEmpty }

    /// A text's bytes, valid during the call.
    package func withText<Result>(
        _ index: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range(index)])) }
    }

    package func string(_ index: Int) -> String {
        String(decoding: bytes[range(index)], as: UTF8.self)
    }

    private func range(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : ends[index - 1])..<ends[index]
    }

    /// Gives the place in `offsets` of each text.
    private mutating func fill(
        _ texts: UnsafeRawBufferPointer, _ offsets: [Int]
    ) -> [Int] {
        let count = offsets.count - 1
        func text(_ index: Int) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: texts[offsets[index]..<offsets[index + 1]])
        }
        let unordered = (0..<count).map { TextHash.fixed(text($0)) }
        // Half of the hash orders nearly all of them, and leaves room for where each one is.
        var words = unordered.enumerated().map { $1 & ~0xFFFF_FFFF | UInt64($0) }
        RadixSort.sortByUpperHalf(&words)
        var order = words.map { Int(truncatingIfNeeded: $0 & 0xFFFF_FFFF) }
        var start = 0
        for index in 1...count where index == count || words[index] >> 32 != words[start] >> 32 {
            if index - start > 1 {
                order[start..<index].sort {
                    unordered[$0] != unordered[$1]
                        ? unordered[$0] < unordered[$1] : TextOrder.precedes(text($0), text($1))
                }
            }
            start = index
        }
        reserve(count, texts.count)
        for index in order { append(text(index), hash: unordered[index]) }
        return order
    }

    private mutating func reserve(_ count: Int, _ byteCount: Int) {
        bytes.reserveCapacity(byteCount)
        ends.reserveCapacity(count)
        hashes.reserveCapacity(count)
    }

    @inline(__always)
    private mutating func append(_ text: UnsafeRawBufferPointer, hash: UInt64) {
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        hashes.append(hash)
    }

    // MARK: Two sets

    /// Where each text of either set is in the union of both.
    package func places(with other: TextSet) -> MergedPlaces {
        var places = MergedPlaces(left: [], right: [], count: 0)
        places.left.reserveCapacity(count)
        places.right.reserveCapacity(other.count)
        bytes.withUnsafeBytes { left in
            other.bytes.withUnsafeBytes { right in
                while places.left.count < count || places.right.count < other.count {
                    let (i, j) = (places.left.count, places.right.count)
                    let a = i < count ? UnsafeRawBufferPointer(rebasing: left[range(i)]) : nil
                    let b =
                        j < other.count
                        ? UnsafeRawBufferPointer(rebasing: right[other.range(j)]) : nil
                    let order = Self.order(
                        a, i < count ? hashes[i] : 0, b, j < other.count ? other.hashes[j] : 0)
                    if order <= 0 { places.left.append(UInt32(truncatingIfNeeded: places.count)) }
                    if order >= 0 { places.right.append(UInt32(truncatingIfNeeded: places.count)) }
                    places.count += 1
                }
            }
        }
        return places
    }

    /// The places of the texts in the order of their bytes.
    package var ascendingPlaces: [UInt32] {
        bytes.withUnsafeBytes { TextOrder.ascending($0, [0] + ends) }
    }

    /// Whether the text at one place comes before that at another, by their bytes.
    package func precedes(_ left: Int, _ right: Int) -> Bool {
        bytes.withUnsafeBytes {
            TextOrder.precedes(
                UnsafeRawBufferPointer(rebasing: $0[range(left)]),
                UnsafeRawBufferPointer(rebasing: $0[range(right)]))
        }
    }

    /// What is in either set.
    package func union(_ other: TextSet) -> TextSet {
        if isEmpty { return other }
        if other.isEmpty { return self }
        return joined(other, leftOnly: true, both: true, rightOnly: true)
    }

    /// The texts that `other` has too (`isIn`), or has not.
    package func filter(isIn: Bool, _ other: TextSet) -> TextSet {
        if isEmpty || other.isEmpty { return isIn ? TextSet() : self }
        return joined(other, leftOnly: !isIn, both: isIn, rightOnly: false)
    }

    private func joined(
        _ other: TextSet, leftOnly: Bool, both: Bool, rightOnly: Bool
    ) -> TextSet {
        var result = TextSet()
        result.reserve(
            rightOnly ? count + other.count : count,
            rightOnly ? bytes.count + other.bytes.count : bytes.count)
        bytes.withUnsafeBytes { left in
            other.bytes.withUnsafeBytes { right in
                var (i, j) = (0, 0)
                while i < count || j < other.count {
                    let a = i < count ? UnsafeRawBufferPointer(rebasing: left[range(i)]) : nil
                    let b =
                        j < other.count
                        ? UnsafeRawBufferPointer(rebasing: right[other.range(j)]) : nil
                    let order = Self.order(
                        a, i < count ? hashes[i] : 0, b, j < other.count ? other.hashes[j] : 0)
                    if order <= 0, let a {
                        if order == 0 ? both : leftOnly { result.append(a, hash: hashes[i]) }
                    } else if let b, rightOnly {
                        result.append(b, hash: other.hashes[j])
                    }
                    i += order <= 0 ? 1 : 0
                    j += order >= 0 ? 1 : 0
                }
            }
        }
        return result
    }

    /// Negative, zero or positive; what is not there comes last.
    @inline(__always)
    private static func order(
        _ left: UnsafeRawBufferPointer?, _ leftHash: UInt64, _ right: UnsafeRawBufferPointer?,
        _ rightHash: UInt64
    ) -> Int {
        guard let left else { return 1 }
        guard let right else { return -1 }
        if leftHash != rightHash { return leftHash < rightHash ? -1 : 1 }
        if TextOrder.precedes(left, right) { return -1 }
        return TextOrder.precedes(right, left) ? 1 : 0
    }
}
