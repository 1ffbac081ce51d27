// Encodes one column: which row has which tag, then the values of each kind, packed.

internal import Kernels

/// The writing half of one chunk. The entries are in the block's row order.
struct ChunkEncoder {
    private let entries: ColumnEntries
    private let rowCount: Int
    private let form: BlockForm
    private let kinds: TagSet
    /// The values of one kind where there are other kinds too; otherwise they are the payloads.
    private var mixedInts: [UInt64] = []
    private var mixedDoubles: [UInt64] = []
    let summary: ColumnSummary

    init(entries: ColumnEntries, rowCount: Int, form: BlockForm) {
        self.entries = entries
        self.rowCount = rowCount
        self.form = form
        let tags = entries.mixedTags
        var bits: UInt8 = 0
        var nulls = 0
        if entries.isUniform {
            if entries.count > 0 { bits = 1 << entries.uniformTag }
            if entries.uniformTag == Tag.null.rawValue { nulls = entries.count }
        } else {
            for tag in tags {
                bits |= 1 << tag
                nulls += tag == Tag.null.rawValue ? 1 : 0
            }
            for (index, tag) in tags.enumerated() {
                if tag == Tag.int.rawValue { mixedInts.append(entries.payloads[index]) }
                if tag == Tag.double.rawValue { mixedDoubles.append(entries.payloads[index]) }
            }
        }
        let missing = rowCount - entries.count
        if missing > 0 { bits |= TagSet.missing.rawValue }
        kinds = TagSet(rawValue: bits)
        summary = ColumnSummary(
            kinds: kinds,
            range: Self.range(
                kinds, ints: entries.isUniform ? entries.payloads : mixedInts,
                doubles: entries.isUniform ? entries.payloads : mixedDoubles),
            missingCount: missing, nullCount: nulls)
    }

    /// Of the numbers there are: `ints` and `doubles` are looked at only if `kinds` has them.
    private static func range(
        _ kinds: TagSet, ints: [UInt64], doubles: [UInt64]
    ) -> NumberRange {
        var least = 0.0
        var greatest = 0.0
        if kinds.contains(.double) {
            least = .infinity
            greatest = -.infinity
            for bits in doubles {
                let value = Double(bitPattern: bits)
                least = value < least ? value : least
                greatest = value > greatest ? value : greatest
            }
        }
        guard kinds.contains(.int) else {
            return kinds.contains(.double) ? .doubles(least...greatest) : .none
        }
        let extremes = ints.withSignedPointer { ColumnLoops.extremes($0, count: ints.count) }
        guard kinds.contains(.double) else { return .ints(extremes.0...extremes.1) }
        return .doubles(min(least, Double(extremes.0))...max(greatest, Double(extremes.1)))
    }

    func encode(into chunk: inout [UInt8]) {
        guard rowCount > 0 else { return }
        encodeTags(into: &chunk)
        if kinds.contains(.int) {
            let ints = entries.isUniform ? entries.payloads : mixedInts
            ints.withSignedPointer {
                IntegerCoding.encode($0, count: ints.count, into: &chunk)
            }
        }
        if kinds.contains(.double) {
            DoubleCoding.encode(entries.isUniform ? entries.payloads : mixedDoubles, into: &chunk)
        }
        if !kinds.isDisjoint(with: .texts) {
            TextCoding(entries: entries, form: form).encode(into: &chunk)
        }
    }

    // MARK: Tags

    private func encodeTags(into chunk: inout [UInt8]) {
        let present = kinds.tags
        if present.count == 1 {
            chunk.append(BlockLayout.TagForm.uniform)
            chunk.append(present[0].rawValue)
            return
        }
        let bits = BitPacking.width(of: UInt64(present.count - 1))
        let packedCount = BitPacking.byteCount(count: rowCount, width: bits)
        // A present row costs its position, at most 16 bits, and its tag: worth it when few are.
        if entries.count < rowCount, entries.count * (16 + bits) / 8 + 24 < packedCount {
            return encodeSparseTags(kinds.subtracting(.missing), into: &chunk)
        }
        chunk.append(BlockLayout.TagForm.packed)
        chunk.append(kinds.rawValue)
        let positions = Self.positions(present)
        var codes: [UInt32]
        if entries.isDense, entries.count == rowCount {
            codes = entries.mixedTags.map { positions[Int($0)] }
        } else {
            codes = [UInt32](repeating: positions[0], count: rowCount)
            for (index, code) in presentCodes(positions).enumerated() {
                codes[Int(entries.row(at: index))] = code
            }
        }
        chunk.appendPacked(codes, width: bits)
    }

    private func encodeSparseTags(_ kinds: TagSet, into chunk: inout [UInt8]) {
        chunk.append(BlockLayout.TagForm.sparse)
        chunk.append(kinds.rawValue)
        chunk.append(littleEndian: UInt32(entries.count))
        IntegerCoding.encode(entries.rows.map(Int64.init), into: &chunk)
        let present = kinds.tags
        chunk.appendPacked(
            presentCodes(Self.positions(present)),
            width: BitPacking.width(of: UInt64(present.count - 1)))
    }

    /// Where each tag is among those that are there.
    private static func positions(_ present: [Tag]) -> [UInt32] {
        var positions = [UInt32](repeating: 0, count: 8)
        for (position, tag) in present.enumerated() {
            positions[Int(tag.rawValue)] = UInt32(position)
        }
        return positions
    }

    /// The position of the tag of every value that is there.
    private func presentCodes(_ positions: [UInt32]) -> [UInt32] {
        guard !entries.isUniform else {
            return [UInt32](repeating: positions[Int(entries.uniformTag)], count: entries.count)
        }
        return entries.mixedTags.map { positions[Int($0)] }
    }
}

extension [UInt64] {
    /// The same bits as signed numbers. The pointer is good for `count` of them, also for none.
    func withSignedPointer<Result>(_ body: (UnsafePointer<Int64>) -> Result) -> Result {
        withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else {
                var nothing: Int64 = 0
                return body(&nothing)
            }
            return base.withMemoryRebound(to: Int64.self, capacity: buffer.count, body)
        }
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
    mutating func appendPacked(
        _ values: UnsafePointer<Int64>, count: Int, base: Int64, width: Int
    ) {
        append(count: BitPacking.byteCount(count: count, width: width)) { target in
            BitPacking.pack(values, count: count, base: base, width: width, into: target)
        }
    }
}
