// One column of one block: what the directory knows about it, and its decoding.

internal import Base
internal import Kernels
internal import Model

/// A column of a block, not decoded yet.
package struct ColumnChunk: Sendable {
    private let block: Block
    /// Byte of the directory entry within the block.
    private let entry: Int

    init(block: Block, entry: Int) {
        self.block = block
        self.entry = entry
    }

    // MARK: What the directory says

    package var path: String { withPathBytes { String(decoding: $0, as: UTF8.self) } }

    package func withPathBytes<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        withExtendedLifetime(block.storage) {
            body(block.pathBytes(entry: entry).bindMemory(to: UInt8.self))
        }
    }

    /// Whether it is the column of times.
    package var isTimestamp: Bool {
        withPathBytes { $0.elementsEqual(PropertyPath.timestamp.text.utf8) }
    }

    package var rowCount: Int { block.rowCount }
    package var kinds: TagSet {
        TagSet(rawValue: block.storage.bytes[entry + BlockLayout.Entry.kinds])
    }
    package var missingCount: Int { field(BlockLayout.Entry.missingCount) }
    package var nullCount: Int { field(BlockLayout.Entry.nullCount) }
    package var byteCount: Int { field(BlockLayout.Entry.chunkByteCount) }

    package var numberRange: NumberRange {
        let bits = (
            block.storage.readUInt64(entry + BlockLayout.Entry.minimum),
            block.storage.readUInt64(entry + BlockLayout.Entry.maximum)
        )
        // `Block.init` has refused forms that are not known.
        return NumberRange(form: block.storage.bytes[entry + BlockLayout.Entry.range], bits: bits)
            ?? .none
    }

    package var summary: ColumnSummary {
        ColumnSummary(
            kinds: kinds, range: numberRange, missingCount: missingCount, nullCount: nullCount)
    }

    private func field(_ offset: Int) -> Int { Int(block.storage.readUInt32(entry + offset)) }

    private var chunkOffset: Int { field(BlockLayout.Entry.chunkOffset) }

    /// Where in the block the chunk is.
    var byteRange: Range<Int> { chunkOffset..<chunkOffset + byteCount }

    private var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: block.storage.bytes[byteRange])
    }

    // MARK: Decoding

    /// Says that it will be decoded soon.
    package func willDecode() { block.storage.willRead(byteRange) }

    package func verifyChecksum() throws(BlockError) {
        guard crc32c(bytes) == block.storage.readUInt32(entry + BlockLayout.Entry.chunkChecksum)
        else {
            throw BlockError(
                code: .checksum, column: path, offset: chunkOffset,
                message: "the column does not match its checksum")
        }
    }

    /// Checks the chunk's checksum and decodes it. For queries, which come again, the dictionary
    /// is kept where the block keeps them.
    package func decode(keepsDictionary: Bool = false) throws(BlockError) -> DecodedColumn {
        let kept = keepsDictionary ? block.dictionaries : nil
        let outcome: Result<DecodedColumn, BlockError>
        var known = kept?.cache.find(block: kept?.block ?? 0, entry: entry)
        let isKnown = known != nil
        do throws(BlockError) { outcome = .success(try decodeBytes(&known)) } catch {
            outcome = .failure(error)
        }
        // Whatever came of it: pages may turn into zeros between the checksum and the values.
        guard !block.storage.hasFaulted else { throw unreadable }
        let column = try outcome.get()
        if let kept, !isKnown, let known {
            kept.cache.keep(known, block: kept.block, entry: entry)
        }
        return column
    }

    /// The doubles of a column that has nothing else, if they are kept as integers over a power of
    /// ten: sums of those are exact and need no quotient for each row. Checked like `decode`.
    package func decodeDecimals() throws(BlockError) -> Decimals? {
        guard kinds == TagSet(.double), rowCount > 0 else { return nil }
        defer { withExtendedLifetime(block.storage) {} }
        try verifyChecksum()
        var reader = ChunkReader(bytes, blockOffset: chunkOffset, column: path)
        _ = try decodeTags(&reader)
        guard let decimals = try DoubleCoding.decodeDecimals(count: rowCount, from: &reader) else {
            return nil
        }
        guard reader.isAtEnd else { throw reader.invalid("bytes after the end of the column") }
        guard !block.storage.hasFaulted else { throw unreadable }
        return decimals
    }

    private var unreadable: BlockError {
        BlockError(
            code: .unreadable, column: path, offset: chunkOffset,
            message: "the disk cannot read the file")
    }

    /// `known` is the column's dictionary, if it is, and in the end.
    private func decodeBytes(
        _ known: inout DictionaryCache.Entry?
    ) throws(BlockError) -> DecodedColumn {
        // Pointers into the storage are used below.
        defer { withExtendedLifetime(block.storage) {} }
        willDecode()
        try verifyChecksum()
        guard rowCount > 0 else { return DecodedColumn(rowCount: 0, tags: .uniform(.missing)) }
        var reader = ChunkReader(bytes, blockOffset: chunkOffset, column: path)
        let tags = try decodeTags(&reader)
        var column = DecodedColumn(rowCount: rowCount, tags: tags)
        if kinds.contains(.int) {
            let count = self.count(of: .int, in: tags)
            let packed = try IntegerCoding.decode(count: count, from: &reader)
            column.ints = spread(packed, tag: .int, tags: tags)
        }
        if kinds.contains(.double) {
            let count = self.count(of: .double, in: tags)
            let packed = try DoubleCoding.decode(count: count, from: &reader)
            column.doubles = spread(packed, tag: .double, tags: tags)
        }
        if !kinds.isDisjoint(with: .texts) { try decodeTexts(&reader, &known, into: &column) }
        guard reader.isAtEnd else { throw reader.invalid("bytes after the end of the column") }
        return column
    }

    private func decodeTags(_ reader: inout ChunkReader) throws(BlockError) -> RowTags {
        switch try reader.readByte() {
        case BlockLayout.TagForm.uniform:
            guard let tag = Tag(rawValue: try reader.readByte()), kinds == TagSet(tag) else {
                throw reader.invalid("a tag that the directory does not name")
            }
            return .uniform(tag)
        case BlockLayout.TagForm.packed:
            guard try reader.readByte() == kinds.rawValue else {
                throw reader.invalid("tags that the directory does not name")
            }
            return .mixed(try decodePackedTags(kinds, count: rowCount, &reader))
        case BlockLayout.TagForm.sparse: return .mixed(try decodeSparseTags(&reader))
        default: throw reader.invalid("unknown form of tags")
        }
    }

    private func decodePackedTags(
        _ kinds: TagSet, count: Int, _ reader: inout ChunkReader
    ) throws(BlockError) -> [UInt8] {
        let present = kinds.tags
        guard !present.isEmpty else { throw reader.invalid("no tags at all") }
        let width = BitPacking.width(of: UInt64(present.count - 1))
        let codes = try reader.readPacked(count: count, width: width)
        var table = SIMD8<UInt8>(repeating: 0)
        for (position, tag) in present.enumerated() { table[position] = tag.rawValue }
        var greatest: UInt32 = 0
        let tags = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            filled = count
            codes.withUnsafeBufferPointer { codes in
                guard let source = codes.baseAddress, let target = target.baseAddress else {
                    return
                }
                greatest = ColumnLoops.greatest(source, count: count)
                ColumnLoops.lookUp(source, count: count, table: table, into: target)
            }
        }
        guard greatest < present.count else { throw reader.invalid("a tag that does not exist") }
        return tags
    }

    private func decodeSparseTags(_ reader: inout ChunkReader) throws(BlockError) -> [UInt8] {
        let kindsBelow = TagSet(rawValue: try reader.readByte())
        let count = Int(try reader.readUInt32())
        guard kindsBelow.union(.missing) == kinds, !kindsBelow.contains(.missing),
            count < rowCount
        else { throw reader.invalid("tags that the directory does not name") }
        let rows = try IntegerCoding.decode(count: count, from: &reader)
        let present = try decodePackedTags(kindsBelow, count: count, &reader)
        var tags = [UInt8](repeating: Tag.missing.rawValue, count: rowCount)
        var previous: Int64 = -1
        for index in 0..<count {
            let row = rows[index]
            guard row > previous, row < Int64(rowCount) else {
                throw reader.invalid("rows out of order")
            }
            tags[Int(row)] = present[index]
            previous = row
        }
        return tags
    }

    private func decodeTexts(
        _ reader: inout ChunkReader, _ known: inout DictionaryCache.Entry?,
        into column: inout DecodedColumn
    ) throws(BlockError) {
        let count =
            self.count(of: .string, in: column.tags) + self.count(of: .json, in: column.tags)
        let dictionary = try decodeDictionary(&reader, &known, rowCount: count)
        var codes: [UInt32]
        switch try reader.readByte() {
        case BlockLayout.CodeForm.sequential:
            guard dictionary.count == count else { throw reader.invalid("texts are missing") }
            codes = [UInt32](unsafeUninitializedCapacity: count) { codes, filled in
                for code in 0..<count { codes[code] = UInt32(truncatingIfNeeded: code) }
                filled = count
            }
        case BlockLayout.CodeForm.packed:
            let width = Int(try reader.readByte())
            codes = try reader.readPacked(count: count, width: width)
        default: throw reader.invalid("unknown form of codes")
        }
        let greatest = codes.withUnsafeBufferPointer { codes in
            codes.baseAddress.map { ColumnLoops.greatest($0, count: codes.count) } ?? 0
        }
        guard count == 0 || Int(greatest) < dictionary.count else {
            throw reader.invalid("a code beyond the dictionary")
        }
        column.codes = spread(codes, tags: column.tags)
        column.dictionary = dictionary
    }

    private func decodeDictionary(
        _ reader: inout ChunkReader, _ known: inout DictionaryCache.Entry?, rowCount: Int
    ) throws(BlockError) -> StringDictionary {
        if let known {
            _ = try reader.take(known.encodedByteCount)
            return known.dictionary
        }
        let begin = reader.position
        let dictionary = try StringDictionary(from: &reader, rowCount: rowCount)
        known = DictionaryCache.Entry(
            dictionary: dictionary, encodedByteCount: reader.position - begin)
        return dictionary
    }

    // MARK: From packed values to rows

    private func count(of tag: Tag, in tags: RowTags) -> Int {
        switch tags {
        case .uniform(let uniform): uniform == tag ? rowCount : 0
        case .mixed(let tags):
            tags.withUnsafeBufferPointer { tags in
                tags.baseAddress.map {
                    ColumnLoops.count($0, count: tags.count, equalTo: tag.rawValue)
                } ?? 0
            }
        }
    }

    /// `Element` is 64 bits wide.
    private func spread<Element: BitwiseCopyable>(
        _ packed: [Element], tag: Tag, tags: RowTags
    ) -> [Element] {
        guard case .mixed(let tags) = tags else { return packed }
        guard let last = packed.last else { return [] }
        let padded = packed + [last]
        return [Element](unsafeUninitializedCapacity: rowCount) { target, filled in
            filled = rowCount
            padded.withUnsafeBytes { padded in
                tags.withUnsafeBufferPointer { tags in
                    guard let source = padded.baseAddress, let tags = tags.baseAddress,
                        let target = target.baseAddress
                    else { return }
                    ColumnLoops.spread(
                        source.assumingMemoryBound(to: UInt64.self), tags: tags, count: rowCount,
                        tag: tag.rawValue,
                        into: UnsafeMutableRawPointer(target).assumingMemoryBound(to: UInt64.self))
                }
            }
        }
    }

    private func spread(_ packed: [UInt32], tags: RowTags) -> [UInt32] {
        guard case .mixed(let tags) = tags else { return packed }
        let padded = packed + [0]
        return [UInt32](unsafeUninitializedCapacity: rowCount) { target, filled in
            filled = rowCount
            padded.withUnsafeBufferPointer { padded in
                tags.withUnsafeBufferPointer { tags in
                    guard let source = padded.baseAddress, let tags = tags.baseAddress,
                        let target = target.baseAddress
                    else { return }
                    ColumnLoops.spread(
                        source, tags: tags, count: rowCount,
                        tags: (Tag.string.rawValue, Tag.json.rawValue), into: target)
                }
            }
        }
    }
}
