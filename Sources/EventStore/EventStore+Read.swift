// What every reader of events does: a snapshot, the blocks of a collection in it, and each of them
// opened with what has been deleted left out. Errors say which events could not be read.

internal import Base
internal import Columns
internal import Model
internal import RowStore

/// A block of the manifest.
struct ListedBlock: Sendable {
    var shard: ShardID
    var collection: CollectionID
    /// In `blocks`, `tail` and `edits`.
    var key: [UInt8]
    var record: BlockRecord
    var stored: StoredEdits?

    var position: BlockPosition {
        get throws {
            var reader = KeyReader(Array(key.suffix(12)))
            return try BlockPosition(&reader)
        }
    }

    /// Which events these are, for people.
    var events: String {
        let times = [record.minTimestamp, record.maxTimestamp].map {
            Timestamp(milliseconds: $0).description
        }
        return "the events of \(collection) in shard \(shard) from \(times[0]) to \(times[1])"
    }
}

/// A snapshot that keeps the segments it names. End it once.
struct StoreReader {
    let snapshot: RowSnapshot
    fileprivate let gate: ReaderGate
    fileprivate let ticket: UInt64

    func end() { gate.leave(ticket) }
}

extension EventStore {
    func beginReading() -> StoreReader {
        let ticket = readers.enter()
        return StoreReader(snapshot: rows.snapshot(), gate: readers, ticket: ticket)
    }

    /// The blocks of a collection in the order of the log.
    func blocks(
        of collection: CollectionID, _ shard: ShardID, _ snapshot: RowSnapshot
    ) throws -> [ListedBlock] {
        let range = KeyRange.beginning(with: StoreTables.row(shard, collection))
        var edits: [[UInt8]: [UInt8]] = [:]
        try snapshot.forEach(StoreTables.edits, in: range) { cell in
            edits[cell.key] = cell.value
            return true
        }
        var listed: [ListedBlock] = []
        try snapshot.forEach(StoreTables.blocks, in: range) { cell in
            let record = try BlockRecord(cell.value)
            var block = ListedBlock(
                shard: shard, collection: collection, key: cell.key, record: record)
            block.stored = try edits[cell.key].map {
                try StoredEdits($0, rowCount: record.rowCount)
            }
            listed.append(block)
            return true
        }
        return listed
    }

    /// Calls `body` with the block, without what has been deleted. Damage, met here or in `body`,
    /// comes out with the place and with the events that cannot be read.
    func read<Result>(
        _ listed: ListedBlock, _ snapshot: RowSnapshot, _ body: (Block) throws -> Result
    ) throws -> Result {
        do {
            if let undecided = listed.stored?.undecided {
                throw EventStoreError(
                    .damaged, "a delete could not be applied to them: \(undecided)")
            }
            let block = try open(listed, snapshot)
            do {
                let result = try body(block)
                try block.checkReadable()
                return result
            } catch let error as BlockError {
                throw EventStoreError(error, in: place(of: listed))
            }
        } catch let error as EventStoreError where error.code == .damaged {
            throw EventStoreError(
                .damaged, "\(listed.events) cannot be read: \(error.message)", cause: error)
        }
    }

    private func open(_ listed: ListedBlock, _ snapshot: RowSnapshot) throws -> Block {
        let block: Block
        switch listed.record.place {
        case .sealed(let number, let offset):
            block = try segments.segment(number)
                .block(at: offset, byteCount: listed.record.byteCount)
        case .fresh:
            guard let value = try snapshot.pin(StoreTables.tail, key: listed.key) else {
                throw EventStoreError(.damaged, "\(place(of: listed)): its bytes are gone")
            }
            do { block = try Block(region: value.bytes, owner: value) } catch {
                throw EventStoreError(error, in: place(of: listed))
            }
        }
        guard block.rowCount == listed.record.rowCount else {
            throw EventStoreError(
                .damaged, "\(place(of: listed)): not the block that the manifest names")
        }
        return listed.stored.map { block.edited(by: $0.edits) } ?? block
    }

    /// Where the block's bytes are, for people.
    func place(of listed: ListedBlock) -> String {
        switch listed.record.place {
        case .sealed(let number, let offset):
            "segment '\(segments.path(of: number))', block at byte \(offset)"
        case .fresh: "fresh block \(hexadecimal(listed.key)) of the row store"
        }
    }
}
