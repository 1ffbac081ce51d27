// Reads everything that is stored and holds it against its checksums.

internal import Base
internal import Columns
internal import Model
internal import RowStore

/// What a verification found.
package struct VerifyReport: Sendable {
    package var blocks = 0
    package var rows = 0
    package var segments = 0
    /// One line for each thing that is wrong, naming its place.
    package var damages: [String] = []

    package init() {}
}

extension EventStore {
    /// Decodes every value of every block, checks every byte of every segment, and holds the counts
    /// of events against one another. Segments are opened anew. Damage is reported, not thrown.
    package func verify() throws -> VerifyReport {
        try checkOpen()
        var report = VerifyReport()
        var opened: [UInt64: Segment] = [:]
        var events = EventCounts()
        let reader = beginReading()
        defer { reader.end() }
        do {
            try verify(&opened, &events, reader.snapshot, &report)
        } catch {
            report.damages.append("\(EventStoreError.wrapping(error))")
        }
        for (_, segment) in opened.sorted(by: { $0.key < $1.key }) {
            report.damages += segment.damages()
            report.segments += 1
        }
        return report
    }

    /// Every block that some table has, and then the counts.
    private func verify(
        _ opened: inout [UInt64: Segment], _ events: inout EventCounts, _ snapshot: RowSnapshot,
        _ report: inout VerifyReport
    ) throws {
        try snapshot.forEach(StoreTables.blocks, in: .all) { cell in
            do {
                let record = try BlockRecord(cell.value)
                let stored = try snapshot.get(StoreTables.edits, key: cell.key)
                    .map { try StoredEdits($0, rowCount: record.rowCount) }
                let deleted = stored?.edits.deletedCount ?? 0
                events.inBlocks[cell.key.dropLast(12), default: 0] +=
                    Int64(record.rowCount - deleted)
                if let undecided = stored?.undecided {
                    report.damages.append(
                        "a delete could not be applied to block \(hexadecimal(cell.key)): "
                            + undecided)
                }
                try verify(record, key: cell.key, snapshot, &opened)
                report.blocks += 1
                report.rows += record.rowCount - deleted
            } catch { report.damages.append("\(error)") }
            return true
        }
        try verifySmall(&events, snapshot, &report)
        try verify(&events, snapshot, &report)
    }

    /// Events of each collection of each shard, by row key, counted in three ways.
    private struct EventCounts {
        var inBlocks: [ArraySlice<UInt8>: Int64] = [:]
        var inTotals: [ArraySlice<UInt8>: Int64] = [:]
        var inHours: [ArraySlice<UInt8>: Int64] = [:]
    }

    /// What was counted once at its apply, and what is there now.
    private func verify(
        _ events: inout EventCounts, _ snapshot: RowSnapshot, _ report: inout VerifyReport
    ) throws {
        try snapshot.forEach(StoreTables.totals, in: .all) { cell in
            events.inTotals[cell.key[...]] = decodeCounter(cell.value)
            return true
        }
        try snapshot.forEach(StoreTables.rollups, in: .all) { cell in
            events.inHours[cell.key.dropLast(8), default: 0] += decodeCounter(cell.value)
            return true
        }
        let rows = Set(events.inBlocks.keys).union(events.inTotals.keys)
        for row in rows.union(events.inHours.keys).sorted(by: { $0.lexicographicallyPrecedes($1) })
        {
            let counts = [events.inBlocks, events.inTotals, events.inHours].map { $0[row] ?? 0 }
            guard Set(counts).count > 1 else { continue }
            report.damages.append(
                "row \(hexadecimal(row)): \(counts[0]) events in blocks, \(counts[1]) in the "
                    + "total, \(counts[2]) in hours")
        }
    }

    private func verifySmall(
        _ events: inout EventCounts, _ snapshot: RowSnapshot, _ report: inout VerifyReport
    ) throws {
        try snapshot.forEach(StoreTables.small, in: .all) { cell in
            do {
                for small in try SmallCell.blocks(cell.value) {
                    events.inBlocks[cell.key[...], default: 0] += Int64(small.record.rowCount)
                    let block = try Block(small.bytes)
                    try block.verifyValues()
                    guard BlockRecord(fresh: block) == small.record else {
                        throw EventStoreError(.damaged, "not the block that its record names")
                    }
                    report.blocks += 1
                    report.rows += small.record.rowCount
                }
            } catch {
                report.damages.append("small blocks \(hexadecimal(cell.key)): \(error)")
            }
            return true
        }
    }

    /// That a block is there and is the one that the manifest names; of fresh ones also every
    /// value, which for the others is checked with their segments.
    private func verify(
        _ record: BlockRecord, key: [UInt8], _ snapshot: RowSnapshot,
        _ opened: inout [UInt64: Segment]
    ) throws {
        let block: Block
        let place: String
        switch record.place {
        case .sealed(let number, let offset):
            let segment = try opened[number] ?? segments.reopened(number)
            opened[number] = segment
            place = segment.place(of: offset)
            block = try segment.block(at: offset, byteCount: record.byteCount)
        case .fresh:
            place = "fresh block \(hexadecimal(key)) of the row store"
            guard let bytes = try snapshot.get(StoreTables.tail, key: key) else {
                throw EventStoreError(.damaged, "\(place): its bytes are gone")
            }
            do {
                block = try Block(bytes)
                try block.verifyValues()
            } catch { throw EventStoreError(error, in: place) }
        }
        guard block.rowCount == record.rowCount, block.minTimestamp == record.minTimestamp,
            block.maxTimestamp == record.maxTimestamp
        else { throw EventStoreError(.damaged, "\(place): not the block that the manifest names") }
    }
}
