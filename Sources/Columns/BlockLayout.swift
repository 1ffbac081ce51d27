// The fixed places of the block format; docs/formats/block.md draws the bytes. Numbers are
// little-endian. Nothing relies on alignment for correctness: sealed blocks align chunks to 64
// bytes for the sake of vector loads, fresh ones to 8 to stay small.

/// Offsets and constants of docs/formats/block.md.
enum BlockLayout {
    /// "MRBK"
    static let magic: UInt32 = 0x4B42_524D
    static let version: UInt8 = 1
    static let flagSorted: UInt8 = 1

    static let headerByteCountOffset = 4
    static let checksumOffset = 8
    /// The header checksum covers the header from here to its end.
    static let checkedFrom = 12
    static let versionOffset = 12
    static let flagsOffset = 13
    static let rowCountOffset = 16
    static let columnCountOffset = 20
    static let byteCountOffset = 24
    static let minTimestampOffset = 32
    static let maxTimestampOffset = 40
    static let fixedByteCount = 48

    /// One directory entry.
    static let entryByteCount = 48
    enum Entry {
        static let pathOffset = 0
        static let pathByteCount = 4
        static let chunkOffset = 8
        static let chunkByteCount = 12
        static let chunkChecksum = 16
        static let kinds = 20
        static let range = 21
        static let missingCount = 24
        static let nullCount = 28
        static let minimum = 32
        static let maximum = 40
    }
    /// Values of the entry's `range` byte.
    static let rangeNone: UInt8 = 0
    static let rangeInts: UInt8 = 1
    static let rangeDoubles: UInt8 = 2

    /// How a chunk says which row has which tag.
    enum TagForm {
        static let uniform: UInt8 = 0
        static let packed: UInt8 = 1
        static let sparse: UInt8 = 2
    }
    enum IntegerForm {
        static let frameOfReference: UInt8 = 0
        static let differences: UInt8 = 1
    }
    enum DoubleForm {
        static let raw: UInt8 = 0
        static let decimal: UInt8 = 1
    }
    enum CodeForm {
        static let packed: UInt8 = 0
        /// Row after row the next code: every text is distinct.
        static let sequential: UInt8 = 1
    }
    enum TextForm {
        static let plain: UInt8 = 0
        static let zstd: UInt8 = 1
    }
    /// 10^15 is the largest power whose every multiple below 2^53 still has a fraction to lose.
    static let decimalExponentMax = 15
}

/// What a block is written for.
package enum BlockForm: Sendable {
    /// A micro-batch: small, soon merged, chunks aligned to 8 bytes, nothing compressed.
    case fresh
    /// A block of a segment file: chunks aligned to 64 bytes, large dictionaries compressed.
    case sealed

    var alignment: Int { self == .sealed ? 64 : 8 }
}
