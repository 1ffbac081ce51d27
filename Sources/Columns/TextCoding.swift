// Strings and JSON texts: a dictionary of the distinct ones in order of first appearance, strings
// before JSON texts, and one code a row; no codes when every row's text is new (ids).

internal import Base
internal import Compression
internal import Kernels

/// Writes the texts of one column.
struct TextCoding {
    let entries: ColumnEntries
    let form: BlockForm

    /// Dictionaries below this gain nothing worth a decompression. A choice.
    private static let compressedFrom = 4096

    func encode(into chunk: inout [UInt8]) {
        var strings = Renumbering(entries.strings)
        var documents = Renumbering(entries.documents)
        var codes: [UInt32] = []
        var isDocument: [Bool] = []
        for index in 0..<entries.count {
            let payload = Int(truncatingIfNeeded: entries.payloads[index])
            switch entries.tags[index] {
            case Tag.string.rawValue:
                codes.append(strings.code(of: payload))
                isDocument.append(false)
            case Tag.json.rawValue:
                codes.append(documents.code(of: payload))
                isDocument.append(true)
            default: break
            }
        }
        let stringCount = strings.order.count
        if stringCount > 0, !documents.order.isEmpty {
            for index in codes.indices where isDocument[index] {
                codes[index] += UInt32(stringCount)
            }
        }
        chunk.append(littleEndian: UInt32(stringCount + documents.order.count))
        chunk.append(littleEndian: UInt32(stringCount))
        encodeTexts(
            [(entries.strings, strings.order), (entries.documents, documents.order)],
            into: &chunk)
        encode(codes: codes, count: stringCount + documents.order.count, into: &chunk)
    }

    private func encode(codes: [UInt32], count: Int, into chunk: inout [UInt8]) {
        if count == codes.count, codes.enumerated().allSatisfy({ $0.element == $0.offset }) {
            chunk.append(BlockLayout.CodeForm.sequential)
            return
        }
        let width = BitPacking.width(of: UInt64(max(count, 1) - 1))
        chunk.append(BlockLayout.CodeForm.packed)
        chunk.append(UInt8(width))
        chunk.appendPacked(codes, width: width)
    }

    /// The lengths, then all bytes together, compressed if that is worth it.
    private func encodeTexts(
        _ parts: [(ByteInterner, [Int])], into chunk: inout [UInt8]
    ) {
        var lengths: [Int64] = []
        var bytes: [UInt8] = []
        for (interner, order) in parts {
            for code in order {
                lengths.append(Int64(interner.range(of: code).count))
                bytes.append(contentsOf: interner[code])
            }
        }
        IntegerCoding.encode(lengths, into: &chunk)
        chunk.append(littleEndian: UInt32(bytes.count))
        if form == .sealed, bytes.count >= Self.compressedFrom, let frame = compressed(bytes) {
            chunk.append(BlockLayout.TextForm.zstd)
            chunk.append(littleEndian: UInt32(frame.count))
            chunk.append(contentsOf: frame)
        } else {
            chunk.append(BlockLayout.TextForm.plain)
            chunk.append(contentsOf: bytes)
        }
    }

    /// Nil unless it saves an eighth.
    private func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        // A library that is out of memory costs space here and nothing else.
        guard let frame = try? bytes.withUnsafeBytes({ try Zstd.compress($0) }) else { return nil }
        return frame.count <= bytes.count / 8 * 7 ? frame : nil
    }

    /// Numbers a dictionary's texts anew in order of first use; texts no longer used drop out.
    private struct Renumbering {
        private var codes: [UInt32]
        private(set) var order: [Int] = []

        init(_ interner: ByteInterner) {
            codes = [UInt32](repeating: .max, count: interner.count)
        }

        mutating func code(of old: Int) -> UInt32 {
            if codes[old] == .max {
                codes[old] = UInt32(order.count)
                order.append(old)
            }
            return codes[old]
        }
    }
}

extension StringDictionary {
    /// Reads a dictionary whose texts are those of at most `rowCount` rows.
    init(from reader: inout ChunkReader, rowCount: Int) throws(BlockError) {
        let count = Int(try reader.readUInt32())
        let stringCount = Int(try reader.readUInt32())
        guard count <= rowCount, stringCount <= count else {
            throw reader.invalid("a dictionary of \(count) texts for \(rowCount) rows")
        }
        let lengths = try IntegerCoding.decode(count: count, from: &reader)
        let byteCount = Int(try reader.readUInt32())
        guard byteCount <= Limits.blockBytesMax else {
            throw reader.invalid("a dictionary of \(byteCount) bytes")
        }
        var offsets: [UInt32] = [0]
        offsets.reserveCapacity(count + 1)
        var end: Int64 = 0
        for length in lengths {
            guard length >= 0, length <= Int64(byteCount) - end else {
                throw reader.invalid("text lengths that do not add up")
            }
            end += length
            offsets.append(UInt32(end))
        }
        guard end == byteCount else { throw reader.invalid("text lengths that do not add up") }
        let bytes = try Self.readTexts(byteCount, from: &reader)
        self.init(bytes: bytes, offsets: offsets, stringCount: stringCount)
    }

    private static func readTexts(
        _ count: Int, from reader: inout ChunkReader
    ) throws(BlockError) -> [UInt8] {
        switch try reader.readByte() {
        case BlockLayout.TextForm.plain:
            return Array(UnsafeRawBufferPointer(start: try reader.take(count), count: count))
        case BlockLayout.TextForm.zstd:
            let frameCount = Int(try reader.readUInt32())
            let frame = UnsafeRawBufferPointer(
                start: try reader.take(frameCount), count: frameCount)
            do {
                return try Zstd.decompress(frame, count: count)
            } catch {
                throw reader.invalid(error.message)
            }
        default: throw reader.invalid("unknown form of texts")
        }
    }
}
