// A batch from the network, held against everything a batch must be before any of it is stored.

internal import Base
internal import Columns
internal import Model
internal import Wire

/// A batch whose blocks have been decoded once: whatever is stored can be read, merged and counted.
struct CheckedBatch {
    struct Part {
        var collection: CollectionID
        var bytes: [UInt8]
        var block: Block
        /// Of the block's columns, in their order.
        var paths: [PropertyPath]
        /// Events by hour since 1970.
        var hours: [Int64: Int64]
        /// Of the events that carry one, in the order of the rows.
        var tokens: [EventToken] = []
    }
    /// A control record, read.
    struct Control {
        var collection: CollectionID
        var command: ControlCommand
    }
    private(set) var parts: [Part]
    let control: Control?
    private(set) var rollups: [RollupDelta]
    private(set) var rowCount: Int

    init(_ batch: ApplyBatch) throws {
        guard batch.fromOffset >= 0, batch.toOffset >= batch.fromOffset,
            batch.shard.number >= 0
        else {
            throw EventStoreError(
                .badBatch,
                "shard \(batch.shard): \(batch.fromOffset) to \(batch.toOffset) is no offset range"
            )
        }
        // Without a record there is no offset that would tell a repeated batch.
        guard batch.blocks.isEmpty || batch.toOffset > batch.fromOffset else {
            throw EventStoreError(
                .badBatch,
                "shard \(batch.shard): events of no record at offset \(batch.fromOffset)")
        }
        // What a delete leaves must not depend on the order of things within a batch.
        guard batch.control == nil || batch.blocks.isEmpty && batch.toOffset > batch.fromOffset
        else {
            throw EventStoreError(
                .badBatch,
                "shard \(batch.shard): a control record together with events, or of no record, at "
                    + "offset \(batch.fromOffset)")
        }
        control = try batch.control.map { try Self.check($0, batch: batch) }
        parts = try batch.blocks.enumerated().map { index, block in
            try Self.check(block, index: index, batch: batch)
        }
        rollups = batch.rollups
        rowCount = parts.reduce(0) { $0 + $1.block.rowCount }
        try checkRollups(batch)
    }

    /// The same batch with other events in the place of its own.
    func replacing(parts: [Part]) -> CheckedBatch {
        var batch = self
        batch.parts = parts
        batch.rowCount = parts.reduce(0) { $0 + $1.block.rowCount }
        batch.rollups = parts.flatMap { part in
            part.hours.sorted { $0.key < $1.key }.map {
                RollupDelta(collection: part.collection, hour: $0.key, count: $0.value)
            }
        }
        return batch
    }

    private static func check(
        _ control: CollectionControl, batch: ApplyBatch
    ) throws -> Control {
        do {
            return Control(
                collection: control.collection, command: try ControlCommand(control.bytes))
        } catch {
            throw EventStoreError(
                .badBatch,
                "the control record of the batch at offset \(batch.fromOffset) of shard "
                    + "\(batch.shard): \(error)", cause: error)
        }
    }

    private static func check(
        _ part: CollectionBlock, index: Int, batch: ApplyBatch
    ) throws -> Part {
        let place =
            "block \(index) of the batch at offset \(batch.fromOffset) of shard \(batch.shard)"
        do {
            let block = try Block(part.bytes)
            guard block.rowCount > 0, block.column(.timestamp)?.kinds == .int else {
                throw EventStoreError(.badBatch, "\(place): no events, or events without a time")
            }
            var checked = Part(
                collection: part.collection, bytes: part.bytes, block: block)
            try checked.readColumns()
            return checked
        } catch let error as BlockError {
            throw EventStoreError(.badBatch, "\(place): \(error)", cause: error)
        } catch let error as InvalidName {
            throw EventStoreError(.badBatch, "\(place): \(error.message)", cause: error)
        }
    }

    /// The rollups count exactly the events: what they answer must be what a recount would.
    private func checkRollups(_ batch: ApplyBatch) throws {
        var counts: [CollectionID: [Int64: Int64]] = [:]
        for part in parts {
            counts[part.collection, default: [:]].merge(part.hours, uniquingKeysWith: +)
        }
        for delta in rollups {
            let (rest, overflow) = counts[delta.collection, default: [:]][delta.hour, default: 0]
                .subtractingReportingOverflow(delta.count)
            guard !overflow, delta.count > 0 else {
                throw EventStoreError(.badBatch, "a rollup of \(delta.count) events")
            }
            counts[delta.collection]?[delta.hour] = rest
        }
        for (collection, hours) in counts {
            guard let wrong = hours.first(where: { $0.value != 0 }) else { continue }
            throw EventStoreError(
                .badBatch,
                "batch at offset \(batch.fromOffset) of shard \(batch.shard): the rollups of "
                    + "\(collection) miss its events of hour \(wrong.key) by \(wrong.value)")
        }
    }
}

extension CheckedBatch.Part {
    init(collection: CollectionID, bytes: [UInt8], block: Block) {
        self.init(collection: collection, bytes: bytes, block: block, paths: [], hours: [:])
    }

    /// Decodes every column once and holds the header against what is there.
    mutating func readColumns() throws {
        var textBytes = 0
        for position in 0..<block.columnCount {
            let chunk = block.column(at: position)
            let text = chunk.withPathBytes { String(validating: $0, as: UTF8.self) }
            let path = try PropertyPath(text ?? "")
            paths.append(path)
            let column = try chunk.decode()
            textBytes += column.dictionary.bytes.count
            if path == .timestamp { try count(column.ints) }
            if path == .uniquenessToken { try readTokens(column) }
        }
        // No writer compresses a fresh block, so more text than a frame holds is a bomb.
        guard textBytes <= Limits.rpcFrameBytesMax else {
            throw BlockError(
                code: .invalid, offset: 0, message: "\(textBytes) bytes of text in one block")
        }
    }

    private mutating func count(_ times: [Int64]) throws(BlockError) {
        var (least, greatest) = (times.first ?? 0, times.first ?? 0)
        var isSorted = true
        // The hour of the last events and how many they are: a table's entry for each would cost
        // more than the rest.
        var (hour, count): (Int64, Int64) = (0, 0)
        for time in times {
            isSorted = isSorted && time >= greatest
            least = min(least, time)
            greatest = max(greatest, time)
            // Of times as far apart as can be, the difference wraps.
            let within = time &- hour &* 3_600_000
            if within < 0 || within >= 3_600_000 || (time < 0) != (hour < 0) {
                if count > 0 { hours[hour, default: 0] += count }
                (hour, count) = (time.floorDivided(by: 3_600_000), 0)
            }
            count += 1
        }
        if count > 0 { hours[hour, default: 0] += count }
        guard times.count == block.rowCount, least == block.minTimestamp,
            greatest == block.maxTimestamp, isSorted || !block.isSortedByTimestamp
        else {
            throw BlockError(
                code: .invalid, column: PropertyPath.timestamp.text, offset: 0,
                message: "the header says other times than the events have")
        }
    }
}
