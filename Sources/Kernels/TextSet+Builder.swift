// Writes the texts of a set one after the other into memory that has been made for them.

extension TextSet {
    /// A set that is being written. Whoever writes keeps the order and stays within what was said.
    struct Builder {
        private var bytes: [UInt8]
        private var ends: [Int]
        private var hashes: [UInt64]
        private var count = 0
        private var end = 0

        /// At most so many.
        init(texts: Int, bytes: Int) {
            self.bytes = [UInt8](repeating: 0, count: bytes)
            ends = [Int](repeating: 0, count: texts)
            hashes = [UInt64](repeating: 0, count: texts)
        }

        @inline(__always)
        mutating func append(_ text: UnsafeRawPointer, _ size: Int, hash: UInt64) {
            let start = end
            bytes.withUnsafeMutableBytes { bytes in
                guard size > 0, let target = bytes.baseAddress else { return }
                TextLoops.copy(text, to: target + start, count: size)
            }
            end += size
            ends[count] = end
            hashes[count] = hash
            count += 1
        }

        /// Gives back room that is not needed if it is much.
        consuming func finish() -> TextSet {
            let isLoose = 4 * count < 3 * ends.count || 4 * end < 3 * bytes.count
            if isLoose {
                return TextSet(
                    bytes: Array(bytes[..<end]), ends: Array(ends[..<count]),
                    hashes: Array(hashes[..<count]))
            }
            bytes.removeLast(bytes.count - end)
            ends.removeLast(ends.count - count)
            hashes.removeLast(hashes.count - count)
            return TextSet(bytes: bytes, ends: ends, hashes: hashes)
        }
    }
}
