// Gives equal byte strings equal numbers: the dictionary of a column and the paths of a builder.
// Open addressing over one pool of bytes; the hash is seeded per process, so that chosen input
// cannot make the table slow.

internal import Base
internal import Kernels

/// Distinct byte strings, numbered in order of first appearance.
struct ByteInterner: Sendable {
    /// All strings, one after the other.
    private(set) var pool: [UInt8] = []
    private var entries: [Entry] = []
    /// By hash: code + 1, and above it eight bits of the hash, which spare most comparisons; 0 is
    /// free. A power of two, at most half full.
    private var slots: [UInt32] = []
    private let seed = processSeed

    private struct Entry: BitwiseCopyable {
        /// Where the string ends in `pool`; the next one begins there.
        var end: UInt32
        var hash: UInt32
    }

    // `Hasher` is seeded at random by the standard library once a process.
    private static let processSeed = UInt64(truncatingIfNeeded: Hasher().finalize())

    var count: Int { entries.count }
    var byteCount: Int { pool.count }

    func range(of code: Int) -> Range<Int> {
        (code == 0 ? 0 : Int(entries[code - 1].end))..<Int(entries[code].end)
    }
    subscript(code: Int) -> ArraySlice<UInt8> { pool[range(of: code)] }

    /// The number of `bytes`, new or known.
    @inline(__always)
    mutating func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let hash = hash(bytes)
        return find(bytes, hash) ?? add(bytes, hash)
    }

    @inline(__always)
    private func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: UnsafeRawBufferPointer(bytes).shortHash(seed: seed))
    }

    @inline(__always)
    private func find(_ bytes: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> UInt32? {
        slots.withUnsafeBufferPointer { slots in
            guard !slots.isEmpty else { return nil }
            let mask = slots.count - 1
            var slot = Int(hash) & mask
            while true {
                let entry = slots[slot]
                if entry == 0 { return nil }
                if (entry ^ hash) >> 24 == 0 {
                    let code = (entry & Self.codeMask) - 1
                    if equals(Int(code), bytes) { return code }
                }
                slot = (slot + 1) & mask
            }
        }
    }

    /// A text that is not there yet.
    @inline(never)
    private mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> UInt32 {
        if slots.count < (count + 1) * 2 { grow(for: count * 2 + 8) }
        let code = UInt32(count)
        slots.withUnsafeMutableBufferPointer { slots in
            let mask = slots.count - 1
            var slot = Int(hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = Self.slot(code, hash)
        }
        if let base = bytes.baseAddress {
            pool.append(count: bytes.count) { $0.copyShort(from: base, count: bytes.count) }
        }
        entries.append(Entry(end: UInt32(pool.count), hash: hash))
        return code
    }

    /// The numbers of the texts between neighbouring `offsets` of `bytes`.
    mutating func intern(_ bytes: [UInt8], offsets: ArraySlice<UInt32>) -> [UInt32] {
        let more = max(offsets.count, 1) - 1
        if slots.count < (count + more) * 2 { grow(for: count + more) }
        return bytes.withUnsafeBufferPointer { bytes in
            offsets.withUnsafeBufferPointer { offsets in
                func text(_ index: Int) -> UnsafeBufferPointer<UInt8> {
                    UnsafeBufferPointer(
                        rebasing: bytes[Int(offsets[index])..<Int(offsets[index + 1])])
                }
                // One thing after the other for all texts: what a step waits for is under way for
                // the texts behind it.
                let hashes = [UInt32](unsafeUninitializedCapacity: more) { hashes, filled in
                    filled = more
                    for index in 0..<more { hashes[index] = hash(text(index)) }
                }
                var new: [UInt32] = []
                new.reserveCapacity(more)
                let codes = number(hashes, new: &new, text)
                append(new, of: bytes, offsets, hashes)
                return codes
            }
        }
    }

    /// Puts every text that is not there yet into the slots, and its index into `new`; the codes of
    /// all.
    @inline(__always)
    private mutating func number(
        _ hashes: [UInt32], new: inout [UInt32],
        _ text: (Int) -> UnsafeBufferPointer<UInt8>
    ) -> [UInt32] {
        let known = count
        let mask = slots.count - 1
        // Taken out for as long as it is written: the rest is read meanwhile.
        var table: [UInt32] = []
        swap(&table, &slots)
        defer { swap(&table, &slots) }
        return [UInt32](unsafeUninitializedCapacity: hashes.count) { codes, filled in
            filled = hashes.count
            table.withUnsafeMutableBufferPointer { table in
                for index in 0..<hashes.count {
                    let hash = hashes[index]
                    var slot = Int(hash) & mask
                    while true {
                        let entry = table[slot]
                        if entry == 0 {
                            let code = UInt32(known + new.count)
                            table[slot] = Self.slot(code, hash)
                            new.append(UInt32(index))
                            codes[index] = code
                            break
                        }
                        let code = Int(entry & Self.codeMask) - 1
                        // Dictionaries have each text once; those of others may not.
                        if (entry ^ hash) >> 24 == 0,
                            code < known
                                ? equals(code, text(index))
                                : UnsafeRawBufferPointer(text(Int(new[code - known])))
                                    .hasSameBytes(UnsafeRawBufferPointer(text(index)))
                        {
                            codes[index] = UInt32(code)
                            break
                        }
                        slot = (slot + 1) & mask
                    }
                }
            }
        }
    }

    /// Takes over texts that are in the slots already; neighbours in one piece.
    private mutating func append(
        _ new: [UInt32], of bytes: UnsafeBufferPointer<UInt8>,
        _ offsets: UnsafeBufferPointer<UInt32>, _ hashes: [UInt32]
    ) {
        entries.makeRoom(new.count)
        var end = pool.count
        var waiting = 0..<0
        for index in new {
            let range = Int(offsets[Int(index)])..<Int(offsets[Int(index) + 1])
            if range.lowerBound != waiting.upperBound {
                pool.append(contentsOf: bytes[waiting])
                waiting = range.lowerBound..<range.lowerBound
            }
            waiting = waiting.lowerBound..<range.upperBound
            end += range.count
            entries.append(Entry(end: UInt32(end), hash: hashes[Int(index)]))
        }
        pool.append(contentsOf: bytes[waiting])
    }

    private static let codeMask: UInt32 = 0xFF_FFFF

    private static func slot(_ code: UInt32, _ hash: UInt32) -> UInt32 {
        precondition(code < codeMask, "a dictionary of 16 million texts")
        return hash & ~codeMask | (code + 1)
    }

    /// Whether the string numbered `code` has these bytes.
    @inline(__always)
    func equals(_ code: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let (begin, end) = entries.withUnsafeBufferPointer {
            (code == 0 ? 0 : Int($0[code - 1].end), Int($0[code].end))
        }
        guard end - begin == bytes.count else { return false }
        // `entries` only ever name parts of the pool.
        return pool.withUnsafeBytes { pool in
            guard let base = pool.baseAddress else { return true }
            return UnsafeRawBufferPointer(start: base + begin, count: end - begin)
                .hasSameBytes(UnsafeRawBufferPointer(bytes))
        }
    }

    private mutating func grow(for count: Int) {
        let size = 2 << BitPacking.width(of: UInt64(count - 1))
        slots = [UInt32](repeating: 0, count: size)
        slots.withUnsafeMutableBufferPointer { slots in
            for (code, entry) in entries.enumerated() {
                var slot = Int(entry.hash) & (size - 1)
                while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
                slots[slot] = Self.slot(UInt32(code), entry.hash)
            }
        }
    }
}

extension Array {
    /// Makes room for so many elements more, and for as many again when it has to move.
    mutating func makeRoom(_ more: Int) {
        if count + more > capacity { reserveCapacity(Swift.max(count + more, capacity * 2)) }
    }

    /// Appends `count` elements, all of which `body` writes.
    mutating func append(count: Int, _ body: (UnsafeMutablePointer<Element>) -> Void)
    where Element: BitwiseCopyable {
        guard count > 0 else { return }
        makeRoom(count)
        append(addingCapacity: count) { span in
            span.withUnsafeMutableBufferPointer { buffer, filled in
                guard let base = buffer.baseAddress else { return }
                body(base + filled)
                filled += count
            }
        }
    }
}

extension UnsafeMutablePointer<UInt8> {
    /// Copies a few bytes, without the call that many are worth.
    @inline(__always)
    fileprivate func copyShort(from source: UnsafePointer<UInt8>, count: Int) {
        guard count >= 8 else {
            for index in 0..<count { self[index] = source[index] }
            return
        }
        let (target, source) = (UnsafeMutableRawPointer(self), UnsafeRawPointer(source))
        for offset in stride(from: 0, to: count - 8, by: 8) {
            target.storeBytes(
                of: source.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
                toByteOffset: offset, as: UInt64.self)
        }
        target.storeBytes(
            of: source.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self),
            toByteOffset: count - 8, as: UInt64.self)
    }
}
