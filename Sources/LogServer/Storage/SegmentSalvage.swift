// Finding sound batches in a segment that is damaged somewhere: behind the damage, every byte may
// be the beginning of the next one.

internal import Base
internal import KafkaWire

/// A part of a segment that holds no sound batch.
struct DamagedPart: Sendable, Equatable {
    /// Bytes.
    var range: Range<Int>
    /// The offset that was expected there.
    var offset: Int64
    /// The offset of the next sound batch, nil if there is none.
    var nextOffset: Int64?
    var reason: String
}

/// Walks over a segment, past damage.
struct SegmentSalvage {
    /// Sound batches, by their bytes.
    private(set) var sound: [Range<Int>] = []
    private(set) var damage: [DamagedPart] = []
    /// After the last sound record.
    private(set) var nextOffset: Int64

    /// Reads all from byte `start` on, where `offset` is expected; calls `visit` with each sound
    /// batch and its position. Offsets may leave gaps up to `gapsEnd`, and behind damage.
    init(
        _ file: any LogFile, from start: Int = 0, offset: Int64, gapsEnd: Int64,
        visit: (RecordBatchHeader, ArraySlice<UInt8>, Int) throws -> Void = { _, _, _ in }
    ) throws {
        nextOffset = offset
        let end = try file.byteCount()
        var position = start
        var bad: DamagedPart?
        while position < end {
            do {
                // Many candidates are none: then little is read for each.
                var walk = BatchWalk(
                    file, range: position..<end,
                    windowBytes: bad == nil
                        ? Limits.logScanWindowBytes : Limits.logIndexIntervalBytes)
                while let header = try walk.header() {
                    guard
                        header.follows(
                            nextOffset, gapsEnd: bad == nil ? gapsEnd : Self.reach(nextOffset))
                    else {
                        throw KafkaWireError.invalidBatch(
                            "offset \(header.baseOffset) where \(nextOffset) was expected")
                    }
                    let batch = try walk.batch(header)
                    _ = try RecordBatchHeader.validated(batch)
                    close(&bad, at: position, offset: header.baseOffset)
                    try visit(header, batch, position)
                    sound.append(position..<position + header.totalByteCount)
                    nextOffset = header.nextOffset
                    walk.skip(header)
                    position = walk.position
                }
            } catch let error as KafkaWireError {
                if bad == nil {
                    bad = DamagedPart(
                        range: position..<position, offset: nextOffset, reason: "\(error)")
                }
                position = try Self.candidate(in: file, from: position + 1, end: end)
            }
        }
        close(&bad, at: end, offset: nil)
    }

    /// Offsets that can stand in the same segment, so that random bytes are rarely worth a look.
    private static func reach(_ offset: Int64) -> Int64 {
        offset > Int64.max - Int64(Int32.max) ? .max : offset + Int64(Int32.max)
    }

    private mutating func close(_ bad: inout DamagedPart?, at position: Int, offset: Int64?) {
        guard var part = bad else { return }
        part.range = part.range.lowerBound..<position
        part.nextOffset = offset
        damage.append(part)
        bad = nil
    }

    /// The next position from `start` on at which a batch could begin: format 2, and a length that
    /// fits into the file.
    private static func candidate(
        in file: any LogFile, from start: Int, end: Int
    ) throws(DiskError) -> Int {
        let need = RecordBatchHeader.byteCount
        var position = start
        while position + need <= end {
            let window = try file.read(
                min(Limits.logScanWindowBytes, end - position), at: position)
            guard window.count >= need else { return end }
            for index in 0...(window.count - need) where window[index + 16] == 2 {
                let length = window[index + 8..<index + 12].reduce(0) { $0 << 8 | Int($1) }
                let total = length + RecordBatchHeader.overheadByteCount
                if length >= RecordBatchHeader.batchLengthMin, position + index + total <= end {
                    return position + index
                }
            }
            position += window.count - need + 1
        }
        return end
    }

    /// The offset after the last sound batch behind a torn one: what is lost when that is cut off.
    static func end(
        of file: any LogFile, behind position: Int, offset: Int64
    ) throws -> Int64 {
        try SegmentSalvage(file, from: position, offset: offset, gapsEnd: .max).nextOffset
    }
}
