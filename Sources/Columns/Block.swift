// Reads a block: the header and directory are checked once when it is opened, a column's chunk
// when that column is decoded. docs/formats/block.md draws the bytes.

package import Base
package import Model

/// An immutable column block. Copies share the bytes.
package struct Block: Sendable {
    let storage: BlockStorage
    package let rowCount: Int
    /// Columns that some row has a value in, `keen.timestamp` included.
    package let columnCount: Int
    package let byteCount: Int
    package let isSortedByTimestamp: Bool
    /// The least and greatest time of the rows; 0 in a block without rows.
    package let minTimestamp: Int64
    package let maxTimestamp: Int64
    /// What has been taken out since the block was written. Counts, times and zone maps of the
    /// header still include it.
    package private(set) var edits = BlockEdits()
    /// Where decoded dictionaries of it are kept, if anywhere.
    private(set) var dictionaries: BlockDictionaries?
    private let pathsOffset: Int
    private let pathsByteCount: Int

    /// Reads a block from bytes of its own.
    package init(_ bytes: [UInt8]) throws(BlockError) {
        try self.init(storage: BlockStorage(copying: bytes))
    }

    /// Reads a block that lies in memory kept alive by `owner` and never written again.
    package init(
        region: UnsafeRawBufferPointer, owner: any AnyObject & Sendable
    ) throws(BlockError) {
        try self.init(storage: BlockStorage(region: region, owner: owner))
    }

    /// Reads a block out of a mapped file.
    package init(_ file: MappedFile, range: Range<Int>) throws(BlockError) {
        guard range.lowerBound >= 0, range.upperBound <= file.byteCount else {
            throw BlockError(
                code: .truncated, offset: 0,
                message: "bytes \(range) lie outside the \(file.byteCount) of the file")
        }
        try self.init(region: UnsafeRawBufferPointer(rebasing: file.bytes[range]), owner: file)
    }

    private init(storage: BlockStorage) throws(BlockError) {
        let headerCount = try Self.checkedHeader(storage)
        self.storage = storage
        rowCount = Int(storage.readUInt32(BlockLayout.rowCountOffset))
        columnCount = Int(storage.readUInt32(BlockLayout.columnCountOffset))
        byteCount = storage.bytes.count
        isSortedByTimestamp =
            storage.bytes[BlockLayout.flagsOffset] & BlockLayout.flagSorted != 0
        minTimestamp = Int64(bitPattern: storage.readUInt64(BlockLayout.minTimestampOffset))
        maxTimestamp = Int64(bitPattern: storage.readUInt64(BlockLayout.maxTimestampOffset))
        pathsOffset = BlockLayout.fixedByteCount + columnCount * BlockLayout.entryByteCount
        pathsByteCount = headerCount - pathsOffset
        try checkDirectory()
    }

    /// The same block with less in it. `edits.live` has a byte for every row, if it is there.
    package func edited(by edits: BlockEdits) -> Block {
        precondition(edits.live.map { $0.count == rowCount } ?? true, "edits of another block")
        var block = self
        block.edits = edits
        return block
    }

    /// The same block, which keeps the dictionaries that queries decode. Copies share them.
    package func keeping(dictionaries cache: DictionaryCache) -> Block {
        var block = self
        block.dictionaries = BlockDictionaries(cache: cache, block: cache.takeNumber())
        return block
    }

    // MARK: Columns

    /// The column's chunk, or nil when every row misses the property.
    package func column(_ path: PropertyPath) -> ColumnChunk? {
        guard edits.hidden.isEmpty || !edits.hides(path.text.utf8) else { return nil }
        var text = path.text
        return text.withUTF8 { wanted in
            var low = 0
            var high = columnCount
            while low < high {
                let middle = (low + high) / 2
                let order = Self.compare(pathBytes(at: middle), UnsafeRawBufferPointer(wanted))
                if order == 0 { return column(at: middle) }
                if order < 0 { low = middle + 1 } else { high = middle }
            }
            return nil
        }
    }

    /// Positions of the columns that have not been taken out.
    package var visibleColumns: [Int] {
        guard !edits.hidden.isEmpty else { return Array(0..<columnCount) }
        return (0..<columnCount).filter { position in
            withExtendedLifetime(storage) { !edits.hides(pathBytes(at: position)) }
        }
    }

    /// The column at a position of the directory, which is ordered by the bytes of the paths.
    package func column(at position: Int) -> ColumnChunk {
        precondition(position >= 0 && position < columnCount, "no such column")
        return ColumnChunk(block: self, entry: entryOffset(position))
    }

    /// Reads every chunk's bytes and holds them against their checksums.
    package func verifyChecksums() throws(BlockError) {
        for position in 0..<columnCount { try column(at: position).verifyChecksum() }
    }

    /// Throws `unreadable` if the disk has not delivered a part of the file. Ask after reading, for
    /// what was read until then.
    package func checkReadable() throws(BlockError) {
        guard storage.hasFaulted else { return }
        throw BlockError(
            code: .unreadable, offset: 0, message: "the disk cannot read the file")
    }

    /// The header against its checksum once more: memory of a mapped file may have been read from
    /// the disk again since the block was opened.
    package func verifyHeader() throws(BlockError) {
        guard try Self.checkedHeader(storage) == pathsOffset + pathsByteCount else {
            throw BlockError(
                code: .checksum, offset: BlockLayout.headerByteCountOffset,
                message: "the header is not the one that was there before")
        }
    }

    /// Every chunk's bytes against the checksum, and every value decoded once.
    package func verifyValues() throws(BlockError) {
        for position in 0..<columnCount { _ = try column(at: position).decode() }
        try checkReadable()
    }

    /// That all bytes which belong to no column are zero.
    package func verifyPadding() throws(BlockError) {
        let ranges = (0..<columnCount).map { column(at: $0).byteRange }
            .sorted { $0.lowerBound < $1.lowerBound }
        var end = Int(storage.readUInt32(BlockLayout.headerByteCountOffset))
        for range in ranges + [byteCount..<byteCount] {
            for offset in end..<max(end, range.lowerBound) where storage.bytes[offset] != 0 {
                throw BlockError(
                    code: .invalid, offset: offset, message: "a byte between columns is not 0")
            }
            end = range.upperBound
        }
    }

    /// Bytes that a builder takes for the block's values, roughly and from the directory alone.
    package var approximateByteCount: Int {
        (0..<columnCount).reduce(byteCount) {
            let column = column(at: $1)
            return $0 + (rowCount - column.missingCount) * ColumnEntries.entryByteCount
        }
    }

    // MARK: Places

    private func entryOffset(_ position: Int) -> Int {
        BlockLayout.fixedByteCount + position * BlockLayout.entryByteCount
    }

    func pathBytes(entry: Int) -> UnsafeRawBufferPointer {
        let begin = pathsOffset + Int(storage.readUInt32(entry + BlockLayout.Entry.pathOffset))
        let count = Int(storage.readUInt32(entry + BlockLayout.Entry.pathByteCount))
        return UnsafeRawBufferPointer(rebasing: storage.bytes[begin..<begin + count])
    }

    private func pathBytes(at position: Int) -> UnsafeRawBufferPointer {
        pathBytes(entry: entryOffset(position))
    }

    /// Negative, zero or positive, as memcmp; a prefix comes first.
    private static func compare(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
    ) -> Int {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return Int(left[index]) - Int(right[index])
        }
        return left.count - right.count
    }

    // MARK: Checks

    /// The header's byte count, after everything that needs no directory has been checked.
    private static func checkedHeader(_ storage: BlockStorage) throws(BlockError) -> Int {
        let size = storage.bytes.count
        guard size >= BlockLayout.fixedByteCount else {
            throw BlockError(
                code: .truncated, offset: size,
                message: "\(size) bytes are fewer than a header has")
        }
        guard storage.readUInt32(0) == BlockLayout.magic else {
            throw BlockError(code: .notABlock, offset: 0, message: "these bytes are not a block")
        }
        guard storage.bytes[BlockLayout.versionOffset] == BlockLayout.version else {
            throw BlockError(
                code: .notABlock, offset: BlockLayout.versionOffset,
                message: "version \(storage.bytes[BlockLayout.versionOffset]) is not known here")
        }
        let headerCount = Int(storage.readUInt32(BlockLayout.headerByteCountOffset))
        guard headerCount >= BlockLayout.fixedByteCount, headerCount <= size else {
            throw BlockError(
                code: .truncated, offset: BlockLayout.headerByteCountOffset,
                message: "a header of \(headerCount) bytes in a block of \(size)")
        }
        let checked = storage.bytes[BlockLayout.checkedFrom..<headerCount]
        guard
            crc32c(UnsafeRawBufferPointer(rebasing: checked))
                == storage.readUInt32(BlockLayout.checksumOffset)
        else {
            throw BlockError(
                code: .checksum, offset: BlockLayout.checksumOffset,
                message: "the header does not match its checksum")
        }
        return headerCount
    }

    private func checkDirectory() throws(BlockError) {
        guard rowCount <= Limits.blockRowsMax else {
            throw BlockError(
                code: .invalid, offset: BlockLayout.rowCountOffset,
                message: "\(rowCount) rows are more than \(Limits.blockRowsMax)")
        }
        guard Int(storage.readUInt32(BlockLayout.byteCountOffset)) == byteCount else {
            throw BlockError(
                code: .truncated, offset: BlockLayout.byteCountOffset,
                message: "the block has not the \(byteCount) bytes it was read with")
        }
        guard pathsByteCount >= 0 else {
            throw BlockError(
                code: .invalid, offset: BlockLayout.columnCountOffset,
                message: "the directory does not fit into the header")
        }
        for position in 0..<columnCount {
            try checkEntry(at: position)
        }
    }

    private func checkEntry(at position: Int) throws(BlockError) {
        let entry = entryOffset(position)
        func field(_ offset: Int) -> Int { Int(storage.readUInt32(entry + offset)) }
        let pathEnd =
            field(BlockLayout.Entry.pathOffset) + field(BlockLayout.Entry.pathByteCount)
        let chunkEnd =
            field(BlockLayout.Entry.chunkOffset) + field(BlockLayout.Entry.chunkByteCount)
        guard pathEnd <= pathsByteCount, chunkEnd <= byteCount else {
            throw BlockError(
                code: .invalid, offset: entry,
                message: "directory entry \(position) points outside the block")
        }
        let bits = (
            storage.readUInt64(entry + BlockLayout.Entry.minimum),
            storage.readUInt64(entry + BlockLayout.Entry.maximum)
        )
        guard
            field(BlockLayout.Entry.missingCount) <= rowCount,
            field(BlockLayout.Entry.nullCount) <= rowCount,
            NumberRange(form: storage.bytes[entry + BlockLayout.Entry.range], bits: bits) != nil
        else {
            throw BlockError(
                code: .invalid, offset: entry,
                message: "directory entry \(position) has an impossible zone map")
        }
        guard
            position == 0 || Self.compare(pathBytes(at: position - 1), pathBytes(at: position)) < 0
        else {
            throw BlockError(
                code: .invalid, offset: entry,
                message: "directory entry \(position) is out of order")
        }
    }
}
