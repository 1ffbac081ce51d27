// Puts encoded chunks behind one header: the writing half of docs/formats/block.md.

internal import Base

/// Assembles a block from columns that arrive in the order of their paths.
struct BlockEncoder {
    private let rowCount: Int
    private let form: BlockForm
    private var directory: [UInt8] = []
    private var paths: [UInt8] = []
    private var body: [UInt8] = []
    private var columnCount = 0

    init(rowCount: Int, form: BlockForm) {
        self.rowCount = rowCount
        self.form = form
    }

    mutating func append(path: ArraySlice<UInt8>, entries: ColumnEntries) {
        while body.count % form.alignment != 0 { body.append(0) }
        let begin = body.count
        let encoder = ChunkEncoder(entries: entries, rowCount: rowCount, form: form)
        encoder.encode(into: &body)
        let checksum = crc32c(body[begin...])
        let summary = encoder.summary
        directory.append(littleEndian: UInt32(paths.count))
        directory.append(littleEndian: UInt32(path.count))
        // Relative to the body until `finish` knows where that begins.
        directory.append(littleEndian: UInt32(begin))
        directory.append(littleEndian: UInt32(body.count - begin))
        directory.append(littleEndian: checksum)
        directory.append(summary.kinds.rawValue)
        directory.append(summary.range.form)
        directory.append(littleEndian: UInt16(0))
        directory.append(littleEndian: UInt32(summary.missingCount))
        directory.append(littleEndian: UInt32(summary.nullCount))
        directory.append(littleEndian: summary.range.bits.0)
        directory.append(littleEndian: summary.range.bits.1)
        paths.append(contentsOf: path)
        columnCount += 1
    }

    consuming func finish(isSorted: Bool, minTimestamp: Int64, maxTimestamp: Int64) -> [UInt8] {
        let headerCount = BlockLayout.fixedByteCount + directory.count + paths.count
        let bodyOffset = (headerCount + form.alignment - 1) / form.alignment * form.alignment
        precondition(
            bodyOffset + body.count <= Limits.blockBytesMax, "a block grew beyond its limit")
        var block: [UInt8] = []
        block.reserveCapacity(bodyOffset + body.count)
        block.append(littleEndian: BlockLayout.magic)
        block.append(littleEndian: UInt32(headerCount))
        block.append(littleEndian: UInt32(0))
        block.append(BlockLayout.version)
        block.append(isSorted ? BlockLayout.flagSorted : 0)
        block.append(littleEndian: UInt16(0))
        block.append(littleEndian: UInt32(rowCount))
        block.append(littleEndian: UInt32(columnCount))
        block.append(littleEndian: UInt32(bodyOffset + body.count))
        block.append(littleEndian: UInt32(0))
        block.append(littleEndian: minTimestamp)
        block.append(littleEndian: maxTimestamp)
        shiftChunks(by: UInt32(bodyOffset))
        block.append(contentsOf: directory)
        block.append(contentsOf: paths)
        let checksum = crc32c(block[BlockLayout.checkedFrom...])
        block.replace(littleEndian: checksum, at: BlockLayout.checksumOffset)
        block.append(contentsOf: repeatElement(0, count: bodyOffset - headerCount))
        block.append(contentsOf: body)
        return block
    }

    private mutating func shiftChunks(by distance: UInt32) {
        for entry in 0..<columnCount {
            let place = entry * BlockLayout.entryByteCount + BlockLayout.Entry.chunkOffset
            let relative = directory.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: place, as: UInt32.self)
            }
            directory.replace(
                littleEndian: UInt32(littleEndian: relative) + distance, at: place)
        }
    }
}

extension [UInt8] {
    mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    mutating func replace(littleEndian value: UInt32, at offset: Int) {
        for index in 0..<4 {
            self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }
}
