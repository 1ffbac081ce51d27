// One event however often it is sent: events with the same token, in one collection, that came
// within the window are stored once.
//
// It is decided here, in the atomic write that also moves the applied offset, so it holds over
// restarts, replays and changes of workers. Whoever writes to the log sees to it that events of
// one token meet in one partition. How far two events are apart is a matter of the log: of their
// `keen.created_at`, not of when they are applied. So a log that is read again gives the same
// events.

internal import Base
internal import Columns
internal import Model
internal import RowStore

/// The token of one event of a block.
struct EventToken: Sendable, Equatable {
    var row: UInt32
    var text: String
    /// When the event came, in milliseconds since 1970.
    var createdAt: Int64
}

/// A batch without what the shard has already, and the tokens that it has from now on.
struct DeduplicatedBatch {
    var batch: CheckedBatch
    /// Cells of `tokens`: key, and when the event came.
    var firsts: [[UInt8]: Int64] = [:]
    var duplicateCount = 0
}

extension EventStore {
    /// Takes out of a batch what has been stored before. The shard's lock is held.
    func deduplicate(_ checked: CheckedBatch, _ shard: ShardID) throws -> DeduplicatedBatch {
        var result = DeduplicatedBatch(batch: checked)
        guard options.dedupeWindowMilliseconds > 0,
            checked.parts.contains(where: { !$0.tokens.isEmpty })
        else { return result }
        var parts: [CheckedBatch.Part] = []
        for part in checked.parts {
            let gone = try duplicates(of: part, shard, &result.firsts)
            result.duplicateCount += gone.count
            if gone.isEmpty {
                parts.append(part)
            } else if gone.count < part.block.rowCount {
                parts.append(try part.without(gone))
            }
        }
        if result.duplicateCount > 0 { result.batch = checked.replacing(parts: parts) }
        return result
    }

    private func duplicates(
        of part: CheckedBatch.Part, _ shard: ShardID, _ firsts: inout [[UInt8]: Int64]
    ) throws -> [UInt32] {
        let row = StoreTables.row(shard, part.collection)
        var gone: [UInt32] = []
        for token in part.tokens {
            let key = StoreTables.tokenKey(row, token.text)
            let before =
                try firsts[key] ?? rows.get(StoreTables.tokens, key: key).map(decodeCounter)
            if let before, isWithinWindow(token.createdAt, before) {
                gone.append(token.row)
            } else {
                firsts[key] = token.createdAt
            }
        }
        return gone
    }

    /// Clocks of two collectors differ, so either may seem to be the earlier one.
    private func isWithinWindow(_ time: Int64, _ other: Int64) -> Bool {
        let (difference, overflow) = time.subtractingReportingOverflow(other)
        return !overflow && difference.magnitude < UInt64(options.dedupeWindowMilliseconds)
    }

    /// Puts the cells of new tokens. They stay for twice the window after now: a duplicate may be
    /// applied that much later than its first, when workers were away.
    func putTokens(_ firsts: [[UInt8]: Int64], _ changes: inout WriteBatch) {
        // A store that has not been told the time keeps its tokens.
        let now = rows.now
        let end = now == .min ? nil : now + 2 * options.dedupeWindowMilliseconds
        for (key, createdAt) in firsts {
            changes.put(
                StoreTables.tokens, key: key, value: encodeCounter(createdAt), expiresAt: end)
        }
    }
}

extension CheckedBatch.Part {
    /// Takes the tokens from their column. Longer ones than a collector lets pass are none.
    mutating func readTokens(_ column: DecodedColumn) throws {
        let created = try block.column(.createdAt)?.decode()
        let times = try block.column(.timestamp)?.decode()
        for row in 0..<column.rowCount {
            guard case .string(let text) = column.value(at: row), !text.isEmpty,
                text.utf8.count <= Limits.uniquenessTokenBytesMax
            else { continue }
            var time = times?.ints[row] ?? 0
            if case .int(let value) = created?.value(at: row) { time = value }
            tokens.append(EventToken(row: UInt32(row), text: text, createdAt: time))
        }
    }

    /// The same events without some.
    func without(_ rows: [UInt32]) throws -> CheckedBatch.Part {
        var edits = BlockEdits()
        edits.delete(rows, of: block.rowCount)
        var builder = BlockBuilder()
        try builder.append(block.edited(by: edits))
        let bytes = builder.encode()
        var part = CheckedBatch.Part(
            collection: collection, bytes: bytes, block: try Block(bytes))
        try part.readColumns()
        return part
    }
}
