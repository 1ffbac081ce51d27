// The events of a node's shards: batches in, partial results out. Everything small and
// transactional
// is in the row store; sealed blocks are in segment files.
//
// Invariants
// - A shard's blocks, rollups, schema and applied offset change in one atomic batch, so they always
//   agree, also after a crash.
// - The manifest names a segment only after the segment is durable; a segment that no manifest cell
//   names is an orphan and swept when the store opens.
// - A reader takes one snapshot and sees one state of a shard, whatever is applied or merged
//   meanwhile.
//
// Every call may block: callers are threads of a blocking pool. Locks: a shard's state is locked
// alone, never together with another lock of this library.

package import Base
internal import Columns
internal import CoreMetrics
package import Logging
package import Model
internal import RowStore
internal import Synchronization

/// What a store is opened with.
package struct EventStoreOptions: Sendable {
    /// Whether every batch survives a power cut by itself. Off: a cut takes the last moments away
    /// together with their applied offsets, and the log replays them. The end of the process alone
    /// takes nothing away either way.
    package var syncsEveryApply = false
    package var mergePolicy = MergePolicy()
    /// Bytes of fresh blocks that wait to be merged in a shard before it takes no more batches.
    package var backlogBytesMax = Limits.mergeBacklogBytesMax
    /// Events of one token that came less than so many milliseconds apart are one event; 0 keeps
    /// all.
    package var dedupeWindowMilliseconds = Limits.dedupeWindowMilliseconds
    package var rowStore = EventStoreMemory()
    /// Memory for answers of sealed blocks; 0: none are kept.
    package var answerCacheBytesMax = Limits.scanCacheBytesMax
    /// Memory for decoded dictionaries of sealed blocks; 0: none are kept.
    package var dictionaryCacheBytesMax = Limits.dictionaryCacheBytesMax
    /// Memory of one scan, and of all together.
    package var scanBytesMax = Limits.scanQueryBytesMax
    package var scansBytesMax = Limits.scanNodeBytesMax

    package init() {}
}

/// Memory of the row store below.
package struct EventStoreMemory: Sendable {
    package var cacheBytes = 64 << 20
    package var memtableBytes = 128 << 20
    package init() {}
}

/// An open event store. One process at a time.
package final class EventStore: Sendable {
    let rows: RowStore
    let segments: SegmentLibrary
    let options: EventStoreOptions
    let metrics = EventStoreMetrics()
    let readers = ReaderGate()
    let answers: AnswerCache
    let dictionaries: DictionaryCache
    let scanBudget: ScanBudget
    let uses: SegmentUses
    let logger: Logger
    let disk: any Disk
    let directory: String
    private let lock: DirectoryLock
    private let shards: Mutex<[ShardID: Shard]>
    let isMerging = Atomic(false)
    private let isClosed = Atomic(false)

    /// Opens the store in `directory`, making what is missing, and sweeps what a crash left.
    package init(
        directory: String, options: EventStoreOptions = EventStoreOptions(),
        disk: any Disk = LocalDisk(), logger: Logger
    ) throws {
        precondition(
            (1...Limits.blockRowsMax).contains(options.mergePolicy.sealRows),
            "sealed blocks of more rows than a block may have")
        do {
            try disk.makeDirectory(directory)
            lock = try DirectoryLock(directory: directory)
            try StoreDirectory.checkFormat(directory, disk: disk)
            try StoreDirectory.checkRows(directory, disk: disk)
            var memory = RowStoreOptions()
            memory.cacheBytes = options.rowStore.cacheBytes
            memory.memtableBytes = options.rowStore.memtableBytes
            rows = try RowStore(
                directory: directory + "/rows", tables: StoreTables.all, options: memory)
            dictionaries = DictionaryCache(bytesMax: options.dictionaryCacheBytesMax)
            segments = try SegmentLibrary(
                directory: directory + "/segments", disk: disk, dictionaries: dictionaries)
            try Self.dropUnfinishedImports(rows)
            let loaded = try StoreLoader(rows, policy: options.mergePolicy).load()
            // The names of the two directories, before anything relies on what is in them.
            try disk.syncDirectory(directory)
            try Self.sweep(segments, rows, keeping: Set(loaded.segments.keys), logger)
            uses = SegmentUses(loaded.segments)
            shards = Mutex(loaded.shards)
        } catch { throw EventStoreError.wrapping(error) }
        self.options = options
        answers = AnswerCache(bytesMax: options.answerCacheBytesMax)
        scanBudget = ScanBudget(
            queryBytesMax: options.scanBytesMax, nodeBytesMax: options.scansBytesMax)
        self.logger = logger
        self.disk = disk
        self.directory = directory
        metrics.freshRows.set(freshRowCount)
    }

    /// Removes segments that no manifest cell names. Their numbers are noted first: a number names
    /// one file for ever, wherever copies of it are.
    private static func sweep(
        _ segments: SegmentLibrary, _ rows: RowStore, keeping referenced: Set<UInt64>,
        _ logger: Logger
    ) throws {
        let next = try rows.counter(StoreTables.numbers, key: StoreTables.nextSegmentKey)
        let orphans = try segments.orphans(
            keeping: referenced, next: UInt64(bitPattern: next))
        guard !orphans.isEmpty else { return }
        var changes = rows.makeBatch()
        changes.putNextSegment(segments.nextNumber)
        try rows.write(changes, sync: true)
        for name in orphans { try segments.remove(name) }
        logger.notice(
            "removed segments that no manifest names",
            metadata: [LogKeys.segmentCount: "\(orphans.count)"])
    }

    /// Makes everything durable; later calls throw. The files are let go of with the last
    /// reference.
    package func close() throws {
        guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        do { try rows.syncLog() } catch { throw EventStoreError.wrapping(error) }
        // Saves the next opening from reading the log again; without it all is safe as well.
        try? rows.flush()
    }

    func checkOpen() throws {
        guard !isClosed.load(ordering: .relaxed) else {
            throw EventStoreError(.closed, "the store has been closed")
        }
    }

    /// The shard, made empty at its first mention by a worker.
    func shard(_ id: ShardID) -> Shard {
        shards.withLock { shards in
            if let shard = shards[id] { return shard }
            let shard = Shard(id, ShardState())
            shards[id] = shard
            return shard
        }
    }

    /// All shards that have been written to, in order.
    var allShards: [Shard] {
        shards.withLock { Array($0.values) }.sorted { $0.id < $1.id }
    }

    /// The shards that the store holds something of.
    package var shardIDs: [ShardID] { allShards.map(\.id) }

    /// Where a shard stands: everything before that offset shows. 0 if it has never been written
    /// to. The shard takes batches from there on, or further, if a delete is not done yet.
    package func appliedOffset(_ shard: ShardID) -> Int64 {
        let shard = shards.withLock { $0[shard] }
        return shard?.state.withLock { $0.deletes.first?.offset ?? $0.applied } ?? 0
    }

    /// Rows in blocks that are not sealed yet.
    package var freshRowCount: Int {
        allShards.reduce(0) { $0 + $1.state.withLock { $0.freshRowCount } }
    }

    /// Bytes of the answers that are kept.
    package var answerCacheByteCount: Int { answers.byteCount }

    /// Whether `mergeOnce` would do something: merge, or carry out a delete.
    package var hasMergeWork: Bool {
        allShards.contains { $0.state.withLock { !$0.pending.isEmpty || !$0.deletes.isEmpty } }
    }
}
