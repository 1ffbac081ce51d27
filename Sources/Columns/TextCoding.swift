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
        let codes =
            entries.isUniform
            ? uniformCodes(&strings, &documents) : mixedCodes(&strings, &documents)
        let stringCount = strings.count
        let count = stringCount + documents.count
        chunk.append(littleEndian: UInt32(count))
        chunk.append(littleEndian: UInt32(stringCount))
        encodeTexts([strings, documents], into: &chunk)
        encode(codes: codes, count: count, into: &chunk)
    }

    /// The codes of a column of strings alone, or of JSON texts alone.
    private func uniformCodes(
        _ strings: inout Renumbering, _ documents: inout Renumbering
    ) -> [UInt32] {
        if entries.textsAreInOrder {
            if entries.uniformTag == Tag.string.rawValue {
                strings.keepAll()
            } else {
                documents.keepAll()
            }
            return entries.payloads.map { UInt32(truncatingIfNeeded: $0) }
        }
        return entries.uniformTag == Tag.string.rawValue
            ? strings.codes(of: entries.payloads) : documents.codes(of: entries.payloads)
    }

    private func mixedCodes(
        _ strings: inout Renumbering, _ documents: inout Renumbering
    ) -> [UInt32] {
        var codes: [UInt32] = []
        var isDocument: [Bool] = []
        for (index, tag) in entries.mixedTags.enumerated() {
            let payload = Int(truncatingIfNeeded: entries.payloads[index])
            switch tag {
            case Tag.string.rawValue:
                codes.append(strings.code(of: payload))
                isDocument.append(false)
            case Tag.json.rawValue:
                codes.append(documents.code(of: payload))
                isDocument.append(true)
            default: break
            }
        }
        if strings.count > 0, documents.count > 0 {
            for index in codes.indices where isDocument[index] {
                codes[index] += UInt32(strings.count)
            }
        }
        return codes
    }

    private func encode(codes: [UInt32], count: Int, into chunk: inout [UInt8]) {
        if count == codes.count, Self.isSequential(codes) {
            chunk.append(BlockLayout.CodeForm.sequential)
            return
        }
        let width = BitPacking.width(of: UInt64(max(count, 1) - 1))
        chunk.append(BlockLayout.CodeForm.packed)
        chunk.append(UInt8(width))
        chunk.appendPacked(codes, width: width)
    }

    private static func isSequential(_ codes: [UInt32]) -> Bool {
        for (index, code) in codes.enumerated() where code != index { return false }
        return true
    }

    /// The lengths, then all bytes together, compressed if that is worth it.
    private func encodeTexts(_ parts: [Renumbering], into chunk: inout [UInt8]) {
        var lengths: [Int64] = []
        var bytes: [UInt8] = []
        for part in parts where part.count > 0 { part.append(to: &bytes, lengths: &lengths) }
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
        private let interner: ByteInterner
        /// The new code of each text; empty when all keep theirs.
        private var codes: [UInt32] = []
        private var order: [UInt32] = []
        private(set) var count = 0

        init(_ interner: ByteInterner) { self.interner = interner }

        mutating func keepAll() { count = interner.count }

        mutating func code(of old: Int) -> UInt32 {
            if codes.isEmpty { codes = [UInt32](repeating: .max, count: interner.count) }
            if codes[old] == .max {
                codes[old] = UInt32(count)
                order.append(UInt32(old))
                count += 1
            }
            return codes[old]
        }

        mutating func codes(of payloads: [UInt64]) -> [UInt32] {
            precondition(count == 0, "codes of texts that have others already")
            var order = [UInt32](repeating: 0, count: interner.count)
            codes = [UInt32](repeating: .max, count: interner.count)
            var found = 0
            // Payloads are numbers of texts of the interner.
            let result = [UInt32](unsafeUninitializedCapacity: payloads.count) { result, filled in
                filled = payloads.count
                codes.withUnsafeMutableBufferPointer { codes in
                    order.withUnsafeMutableBufferPointer { order in
                        payloads.withUnsafeBufferPointer { payloads in
                            for index in 0..<payloads.count {
                                let old = Int(truncatingIfNeeded: payloads[index])
                                var code = codes[old]
                                if code == .max {
                                    code = UInt32(truncatingIfNeeded: found)
                                    codes[old] = code
                                    order[found] = UInt32(truncatingIfNeeded: old)
                                    found += 1
                                }
                                result[index] = code
                            }
                        }
                    }
                }
            }
            order.removeLast(order.count - found)
            self.order = order
            count = found
            return result
        }

        func append(to bytes: inout [UInt8], lengths: inout [Int64]) {
            lengths.reserveCapacity(lengths.count + count)
            bytes.reserveCapacity(bytes.count + interner.byteCount)
            guard !codes.isEmpty else {
                for code in 0..<count { lengths.append(Int64(interner.range(of: code).count)) }
                return bytes.append(contentsOf: interner.pool)
            }
            interner.pool.withUnsafeBytes { pool in
                for code in order {
                    let range = interner.range(of: Int(code))
                    lengths.append(Int64(range.count))
                    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: pool[range]))
                }
            }
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
