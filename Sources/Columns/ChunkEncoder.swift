// Encodes one column: which row has which tag, then the values of each kind, packed.

internal import Kernels

/// The writing half of one chunk. The entries are in the block's row order.
struct ChunkEncoder {
    let entries: ColumnEntries
    let rowCount: Int
    let form: BlockForm

    private var missingCount: Int { rowCount - entries.count }

    private var kinds: TagSet {
        var bits: UInt8 = entries.tags.reduce(0) { $0 | 1 << $1 }
        if missingCount > 0 { bits |= TagSet.missing.rawValue }
        return TagSet(rawValue: bits)
    }

    var summary: ColumnSummary {
        let nulls = entries.tags.reduce(0) { $0 + ($1 == Tag.null.rawValue ? 1 : 0) }
        return ColumnSummary(
            kinds: kinds, range: numberRange, missingCount: missingCount, nullCount: nulls)
    }

    private var numberRange: NumberRange {
        let kinds = self.kinds
        if kinds.contains(.double) {
            let numbers = doubles + ints.map(Double.init)
            return .doubles((numbers.min() ?? 0)...(numbers.max() ?? 0))
        }
        guard kinds.contains(.int) else { return .none }
        return ints.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return .none }
            let (least, greatest) = ColumnLoops.extremes(base, count: values.count)
            return .ints(least...greatest)
        }
    }

    private func payloads(of tag: Tag) -> [UInt64] {
        var found: [UInt64] = []
        found.reserveCapacity(entries.count)
        for index in 0..<entries.count where entries.tags[index] == tag.rawValue {
            found.append(entries.payloads[index])
        }
        return found
    }

    private var ints: [Int64] { payloads(of: .int).map { Int64(bitPattern: $0) } }
    private var doubles: [Double] { payloads(of: .double).map { Double(bitPattern: $0) } }

    func encode(into chunk: inout [UInt8]) {
        guard rowCount > 0 else { return }
        encodeTags(into: &chunk)
        let kinds = self.kinds
        if kinds.contains(.int) { IntegerCoding.encode(ints, into: &chunk) }
        if kinds.contains(.double) { DoubleCoding.encode(doubles, into: &chunk) }
        if !kinds.isDisjoint(with: .texts) {
            TextCoding(entries: entries, form: form).encode(into: &chunk)
        }
    }

    // MARK: Tags

    private func encodeTags(into chunk: inout [UInt8]) {
        let kinds = self.kinds
        let present = kinds.tags
        if present.count == 1 {
            chunk.append(BlockLayout.TagForm.uniform)
            chunk.append(present[0].rawValue)
            return
        }
        let bits = BitPacking.width(of: UInt64(present.count - 1))
        let packedCount = BitPacking.byteCount(count: rowCount, width: bits)
        // A present row costs its position, at most 16 bits, and its tag: worth it when few are.
        if missingCount > 0, entries.count * (16 + bits) / 8 + 24 < packedCount {
            return encodeSparseTags(kinds.subtracting(.missing), into: &chunk)
        }
        chunk.append(BlockLayout.TagForm.packed)
        chunk.append(kinds.rawValue)
        var positions = [UInt32](repeating: 0, count: 8)
        for (position, tag) in present.enumerated() {
            positions[Int(tag.rawValue)] = UInt32(position)
        }
        var codes = [UInt32](repeating: positions[0], count: rowCount)
        for index in 0..<entries.count {
            codes[Int(entries.rows[index])] = positions[Int(entries.tags[index])]
        }
        chunk.appendPacked(codes, width: bits)
    }

    private func encodeSparseTags(_ kinds: TagSet, into chunk: inout [UInt8]) {
        chunk.append(BlockLayout.TagForm.sparse)
        chunk.append(kinds.rawValue)
        chunk.append(littleEndian: UInt32(entries.count))
        IntegerCoding.encode(entries.rows.map(Int64.init), into: &chunk)
        let present = kinds.tags
        var positions = [UInt32](repeating: 0, count: 8)
        for (position, tag) in present.enumerated() {
            positions[Int(tag.rawValue)] = UInt32(position)
        }
        chunk.appendPacked(
            entries.tags.map { positions[Int($0)] },
            width: BitPacking.width(of: UInt64(present.count - 1)))
    }
}

extension [UInt8] {
    /// Appends numbers below 2^width.
    mutating func appendPacked(_ values: [UInt32], width: Int) {
        append(count: BitPacking.byteCount(count: values.count, width: width)) { target in
            values.withUnsafeBufferPointer { values in
                guard let base = values.baseAddress else { return }
                BitPacking.pack(base, count: values.count, width: width, into: target)
            }
        }
    }

    /// Appends numbers of at least `base`, less than 2^width above it.
    mutating func appendPacked(_ values: [Int64], base: Int64, width: Int) {
        append(count: BitPacking.byteCount(count: values.count, width: width)) { target in
            values.withUnsafeBufferPointer { values in
                guard let first = values.baseAddress else { return }
                BitPacking.pack(first, count: values.count, base: base, width: width, into: target)
            }
        }
    }
}
