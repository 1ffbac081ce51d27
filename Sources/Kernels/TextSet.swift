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

    init(bytes: [UInt8], ends: [Int], hashes: [UInt64]) {
        self.bytes = bytes
        self.ends = ends
        self.hashes = hashes
    }

    /// The texts of a table.
    package init(_ table: BytesTable) {
        guard table.count > 0 else { return }
        self = Self.ordered(table).texts
    }

    /// The texts of a table, and for each place the number that the text there has in the table.
    package static func ordered(_ table: BytesTable) -> (texts: TextSet, numbers: [UInt32]) {
        guard table.count > 0 else { return (TextSet(), []) }
        return table.withTexts { texts, offsets in ordered(texts, offsets) }
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

    /// The texts at some offsets, and for each place the number that the text there has in them.
    private static func ordered(
        _ texts: UnsafeRawBufferPointer, _ offsets: UnsafeBufferPointer<Int>
    ) -> (texts: TextSet, numbers: [UInt32]) {
        let count = offsets.count - 1
        func text(_ index: UInt32) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: texts[offsets[Int(index)]..<offsets[Int(index) + 1]])
        }
        var unordered = [UInt64](repeating: 0, count: count)
        // Half of the hash orders nearly all of them, and leaves room for where each one is.
        var words = unordered
        for index in 0..<count {
            unordered[index] = TextHash.fixed(text(UInt32(truncatingIfNeeded: index)))
            words[index] = unordered[index] & ~0xFFFF_FFFF | UInt64(index)
        }
        RadixSort.sortByUpperHalf(&words)
        var order = words.map { UInt32(truncatingIfNeeded: $0) }
        var start = 0
        for index in 1...count where index == count || words[index] >> 32 != words[start] >> 32 {
            if index - start > 1 {
                order[start..<index].sort {
                    let (left, right) = (unordered[Int($0)], unordered[Int($1)])
                    return left != right ? left < right : TextOrder.precedes(text($0), text($1))
                }
            }
            start = index
        }
        var result = Builder(texts: count, bytes: texts.count)
        var nothing: UInt8 = 0
        withUnsafeBytes(of: &nothing) { nothing in
            guard let base = texts.baseAddress ?? nothing.baseAddress else { return }
            for number in order {
                let index = Int(number)
                result.append(
                    base + offsets[index], offsets[index + 1] - offsets[index],
                    hash: unordered[index])
            }
        }
        return (result.finish(), order)
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
        guard
            let picks = picks(other, leftOnly: leftOnly, both: both, rightOnly: rightOnly)
        else {
            return joinedByText(other, leftOnly: leftOnly, both: both, rightOnly: rightOnly)
        }
        return taking(picks, other)
    }

    /// Set in a pick of the other set.
    private static let otherFlag: UInt64 = 1 << 63

    /// The places of what is wanted, by hashes alone. Nil if equal hashes are not of equal texts
    /// somewhere, so that hashes alone do not say it.
    private func picks(
        _ other: TextSet, leftOnly: Bool, both: Bool, rightOnly: Bool
    ) -> [UInt64]? {
        let (leftCount, rightCount) = (count, other.count)
        let capacity =
            rightOnly ? leftCount + rightCount : leftOnly ? leftCount : min(leftCount, rightCount)
        let (leftStep, bothStep, rightStep) = (leftOnly ? 1 : 0, both ? 1 : 0, rightOnly ? 1 : 0)
        var areTold = true
        // One more, for what is written and not kept.
        let picks = [UInt64](unsafeUninitializedCapacity: capacity + 1) { picks, filled in
            hashes.withUnsafeBufferPointer { left in
                other.hashes.withUnsafeBufferPointer { right in
                    var (i, j, found) = (0, 0, 0)
                    while i < leftCount && j < rightCount {
                        let (a, b) = (left[i], right[j])
                        picks[found] =
                            a <= b ? UInt64(i) : UInt64(j) | Self.otherFlag
                        if a == b {
                            guard isSame(i, other, j) else {
                                areTold = false
                                return
                            }
                            found &+= bothStep
                        } else {
                            found &+= a < b ? leftStep : rightStep
                        }
                        i &+= a <= b ? 1 : 0
                        j &+= b <= a ? 1 : 0
                    }
                    while leftOnly, i < leftCount {
                        picks[found] = UInt64(i)
                        (found, i) = (found &+ 1, i &+ 1)
                    }
                    while rightOnly, j < rightCount {
                        picks[found] = UInt64(j) | Self.otherFlag
                        (found, j) = (found &+ 1, j &+ 1)
                    }
                    filled = found
                }
            }
        }
        return areTold ? picks : nil
    }

    @inline(__always)
    private func isSame(_ index: Int, _ other: TextSet, _ place: Int) -> Bool {
        let (left, right) = (range(index), other.range(place))
        guard left.count == right.count else { return false }
        return bytes.withUnsafeBytes { mine in
            other.bytes.withUnsafeBytes { theirs in
                guard let mine = mine.baseAddress, let theirs = theirs.baseAddress else {
                    return true
                }
                return TextLoops.areEqual(
                    mine + left.lowerBound, theirs + right.lowerBound, count: left.count)
            }
        }
    }

    /// The set of some places of two sets.
    private func taking(_ picks: [UInt64], _ other: TextSet) -> TextSet {
        let fromOther = picks.contains { $0 & Self.otherFlag != 0 }
        var result = Builder(
            texts: picks.count, bytes: bytes.count + (fromOther ? other.bytes.count : 0))
        var nothing: UInt8 = 0
        withUnsafeBytes(of: &nothing) { nothing in
            bytes.withUnsafeBytes { left in
                other.bytes.withUnsafeBytes { right in
                    guard let left = left.baseAddress ?? nothing.baseAddress,
                        let right = right.baseAddress ?? nothing.baseAddress
                    else { return }
                    for pick in picks {
                        let index = Int(truncatingIfNeeded: pick & ~Self.otherFlag)
                        let isMine = pick & Self.otherFlag == 0
                        let range = isMine ? range(index) : other.range(index)
                        result.append(
                            (isMine ? left : right) + range.lowerBound, range.count,
                            hash: isMine ? hashes[index] : other.hashes[index])
                    }
                }
            }
        }
        return result.finish()
    }

    /// The same for sets in which different texts have equal hashes.
    private func joinedByText(
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
