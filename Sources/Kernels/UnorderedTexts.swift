// Texts on their way to a set: they pile up with their hashes, repeated or not, and are put in
// order together. A pile of texts costs what writing and sorting it costs; a hash table of as many
// would fetch three places of memory for each, which large tables have nowhere near. What has come
// lately is not piled up again, so a few texts that come again and again stay a few.
//
// The order is that of a hash that anybody may know. Texts of equal hashes are sorted by their
// bytes, so whoever prepares such texts gains nothing.

/// Texts that become a `TextSet`.
package struct UnorderedTexts: Sendable {
    private struct Entry {
        var hash: UInt64
        /// Where the text begins in the arena, and its size in the lowest bits.
        var place: UInt64
    }

    /// Blocks and their texts are smaller, and the arena than what is left of 64 bits.
    private static let sizeBits: UInt64 = 31

    private var arena: [UInt8] = []
    private var entries: [Entry] = []
    /// One more than the index of the entry that came last with these bits of a hash.
    private var recent: [UInt32] = []
    private static let recentBits: UInt64 = 13

    package init() {}

    /// Texts in the pile; a text that is repeated counts as often as it was piled up.
    package var count: Int { entries.count }
    /// Bytes of their text.
    package var textByteCount: Int { arena.count }
    /// Bytes of memory, and as much for the order.
    package var byteCount: Int { arena.count + count * 32 + recent.count * 4 }

    /// Adds texts `codes` of a dictionary: text c lies at `offsets[c]..<offsets[c + 1]`.
    package mutating func add(
        _ codes: UnsafePointer<UInt32>, count: Int, in texts: UnsafeRawPointer,
        offsets starts: UnsafePointer<UInt32>
    ) {
        if recent.isEmpty { recent = [UInt32](repeating: 0, count: 1 << Int(Self.recentBits)) }
        var done = 0
        while done < count {
            // In steps, so that room grows with what is kept.
            let step = min(count - done, 1024)
            addStep(codes + done, count: step, in: texts, offsets: starts)
            done += step
        }
    }

    private mutating func addStep(
        _ codes: UnsafePointer<UInt32>, count: Int, in texts: UnsafeRawPointer,
        offsets starts: UnsafePointer<UInt32>
    ) {
        var size = 0
        for index in 0..<count {
            let code = Int(codes[index])
            size += Int(starts[code + 1] &- starts[code])
        }
        let (arenaCount, entryCount) = (arena.count, entries.count)
        arena.append(contentsOf: repeatElement(0, count: size))
        entries.append(contentsOf: repeatElement(Entry(hash: 0, place: 0), count: count))
        var (end, found) = (arenaCount, entryCount)
        arena.withUnsafeMutableBytes { arena in
            entries.withUnsafeMutableBufferPointer { entries in
                recent.withUnsafeMutableBufferPointer { recent in
                    guard let arena = arena.baseAddress else {
                        // Without any byte yet, all are the empty text.
                        entries[found] = Entry(hash: Self.hash(texts, 0), place: 0)
                        found += 1
                        return
                    }
                    for index in 0..<count {
                        let start = Int(starts[Int(codes[index])])
                        let size = Int(starts[Int(codes[index]) + 1]) - start
                        let hash = Self.hash(texts + start, size)
                        let slot = Int(hash & (1 << Self.recentBits - 1))
                        let last = Int(recent[slot])
                        if last > 0, entries[last - 1].hash == hash,
                            Self.size(entries[last - 1]) == size,
                            TextLoops.areEqual(
                                arena + Self.start(entries[last - 1]), texts + start, count: size)
                        {
                            continue
                        }
                        TextLoops.copy(texts + start, to: arena + end, count: size)
                        entries[found] = Entry(
                            hash: hash, place: UInt64(end) << Self.sizeBits | UInt64(size))
                        end &+= size
                        found &+= 1
                        recent[slot] = UInt32(truncatingIfNeeded: found)
                    }
                }
            }
        }
        arena.removeLast(arena.count - end)
        entries.removeLast(entries.count - found)
    }

    @inline(__always)
    private static func hash(_ text: UnsafeRawPointer, _ size: Int) -> UInt64 {
        TextHash.fixed(UnsafeRawBufferPointer(start: text, count: size))
    }

    @inline(__always) private static func start(_ entry: Entry) -> Int {
        Int(truncatingIfNeeded: entry.place >> sizeBits)
    }

    @inline(__always) private static func size(_ entry: Entry) -> Int {
        Int(truncatingIfNeeded: entry.place & (1 << sizeBits - 1))
    }

    // MARK: The order

    /// Parts of about this many texts are sorted in the nearest memory. A choice.
    private static let partTexts = 2048

    /// The set of all texts.
    package var ordered: TextSet {
        guard count > 0 else { return TextSet() }
        var partBits = 0
        while partBits < 11, count >> partBits > Self.partTexts { partBits += 1 }
        let (parts, ends) = parted(bits: partBits)
        var result = TextSet.Builder(texts: count, bytes: arena.count)
        arena.withUnsafeBytes { arena in
            parts.withUnsafeBufferPointer { parts in
                var words: [UInt64] = []
                var start = 0
                for end in ends where end > start {
                    let part = UnsafeBufferPointer(rebasing: parts[start..<end])
                    Self.order(part, behind: partBits, &words)
                    var nothing: UInt8 = 0
                    withUnsafeBytes(of: &nothing) { nothing in
                        guard let base = arena.baseAddress ?? nothing.baseAddress else { return }
                        Self.append(part, words, base, to: &result)
                    }
                    start = end
                }
            }
        }
        return result.finish()
    }

    /// The entries by the first bits of their hashes, and where each part ends.
    private func parted(bits: Int) -> (entries: [Entry], ends: [Int]) {
        guard bits > 0 else { return (entries, [count]) }
        let shift = UInt64(64 - bits)
        var places = [Int](repeating: 0, count: 1 << bits)
        for entry in entries { places[Int(truncatingIfNeeded: entry.hash >> shift)] += 1 }
        var place = 0
        for part in places.indices { (places[part], place) = (place, place + places[part]) }
        let parted = [Entry](unsafeUninitializedCapacity: count) { target, filled in
            places.withUnsafeMutableBufferPointer { places in
                for entry in entries {
                    let part = Int(truncatingIfNeeded: entry.hash >> shift)
                    target[places[part]] = entry
                    places[part] &+= 1
                }
            }
            filled = count
        }
        return (parted, places)
    }

    /// The indexes of a part's entries in the order of the 32 bits of their hashes behind the
    /// first, below those bits.
    private static func order(
        _ part: UnsafeBufferPointer<Entry>, behind bits: Int, _ words: inout [UInt64]
    ) {
        words.removeAll(keepingCapacity: true)
        words.append(contentsOf: repeatElement(0, count: part.count))
        words.withUnsafeMutableBufferPointer { words in
            for index in 0..<part.count {
                words[index] =
                    (part[index].hash << UInt64(bits)) & ~0xFFFF_FFFF
                    | UInt64(truncatingIfNeeded: index)
            }
        }
        if part.count < 128 { words.sort() } else { RadixSort.sortByUpperHalf(&words) }
    }

    private static func append(
        _ part: UnsafeBufferPointer<Entry>, _ words: [UInt64], _ arena: UnsafeRawPointer,
        to result: inout TextSet.Builder
    ) {
        // All are fetched before the first is looked at.
        var touched: UInt64 = 0
        for entry in part where size(entry) > 0 {
            touched &+= UInt64(arena.load(fromByteOffset: start(entry), as: UInt8.self))
        }
        TextLoops.haveLoaded(touched)
        words.withUnsafeBufferPointer { words in
            var first = 0
            while first < words.count {
                let entry = part[Int(truncatingIfNeeded: words[first] & 0xFFFF_FFFF)]
                var next = first + 1
                var areEqual = true
                while next < words.count, words[next] >> 32 == words[first] >> 32 {
                    let other = part[Int(truncatingIfNeeded: words[next] & 0xFFFF_FFFF)]
                    areEqual = areEqual && isSame(entry, other, arena)
                    next += 1
                }
                if areEqual {
                    result.append(arena + start(entry), size(entry), hash: entry.hash)
                } else {
                    appendDifferent(part, words[first..<next], arena, to: &result)
                }
                first = next
            }
        }
    }

    @inline(__always)
    private static func isSame(_ left: Entry, _ right: Entry, _ arena: UnsafeRawPointer) -> Bool {
        left.hash == right.hash && size(left) == size(right)
            && TextLoops.areEqual(arena + start(left), arena + start(right), count: size(left))
    }

    /// Texts whose hashes do not tell them apart.
    private static func appendDifferent(
        _ part: UnsafeBufferPointer<Entry>, _ words: Slice<UnsafeBufferPointer<UInt64>>,
        _ arena: UnsafeRawPointer, to result: inout TextSet.Builder
    ) {
        let entries = words.map { part[Int(truncatingIfNeeded: $0 & 0xFFFF_FFFF)] }
            .sorted { left, right in
                if left.hash != right.hash { return left.hash < right.hash }
                return TextLoops.order(
                    arena + start(left), size(left), arena + start(right), size(right)) < 0
            }
        for (index, entry) in entries.enumerated()
        where index == 0 || !isSame(entries[index - 1], entry, arena) {
            result.append(arena + start(entry), size(entry), hash: entry.hash)
        }
    }
}
