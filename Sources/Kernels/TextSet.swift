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
        table.withTexts { texts, offsets in fill(texts, offsets) }
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
                    guard hashes[index - 1] == hashes[index], Self.precedes(last, text)
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

    private mutating func fill(_ texts: UnsafeRawBufferPointer, _ offsets: [Int]) {
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
                        ? unordered[$0] < unordered[$1] : Self.precedes(text($0), text($1))
                }
            }
            start = index
        }
        reserve(count, texts.count)
        for index in order { append(text(index), hash: unordered[index]) }
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

    /// Byte by byte; a prefix comes first.
    private static func precedes(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
    ) -> Bool {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return left[index] < right[index]
        }
        return left.count < right.count
    }

    // MARK: Two sets

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
        if precedes(left, right) { return -1 }
        return precedes(right, left) ? 1 : 0
    }
}
