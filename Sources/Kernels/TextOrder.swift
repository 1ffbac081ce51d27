// Puts texts in the order of their bytes, which is what answers are in: by sixteen bytes behind
// what all begin with, and only where those are equal by the whole texts.

/// Sorting texts that lie one after the other.
enum TextOrder {
    /// The numbers of texts in the order of their bytes; text i lies at `offsets[i]..<offsets[i +
    /// 1]`.
    static func ascending(_ bytes: UnsafeRawBufferPointer, _ offsets: [Int]) -> [UInt32] {
        func text(_ number: UInt32) -> UnsafeRawBufferPointer {
            let range = offsets[Int(number)]..<offsets[Int(number) + 1]
            return UnsafeRawBufferPointer(rebasing: bytes[range])
        }
        let count = offsets.count - 1
        let common = commonPrefix(count, text)
        var prefixes = (0..<UInt32(count)).map { Prefix(text($0), from: common, number: $0) }
        prefixes.sort { left, right in
            if left.first != right.first { return left.first < right.first }
            if left.second != right.second { return left.second < right.second }
            return precedes(text(left.number), text(right.number))
        }
        return prefixes.map(\.number)
    }

    /// Bytes that all texts begin with.
    private static func commonPrefix(
        _ count: Int, _ text: (UInt32) -> UnsafeRawBufferPointer
    ) -> Int {
        guard count > 0 else { return 0 }
        let first = text(0)
        var common = first.count
        for number in 1..<max(UInt32(count), 1) {
            let other = text(number)
            var same = 0
            while same < common, same < other.count, other[same] == first[same] { same += 1 }
            common = same
        }
        return common
    }

    /// What tells most texts apart: sixteen bytes behind what all begin with.
    private struct Prefix {
        var first: UInt64
        var second: UInt64
        var number: UInt32

        init(_ text: UnsafeRawBufferPointer, from start: Int, number: UInt32) {
            (first, second, self.number) = (0, 0, number)
            for index in 0..<8 {
                let (near, far) = (start + index, start + index + 8)
                first = first << 8 | (near < text.count ? UInt64(text[near]) : 0)
                second = second << 8 | (far < text.count ? UInt64(text[far]) : 0)
            }
        }
    }

    /// Byte by byte; a prefix comes first.
    @inline(__always)
    static func precedes(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
    ) -> Bool {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return left[index] < right[index]
        }
        return left.count < right.count
    }
}
