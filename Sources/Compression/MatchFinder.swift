// What Snappy and LZ4 have in common: finding, in a block of at most 64 KiB, bytes that were there
// before.

/// A stretch of a block that repeats what stands `distance` before it, and the bytes between the
/// last one and this.
struct BlockMatch {
    var literals: Range<Int>
    var distance: Int
    var length: Int
}

enum MatchFinder {
    private static let tableBits = 13
    private static let lengthMin = 4

    /// Calls `body` with the matches in `block` of `bytes`, greedily and in order, that begin
    /// `startMargin` or more bytes before its end and end `endMargin` or more before it. Returns
    /// where the bytes begin that no match covers.
    static func forEachMatch(
        in block: Range<Int>, of bytes: [UInt8], startMargin: Int, endMargin: Int,
        _ body: (BlockMatch) -> Void
    ) -> Int {
        var table = [Int32](repeating: -1, count: 1 << tableBits)
        var (position, literals) = (block.lowerBound, block.lowerBound)
        let lastStart = block.upperBound - max(startMargin, lengthMin)
        let end = block.upperBound - endMargin
        var misses = 0
        while position <= lastStart {
            let word = word(bytes, position)
            let slot = Int((word &* 2_654_435_761) >> UInt32(32 - tableBits))
            let candidate = Int(table[slot])
            table[slot] = Int32(truncatingIfNeeded: position)
            guard candidate >= block.lowerBound, position + lengthMin <= end,
                self.word(bytes, candidate) == word
            else {
                // Bytes that nothing repeats are passed over faster and faster.
                misses += 1
                position += 1 + misses >> 5
                continue
            }
            misses = 0
            var length = lengthMin
            while position + length < end, bytes[candidate + length] == bytes[position + length] {
                length += 1
            }
            body(
                BlockMatch(
                    literals: literals..<position, distance: position - candidate, length: length))
            position += length
            literals = position
        }
        return literals
    }

    private static func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
        UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
            | UInt32(bytes[index + 3]) << 24
    }

    /// Appends `length` bytes that stand `distance` before the end of `output`, which they may
    /// reach into.
    static func copy(
        distance: Int, length: Int, within output: inout [UInt8], notBefore start: Int = 0,
        limit: Int
    ) throws(CompressionError) {
        guard distance > 0, distance <= output.count - start else {
            throw .damaged("a copy from before the beginning")
        }
        guard length <= limit - output.count else { throw .tooLarge(limit) }
        var source = output.count - distance
        for _ in 0..<length {
            output.append(output[source])
            source += 1
        }
    }
}
