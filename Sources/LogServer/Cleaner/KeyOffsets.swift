// The newest offset of each key in a part of a log, in bounded memory.

internal import Base

/// Keys and offsets.
struct KeyOffsets {
    /// What the table takes for a key besides its bytes, roughly.
    private static let entryBytes = 96

    private let bytesMax: Int
    private var bytes = 0
    private var offsets: [ArraySlice<UInt8>: Int64] = [:]
    /// Where the part ends that the table speaks of.
    var end: Int64

    init(from start: Int64, bytesMax: Int) {
        end = start
        self.bytesMax = bytesMax
    }

    var isFull: Bool { bytes >= bytesMax }

    /// Offsets of one key come in ascending order.
    mutating func note(_ key: ArraySlice<UInt8>, at offset: Int64) {
        if offsets[key] == nil {
            // A copy of its own, or the whole batch would stay in memory.
            offsets[ArraySlice(Array(key))] = offset
            bytes += key.count + Self.entryBytes
        } else {
            offsets[key] = offset
        }
    }

    /// Whether a newer record of the key is known.
    func supersedes(_ key: ArraySlice<UInt8>, at offset: Int64) -> Bool {
        guard let newest = offsets[key] else { return false }
        return newest > offset
    }
}
