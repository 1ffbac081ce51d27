// A cell of the table `edits`: what a block has lost since it was written.
//
//     u8      flags: 1 a delete took something; 2 rows are gone; 4 the block is undecided
//     varint  count of hidden paths, each counted UTF-8
//     text    flag 4: which delete could not be applied, and why
//     bytes   flag 2: a bit a row, lowest first, 1 for rows that are there

internal import Base
internal import Columns
internal import Model

/// The edits of a block and what else is known about them.
struct StoredEdits: Sendable, Equatable {
    var edits = BlockEdits()
    /// Whether somebody asked for what is gone to be gone, so that it should leave the disk soon;
    /// what has merely grown too old may stay until it is worth a rewrite.
    var isDeleted = false
    /// Set when a delete could not be applied because the block could not be read: nobody knows
    /// what of it is still there.
    var undecided: String?

    private enum Flag {
        static let isDeleted: UInt8 = 1
        static let hasRows: UInt8 = 2
        static let isUndecided: UInt8 = 4
        static let all: UInt8 = 7
    }

    init() {}

    var encoded: [UInt8] {
        var writer = ByteWriter()
        var flags: UInt8 = 0
        if isDeleted { flags |= Flag.isDeleted }
        if edits.live != nil { flags |= Flag.hasRows }
        if undecided != nil { flags |= Flag.isUndecided }
        writer.write(flags)
        writer.write(varint: UInt64(edits.hidden.count))
        for path in edits.hidden { writer.write(path.text) }
        if let undecided { writer.write(undecided) }
        if let live = edits.live {
            var bits = [UInt8](repeating: 0, count: (live.count + 7) / 8)
            for (row, flag) in live.enumerated() where flag != 0 { bits[row / 8] |= 1 << (row % 8) }
            writer.write(bits)
        }
        return writer.bytes
    }

    init(_ bytes: [UInt8], rowCount: Int) throws {
        var reader = ByteReader(bytes)
        let flags = try reader.readByte()
        guard flags & ~Flag.all == 0 else {
            throw ByteReaderError.invalidValue(offset: 0, what: "unknown edits \(flags)")
        }
        isDeleted = flags & Flag.isDeleted != 0
        for _ in 0..<(try reader.readCount(ofAtLeast: 2)) {
            edits.hide(try PropertyPath(try reader.readString()))
        }
        if flags & Flag.isUndecided != 0 { undecided = try reader.readString() }
        guard flags & Flag.hasRows != 0 else { return }
        let bits = Array(bytes[reader.offset...])
        guard bits.count == (rowCount + 7) / 8 else {
            throw ByteReaderError.invalidValue(
                offset: reader.offset, what: "edits of a block of another size")
        }
        edits.live = (0..<rowCount).map { bits[$0 / 8] >> ($0 % 8) & 1 }
    }
}
