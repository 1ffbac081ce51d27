// A batch from the network, held against everything a batch must be before any of it is stored.

internal import Base
internal import Columns
internal import Model

/// A batch whose blocks have been opened and verified.
struct CheckedBatch {
    struct Part {
        var collection: CollectionID
        var bytes: [UInt8]
        var block: Block
    }
    let parts: [Part]
    let rollups: [RollupDelta]
    let rowCount: Int

    init(_ batch: ApplyBatch) throws {
        guard batch.fromOffset >= 0, batch.toOffset >= batch.fromOffset,
            batch.shard.number >= 0
        else {
            throw EventStoreError(
                .badBatch,
                "shard \(batch.shard): \(batch.fromOffset) to \(batch.toOffset) is no offset range"
            )
        }
        parts = try batch.blocks.enumerated().map { index, block in
            try Self.check(block, index: index, batch: batch)
        }
        rollups = batch.rollups
        rowCount = parts.reduce(0) { $0 + $1.block.rowCount }
        try checkRollups(batch)
    }

    private static func check(
        _ part: CollectionBlock, index: Int, batch: ApplyBatch
    ) throws -> Part {
        let place =
            "block \(index) of the batch at offset \(batch.fromOffset) of shard \(batch.shard)"
        do {
            let block = try Block(part.bytes)
            try block.verifyChecksums()
            guard block.rowCount > 0, let times = block.column(.timestamp), times.kinds == .int
            else {
                throw EventStoreError(.badBatch, "\(place): no events, or events without a time")
            }
            return Part(collection: part.collection, bytes: part.bytes, block: block)
        } catch let error as BlockError {
            throw EventStoreError(.badBatch, "\(place): \(error)", cause: error)
        }
    }

    /// The rollups count exactly the events: what they answer must be what a recount would.
    private func checkRollups(_ batch: ApplyBatch) throws {
        var counts: [CollectionID: Int64] = [:]
        for part in parts { counts[part.collection, default: 0] += Int64(part.block.rowCount) }
        for delta in rollups {
            let (rest, overflow) = counts[delta.collection, default: 0]
                .subtractingReportingOverflow(delta.count)
            guard !overflow, delta.count > 0 else {
                throw EventStoreError(.badBatch, "a rollup of \(delta.count) events")
            }
            counts[delta.collection] = rest
        }
        guard let wrong = counts.first(where: { $0.value != 0 }) else { return }
        throw EventStoreError(
            .badBatch,
            "batch at offset \(batch.fromOffset) of shard \(batch.shard): the rollups of "
                + "\(wrong.key) miss its events by \(wrong.value)")
    }
}
