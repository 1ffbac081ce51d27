// Copies: of the whole store as it is at one moment, and of one shard to another store.

package import Base
package import Logging
package import Model
internal import RowStore
internal import Synchronization

extension EventStore {
    /// Makes a copy of the whole store in `target`, which must not exist: a checkpoint of the row
    /// store and hard links of the segments, of one moment. It can be opened like any store. Waits
    /// for nothing but throws `busy` during a merge; batches are applied meanwhile.
    package func checkpoint(to target: String) throws {
        try checkOpen()
        guard !isMerging.exchange(true, ordering: .acquiring) else {
            throw EventStoreError(.busy, "a merge is under way")
        }
        defer { isMerging.store(false, ordering: .releasing) }
        do {
            try makeEmptyDirectory(target)
            try disk.makeDirectory(target + "/segments")
            // No segment begins or ceases to exist before the merge goes on: these are enough.
            let source = directory + "/segments"
            for name in try disk.names(in: source) where SegmentFormat.number(ofFile: name) != nil {
                try disk.link("\(source)/\(name)", to: "\(target)/segments/\(name)")
            }
            try disk.syncDirectory(target + "/segments")
            try rows.checkpoint(to: target + "/rows")
            // Last: what has no FORMAT is no store.
            try StoreDirectory.checkFormat(target, disk: disk)
        } catch { throw EventStoreError.wrapping(error) }
    }

    private func makeEmptyDirectory(_ path: String) throws {
        try disk.makeDirectory(path)
        guard try disk.names(in: path).isEmpty else {
            throw EventStoreError(.badRequest, "'\(path)' is not empty")
        }
    }

    // MARK: Export

    /// Writes everything of a shard, as it is now, into the new or empty directory `target`.
    /// Batches are applied and merged meanwhile. Throws `notFound` if there is no such shard.
    package func exportShard(_ shard: ShardID, to target: String) throws {
        try checkOpen()
        guard shardIDs.contains(shard) else {
            throw EventStoreError(.notFound, "this store has nothing of shard \(shard)")
        }
        do {
            let reader = beginReading()
            defer { reader.end() }
            let snapshot = reader.snapshot
            let opened = try segmentNumbers(of: shard, snapshot).map { try segments.segment($0) }
            try makeEmptyDirectory(target)
            let row = StoreTables.row(shard)
            let applied = try snapshot.get(StoreTables.offsets, key: row).map(decodeCounter) ?? 0
            var export = ShardExport(shard: shard, applied: applied)
            for segment in opened {
                let name = SegmentFormat.fileName(segment.number)
                try segment.copy(to: "\(target)/\(name)", disk: disk)
                export.files.append(try described("\(target)/\(name)", name: name))
            }
            try exportCells(of: row, snapshot, to: target, &export)
            let path = "\(target)/\(ShardExport.fileName)"
            try disk.create(path + ".tmp", pieces: [export.encoded])
            try disk.syncDirectory(target)
            try disk.rename(path + ".tmp", to: path)
            try disk.syncDirectory(target)
        } catch { throw EventStoreError.wrapping(error) }
    }

    private func segmentNumbers(of shard: ShardID, _ snapshot: RowSnapshot) throws -> [UInt64] {
        var numbers: Set<UInt64> = []
        let range = KeyRange.beginning(with: StoreTables.row(shard))
        try snapshot.forEach(StoreTables.blocks, in: range) { cell in
            if case .sealed(let number, _) = try BlockRecord(cell.value).place {
                numbers.insert(number)
            }
            return true
        }
        return numbers.sorted()
    }

    private func exportCells(
        of row: [UInt8], _ snapshot: RowSnapshot, to target: String, _ export: inout ShardExport
    ) throws {
        var cells = ExportedCells()
        var count = 0
        func write(_ bytes: [UInt8]?) throws {
            guard let bytes else { return }
            let name = "rows-\(count)"
            count += 1
            try disk.create("\(target)/\(name)", pieces: [bytes])
            export.files.append(
                ShardExport.File(name: name, byteCount: bytes.count, checksum: crc32c(bytes)))
        }
        for definition in StoreTables.all where definition.table != StoreTables.numbers {
            let table = definition.table
            try snapshot.forEachStored(table, in: .beginning(with: row)) { cell in
                let key = cell.key.dropFirst(row.count)
                try write(cells.add(table: table.name, key: key, value: cell.value))
                return true
            }
        }
        try write(cells.takeFile())
    }

    private func described(_ path: String, name: String) throws -> ShardExport.File {
        try Self.described(path, name: name, disk: disk)
    }

    private static func described(
        _ path: String, name: String, disk: any Disk
    ) throws -> ShardExport.File {
        let file = try disk.map(path)
        let found = ShardExport.File(
            name: name, byteCount: file.byteCount, checksum: file.checksum)
        guard !file.hasFaulted else {
            throw EventStoreError(.disk, "'\(path)': the disk cannot read it")
        }
        return found
    }

    // MARK: Import

    /// Takes an exported shard into the store in `directory`, which no process may have open and
    /// which must have nothing of that shard. Everything is checked before anything is written; a
    /// crash in between leaves a store without the shard.
    package static func importShard(
        from source: String, into directory: String,
        options: EventStoreOptions = EventStoreOptions(), disk: any Disk = LocalDisk(),
        logger: Logger
    ) throws -> ShardID {
        do {
            guard let bytes = try disk.read("\(source)/\(ShardExport.fileName)") else {
                throw EventStoreError(.badRequest, "there is no whole export in '\(source)'")
            }
            let export = try ShardExport(bytes)
            for file in export.files {
                guard try described("\(source)/\(file.name)", name: file.name, disk: disk) == file
                else {
                    throw EventStoreError(
                        .damaged, "'\(source)/\(file.name)' does not match its checksum")
                }
            }
            let store = try EventStore(
                directory: directory, options: options, disk: disk, logger: logger)
            try store.take(export, from: source)
            try store.close()
            return export.shard
        } catch { throw EventStoreError.wrapping(error) }
    }

    private func take(_ export: ShardExport, from source: String) throws {
        let row = StoreTables.row(export.shard)
        let snapshot = rows.snapshot()
        for definition in StoreTables.all where definition.table != StoreTables.numbers {
            let range = KeyRange.beginning(with: row)
            guard try snapshot.slice(definition.table, in: range, limit: 1).isEmpty else {
                throw EventStoreError(
                    .badRequest, "the store has shard \(export.shard) already")
            }
        }
        var mark = rows.makeBatch()
        mark.put(StoreTables.numbers, key: StoreTables.importKey(export.shard), value: [])
        try rows.write(mark, sync: true)
        var numbers: [UInt64: UInt64] = [:]
        for file in export.files {
            guard let old = SegmentFormat.number(ofFile: file.name) else { continue }
            let number = segments.takeNumber()
            try segments.adopt("\(source)/\(file.name)", shard: export.shard, as: number)
            numbers[old] = number
        }
        var last = rows.makeBatch()
        for file in export.files where SegmentFormat.number(ofFile: file.name) == nil {
            let bytes = try disk.read("\(source)/\(file.name)") ?? []
            var batch = rows.makeBatch()
            try ExportedCells.forEach(bytes) { table, key, value in
                let cell = try renumbered(value, of: table, numbers)
                guard let name = StoreTables.all.first(where: { $0.table.name == table })?.table
                else {
                    throw EventStoreError(
                        .newerFormat, "the export has a table that is not known here: \(table)")
                }
                // What makes the shard be there comes with the end of the mark.
                if name == StoreTables.offsets {
                    last.putStored(name, key: row + key, value: cell)
                } else {
                    batch.putStored(name, key: row + key, value: cell)
                }
            }
            try rows.write(batch, sync: false)
        }
        last.putNextSegment(segments.nextNumber)
        last.delete(StoreTables.numbers, key: StoreTables.importKey(export.shard))
        try rows.write(last, sync: true)
    }

    /// A cell as it is here: segments have other numbers than where they come from.
    private func renumbered(
        _ value: [UInt8], of table: String, _ numbers: [UInt64: UInt64]
    ) throws -> [UInt8] {
        guard table == StoreTables.blocks.name else { return value }
        var record = try BlockRecord(value)
        guard case .sealed(let old, let offset) = record.place else { return value }
        guard let number = numbers[old] else {
            throw EventStoreError(.damaged, "the export lacks segment \(old)")
        }
        record.place = .sealed(segment: number, offset: offset)
        return record.encoded
    }

    /// Removes what an import left that did not come to its end. Its segments are orphans then.
    static func dropUnfinishedImports(_ rows: RowStore) throws {
        let marks = try rows.snapshot().slice(
            StoreTables.numbers, in: .beginning(with: StoreTables.importPrefix), limit: .max)
        for mark in marks {
            var key = KeyReader(Array(mark.key.dropFirst(StoreTables.importPrefix.count)))
            let range = KeyRange.beginning(with: StoreTables.row(ShardID(try key.readInt32())))
            var batch = rows.makeBatch()
            for definition in StoreTables.all where definition.table != StoreTables.numbers {
                guard let upper = range.upper else { continue }
                batch.delete(definition.table, lower: range.lower, upper: upper)
            }
            batch.delete(StoreTables.numbers, key: mark.key)
            try rows.write(batch, sync: true)
        }
    }
}
