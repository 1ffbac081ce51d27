// Small segments become few large ones, as they are: blocks are copied byte for byte, and one
// synced batch names their new places. So a store has few files however slowly its collections
// grow.
//
// Segments of similar size are joined, a class being 64 times the one below it, so a block is
// copied once for each class that it passes: once, where a segment began with a full block of
// ordinary events.
//
// A segment of which deletes have left less than half is written anew in the same way, alone or
// with others like it: what is gone leaves the disk.

internal import Base
internal import Columns
internal import Model
internal import RowStore
internal import Synchronization

/// A segment as the manifest knows it.
private struct JoinedSegment {
    var number: UInt64
    /// Of its blocks.
    var byteCount = 0
    /// Keys and records of its blocks, in the order of their rows.
    var blocks: [(key: [UInt8], record: BlockRecord)] = []
}

extension EventStore {
    /// Joins segments of a shard if enough of a size class have come together. Called by one thread
    /// at a time.
    func joinSegments(_ shard: Shard, _ report: inout MergeReport) throws {
        let policy = options.mergePolicy
        guard shard.newSegments.load(ordering: .relaxed) >= policy.joinCount else { return }
        let edition = shard.state.withLock { $0.edition }
        let reader = beginReading()
        defer { reader.end() }
        let known = try sealedSegments(of: shard.id, reader.snapshot)
        let dead = mostlyDead(known)
        guard dead.isEmpty else { return try join(dead, shard, edition, atLeast: 1, &report) }
        let chosen = JoinPlanner.choose(known.map(\.byteCount), policy: policy).map { known[$0] }
        guard !chosen.isEmpty else {
            // The next look is due when as many have come as a class takes.
            return shard.newSegments.store(0, ordering: .relaxed)
        }
        try join(chosen, shard, edition, atLeast: 2, &report)
    }

    /// Segments whose files are more than twice as large as what is in use of them, as many as make
    /// one of a good size.
    private func mostlyDead(_ known: [JoinedSegment]) -> [JoinedSegment] {
        var found: [JoinedSegment] = []
        var byteCount = 0
        for segment in known where byteCount < options.mergePolicy.segmentBytes {
            // One that cannot be opened cannot be read either.
            guard let file = try? segments.segment(segment.number).file,
                file.byteCount >= options.mergePolicy.deadSegmentBytes,
                segment.byteCount < file.byteCount / 2
            else { continue }
            found.append(segment)
            byteCount += segment.byteCount
        }
        return found
    }

    private func sealedSegments(
        of shard: ShardID, _ snapshot: RowSnapshot
    ) throws -> [JoinedSegment] {
        var segments: [UInt64: JoinedSegment] = [:]
        let range = KeyRange.beginning(with: StoreTables.row(shard))
        try snapshot.forEach(StoreTables.blocks, in: range) { cell in
            let record = try BlockRecord(cell.value)
            guard case .sealed(let number, _) = record.place else { return true }
            segments[number, default: JoinedSegment(number: number)].byteCount += record.byteCount
            segments[number]?.blocks.append((cell.key, record))
            return true
        }
        return segments.values.sorted { $0.number < $1.number }
    }

    private func join(
        _ chosen: [JoinedSegment], _ shard: Shard, _ edition: UInt64, atLeast blocksMin: Int,
        _ report: inout MergeReport
    ) throws {
        var target = SegmentBuilder(shard: shard.id, number: try takeSegmentNumber())
        var changes = rows.makeBatch()
        var moved: [UInt64] = []
        for old in chosen {
            // What cannot be read stays where it is, and is found there.
            guard let bytes = try blockBytes(of: old) else { continue }
            for (block, bytes) in zip(old.blocks, bytes) {
                var record = block.record
                var key = KeyReader(block.key)
                _ = try key.readInt32()
                let collection = try StoreTables.readCollection(&key)
                let offset = target.append(
                    bytes, collection: collection, position: try BlockPosition(&key),
                    record: record)
                record.place = .sealed(segment: target.number, offset: offset)
                changes.put(StoreTables.blocks, key: block.key, value: record.encoded)
                moved.append(old.number)
            }
        }
        guard target.entries.count >= blocksMin else {
            return shard.newSegments.store(0, ordering: .relaxed)
        }
        try segments.write(target)
        var batch: WriteBatch? = changes
        let isDone = try shard.state.withLock { state in
            // A delete may have taken blocks away, which must not come back.
            guard state.edition == edition else { return false }
            if let batch = batch.take() { try rows.write(batch, sync: true) }
            return true
        }
        guard isDone else { return try segments.drop(target.number) }
        uses.add(target.number, blocks: target.entries.count)
        readers.retire(uses.release(moved))
        report.joinedSegments += Set(moved).count
        report.segments += 1
        report.segmentBytes += target.byteCount
    }

    /// The bytes of a segment's blocks; nil if one does not match its checksums.
    private func blockBytes(of old: JoinedSegment) throws -> [[UInt8]]? {
        do {
            let segment = try segments.segment(old.number)
            return try old.blocks.map { block in
                guard case .sealed(_, let offset) = block.record.place else { return [] }
                let bytes = try segment.bytes(at: offset, byteCount: block.record.byteCount)
                try Block(bytes).verifyChecksums()
                return bytes
            }
        } catch is BlockError {
            return nil
        } catch let error as EventStoreError where error.code == .damaged { return nil }
    }
}

/// Which segments to join. Pure: sizes in, positions out.
enum JoinPlanner {
    /// How many times larger the segments of a class are than those of the class below.
    private static let classFactor = 64

    /// Positions of the segments to join next, smallest class first; none if no class is full.
    static func choose(_ byteCounts: [Int], policy: MergePolicy) -> [Int] {
        var classes: [Int: [Int]] = [:]
        for (position, byteCount) in byteCounts.enumerated()
        where byteCount < policy.segmentBytes / 2 {
            classes[sizeClass(byteCount, policy), default: []].append(position)
        }
        guard let full = classes.filter({ $0.value.count >= policy.joinCount }).keys.min(),
            let members = classes[full]
        else { return [] }
        var chosen: [Int] = []
        var byteCount = 0
        for position in members where byteCount < policy.segmentBytes {
            chosen.append(position)
            byteCount += byteCounts[position]
        }
        return chosen
    }

    private static func sizeClass(_ byteCount: Int, _ policy: MergePolicy) -> Int {
        var limit = policy.segmentBytes / 2
        var found = 0
        while byteCount < limit / classFactor {
            limit /= classFactor
            found -= 1
        }
        return found
    }
}
