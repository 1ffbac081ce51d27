// Numbers distinct byte strings in the order of their first appearance, and keeps them: what turns
// the dictionaries of blocks, each with its own codes, into codes of the whole scan. The hash has a
// seed of the process, since customers choose the strings.

/// Numbers distinct byte strings from 0.
package struct BytesTable: Sendable {
    /// All strings, one after the other, and room for more.
    private var arena: [UInt8] = []
    /// Where each string begins in the arena, and where the last one ends; then room for more.
    private var offsets = [0]
    /// The hash in the upper half, number plus one in the lower; 0 for an empty slot. A power of
    /// two of them.
    private var slots = [UInt64](repeating: 0, count: 32)
    private let hash = TextHash.ofProcess
    package private(set) var count = 0

    package init() {}

    /// Bytes of all strings together.
    package var byteCount: Int { offsets[count] }

    /// The string's number; a new string gets the next.
    package mutating func number(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        reserve(texts: 1, bytes: bytes.count)
        let hash = hash(bytes) >> 32
        return withPlaces { places in places.number(of: bytes, hash: hash) }
    }

    package mutating func number(of text: String) -> UInt32 {
        var text = text
        return text.withUTF8 { number(of: UnsafeRawBufferPointer($0)) }
    }

    /// Looked at together, so that fetching what one text needs does not wait for another's.
    private static let lanes = 32
    /// Texts that room is made for at once, so that the table grows with the distinct ones.
    private static let stepTexts = 512

    /// The numbers of texts `codes` of a dictionary: text c lies at `offsets[c]..<offsets[c + 1]`.
    package mutating func numbers(
        of codes: UnsafePointer<UInt32>, count: Int, in texts: UnsafeRawPointer,
        offsets starts: UnsafePointer<UInt32>, into target: UnsafeMutablePointer<UInt32>
    ) {
        var done = 0
        while done < count {
            let step = min(count - done, Self.stepTexts)
            var bytes = 0
            for index in done..<done + step {
                let code = Int(codes[index])
                bytes += Int(starts[code + 1] &- starts[code])
            }
            reserve(texts: step, bytes: bytes)
            let hash = hash
            withPlaces { places in
                Self.number(
                    codes + done, count: step, in: texts, offsets: starts, into: target + done,
                    &places, hash)
            }
            done += step
        }
    }

    /// Adds the strings of another table; gives the number here of each string there.
    package mutating func absorb(_ other: BytesTable) -> [UInt32] {
        var numbers: [UInt32] = []
        numbers.reserveCapacity(other.count)
        other.arena.withUnsafeBytes { bytes in
            for index in 0..<other.count {
                let range = other.offsets[index]..<other.offsets[index + 1]
                numbers.append(number(of: UnsafeRawBufferPointer(rebasing: bytes[range])))
            }
        }
        return numbers
    }

    /// There is room for all to be new.
    private static func number(
        _ codes: UnsafePointer<UInt32>, count: Int, in texts: UnsafeRawPointer,
        offsets starts: UnsafePointer<UInt32>, into target: UnsafeMutablePointer<UInt32>,
        _ places: inout Places, _ hash: TextHash
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: lanes) { hashes in
            var first = 0
            while first < count {
                let lanes = min(Self.lanes, count - first)
                // What each lane will look at, slot, offset and bytes, is fetched before any does.
                var touched: UInt64 = 0
                for lane in 0..<lanes {
                    let hash = hash(text(codes[first + lane], in: texts, starts)) >> 32
                    hashes[lane] = hash
                    touched &+= places.slot(of: hash) >> 40
                }
                for lane in 0..<lanes { touched &+= UInt64(places.start(of: hashes[lane])) }
                for lane in 0..<lanes { touched &+= UInt64(places.byte(of: hashes[lane])) }
                TextLoops.haveLoaded(touched)
                for lane in 0..<lanes {
                    target[first + lane] = places.number(
                        of: text(codes[first + lane], in: texts, starts), hash: hashes[lane])
                }
                first += lanes
            }
        }
    }

    @inline(__always)
    private static func text(
        _ code: UInt32, in texts: UnsafeRawPointer, _ starts: UnsafePointer<UInt32>
    ) -> UnsafeRawBufferPointer {
        let start = Int(starts[Int(code)])
        return UnsafeRawBufferPointer(
            start: texts + start, count: Int(starts[Int(code) + 1]) - start)
    }

    // MARK: Room

    /// Makes room for so many texts more, all new.
    private mutating func reserve(texts: Int, bytes: Int) {
        while 2 * (count + texts) > slots.count { grow() }
        // One byte more, so that there is one at every offset.
        let wanted = byteCount + bytes + 1
        if wanted > arena.count {
            let size = max(wanted, 2 * arena.count)
            arena.append(contentsOf: repeatElement(0, count: size - arena.count))
        }
        if count + 1 + texts > offsets.count {
            let size = max(count + 1 + texts, 2 * offsets.count)
            offsets.append(contentsOf: repeatElement(0, count: size - offsets.count))
        }
    }

    /// There is room for whatever `body` numbers.
    @inline(__always)
    private mutating func withPlaces<Result>(_ body: (inout Places) -> Result) -> Result {
        let (result, countAfter) = slots.withUnsafeMutableBufferPointer { slots in
            arena.withUnsafeMutableBytes { arena in
                offsets.withUnsafeMutableBufferPointer { offsets in
                    var places = Places(slots, arena, offsets, count)
                    let result = body(&places)
                    return (result, places.count)
                }
            }
        }
        count = countAfter
        return result
    }

    /// Whether it has the string.
    package func contains(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard count > 0 else { return false }
        let hash = hash(bytes) >> 32
        return slots.withUnsafeBufferPointer { slots in
            arena.withUnsafeBytes { arena in
                offsets.withUnsafeBufferPointer { offsets in
                    let places = Places(
                        UnsafeMutableBufferPointer(mutating: slots),
                        UnsafeMutableRawBufferPointer(mutating: arena),
                        UnsafeMutableBufferPointer(mutating: offsets), count)
                    return places.find(bytes, hash: hash).isThere
                }
            }
        }
    }

    /// Calls `body` with the bytes of all strings, and where each begins and the last one ends.
    package func withTexts<Result>(
        _ body: (_ bytes: UnsafeRawBufferPointer, _ offsets: UnsafeBufferPointer<Int>) -> Result
    ) -> Result {
        arena.withUnsafeBytes { arena in
            offsets.withUnsafeBufferPointer { offsets in
                body(
                    UnsafeRawBufferPointer(rebasing: arena[..<offsets[count]]),
                    UnsafeBufferPointer(rebasing: offsets[...count]))
            }
        }
    }

    /// Calls `body` with the bytes of a string.
    package func withText<Result>(
        _ number: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        arena.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[offsets[number]..<offsets[number + 1]]))
        }
    }

    /// The string of a number.
    package func string(_ number: Int) -> String {
        withText(number) { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func grow() {
        let size = slots.count * 2
        var larger = [UInt64](repeating: 0, count: size)
        for entry in slots where entry != 0 {
            var slot = Int(entry >> 32) & (size - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (size - 1) }
            larger[slot] = entry
        }
        slots = larger
    }
}

extension BytesTable {
    /// The memory of a table while it is looked into, with room for what is added.
    private struct Places {
        private let slots: UnsafeMutablePointer<UInt64>
        private let mask: Int
        private let arena: UnsafeMutableRawPointer
        private let offsets: UnsafeMutablePointer<Int>
        private(set) var count: Int

        init(
            _ slots: UnsafeMutableBufferPointer<UInt64>, _ arena: UnsafeMutableRawBufferPointer,
            _ offsets: UnsafeMutableBufferPointer<Int>, _ count: Int
        ) {
            guard let slotBase = slots.baseAddress, let arenaBase = arena.baseAddress,
                let offsetBase = offsets.baseAddress
            else { preconditionFailure("no room has been made") }
            (self.slots, mask) = (slotBase, slots.count - 1)
            (self.arena, self.offsets, self.count) = (arenaBase, offsetBase, count)
        }

        @inline(__always) func slot(of hash: UInt64) -> UInt64 { slots[Int(hash) & mask] }

        /// Where the text begins that is likely meant; anything if there is none.
        @inline(__always) func start(of hash: UInt64) -> Int {
            let entry = slot(of: hash)
            let isLikely = entry >> 32 == hash && entry != 0
            return offsets[isLikely ? Int(entry & 0xFFFF_FFFF) - 1 : 0]
        }

        @inline(__always) func byte(of hash: UInt64) -> UInt8 {
            arena.load(fromByteOffset: start(of: hash), as: UInt8.self)
        }

        /// The slot that holds the string, or the empty one where it belongs.
        @inline(__always)
        func find(_ bytes: UnsafeRawBufferPointer, hash: UInt64) -> (slot: Int, isThere: Bool) {
            var slot = Int(hash) & mask
            while true {
                let entry = slots[slot]
                if entry == 0 { return (slot, false) }
                if entry >> 32 == hash {
                    let index = Int(entry & 0xFFFF_FFFF) - 1
                    let start = offsets[index]
                    if offsets[index + 1] - start == bytes.count,
                        isEqual(bytes, at: start)
                    {
                        return (slot, true)
                    }
                }
                slot = (slot + 1) & mask
            }
        }

        @inline(__always)
        private func isEqual(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Bool {
            guard let base = bytes.baseAddress else { return true }
            return TextLoops.areEqual(arena + start, base, count: bytes.count)
        }

        @inline(__always)
        mutating func number(of bytes: UnsafeRawBufferPointer, hash: UInt64) -> UInt32 {
            let (slot, isThere) = find(bytes, hash: hash)
            if isThere { return UInt32(truncatingIfNeeded: slots[slot]) &- 1 }
            let start = offsets[count]
            if let base = bytes.baseAddress {
                TextLoops.copy(base, to: arena + start, count: bytes.count)
            }
            count &+= 1
            offsets[count] = start + bytes.count
            slots[slot] = hash << 32 | UInt64(truncatingIfNeeded: count)
            return UInt32(truncatingIfNeeded: count &- 1)
        }
    }
}
