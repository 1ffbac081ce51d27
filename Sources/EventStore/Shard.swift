// One shard in memory: where it stands in the log, which fresh blocks it has, and which property
// types it has seen. All of it can be read back from the row store; this spares the reading.

internal import Columns
internal import Model
internal import Synchronization

/// A fresh block as the merger needs to know it.
struct FreshBlock: Sendable {
    var position: BlockPosition
    var size: FreshSize
}

/// What a shard's lock guards. One writer at a time holds it: `apply`, or the end of a merge.
struct ShardState: Sendable {
    /// The next offset the shard wants.
    var applied: Int64 = 0
    /// Deletes that have been accepted and are not done, in the order of the log.
    var deletes: [PendingDelete] = []
    /// Fresh blocks of each collection, in the order of the log.
    var fresh: [CollectionID: [FreshBlock]] = [:]
    /// How much there is of each collection in `small`.
    var small: [CollectionID: SmallSize] = [:]
    /// Collections with something to merge.
    var pending: Set<CollectionID> = []
    /// How much those merges are, and whose turn it is.
    var backlog = Backlog()
    var freshRowCount = 0
    var knownTypes = KnownTypes()
    /// Changes with every delete: a merge that began before one is thrown away.
    var edition: UInt64 = 0

    mutating func add(_ block: FreshBlock, to collection: CollectionID, policy: MergePolicy) {
        fresh[collection, default: []].append(block)
        freshRowCount += block.size.rowCount
        updatePending(collection, policy)
    }

    /// Notes a block that has been appended to a cell of `small`.
    mutating func add(
        small record: BlockRecord, to collection: CollectionID, policy: MergePolicy
    ) {
        small[collection, default: SmallSize()].add(record)
        freshRowCount += record.rowCount
        if isFoldDue(collection, policy) { updatePending(collection, policy) }
    }

    /// Takes over what has become of a cell of `small`.
    mutating func unfold(
        _ collection: CollectionID, into blocks: [FreshBlock], policy: MergePolicy
    ) {
        freshRowCount -= small.removeValue(forKey: collection)?.rowCount ?? 0
        freshRowCount += blocks.reduce(0) { $0 + $1.size.rowCount }
        fresh[collection] = (fresh[collection, default: []] + blocks)
            .sorted { $0.position < $1.position }
        updatePending(collection, policy)
    }

    func isFoldDue(_ collection: CollectionID, _ policy: MergePolicy) -> Bool {
        guard let size = small[collection] else { return false }
        return size.blockCount >= policy.smallBlocks
    }

    /// Puts the outcome of a merge in the place of the blocks it was made of, or removes them.
    mutating func replace(
        _ merged: [FreshBlock], by outcome: FreshBlock?, of collection: CollectionID,
        policy: MergePolicy
    ) {
        guard var blocks = fresh[collection],
            let begin = blocks.firstIndex(where: { $0.position == merged.first?.position })
        else { preconditionFailure("merged blocks that the shard does not have") }
        blocks.replaceSubrange(begin..<begin + merged.count, with: outcome.map { [$0] } ?? [])
        fresh[collection] = blocks.isEmpty ? nil : blocks
        // Fewer than before also if the merge has left out what was deleted.
        freshRowCount -= merged.reduce(0) { $0 + $1.size.rowCount }
        freshRowCount += outcome?.size.rowCount ?? 0
        updatePending(collection, policy)
    }

    /// Takes over the size of a fresh block that has been written anew in its place.
    mutating func resize(
        _ position: BlockPosition, of collection: CollectionID, to size: FreshSize,
        policy: MergePolicy
    ) {
        guard var blocks = fresh[collection],
            let index = blocks.firstIndex(where: { $0.position == position })
        else { preconditionFailure("a rewritten block that the shard does not have") }
        freshRowCount += size.rowCount - blocks[index].size.rowCount
        blocks[index].size = size
        fresh[collection] = blocks
        // Smaller blocks may not be due for a merge any more.
        updatePending(collection, policy)
    }

    mutating func updatePending(_ collection: CollectionID, _ policy: MergePolicy) {
        let sizes = fresh[collection, default: []].map(\.size)
        let steps = TailPlanner.plan(sizes, policy: policy)
        var byteCount = TailPlanner.byteCount(of: steps, sizes)
        if isFoldDue(collection, policy) { byteCount += small[collection]?.byteCount ?? 0 }
        backlog.set(collection, byteCount: byteCount)
        if byteCount == 0 {
            pending.remove(collection)
        } else {
            pending.insert(collection)
        }
    }
}

/// A shard: its name and its guarded state.
final class Shard: Sendable {
    let id: ShardID
    let state: Mutex<ShardState>
    /// Segments written since the last look for small or mostly dead ones; after opening, a look is
    /// due.
    let newSegments = Atomic(Shard.lookIsDue)
    static let lookIsDue = Int.max / 2

    init(_ id: ShardID, _ state: ShardState) {
        self.id = id
        self.state = Mutex(state)
    }
}

/// Which types each property has been seen with, one bit a type, so that `apply` writes a schema
/// cell only when it changes. Forgets everything when it grows large; then cells are read again.
struct KnownTypes: Sendable {
    /// Properties kept: about 100 bytes each. A choice.
    private static let propertiesMax = 500_000
    private var types: [CollectionID: [PropertyPath: UInt8]] = [:]
    private var count = 0

    /// Forgets a collection: its cells have changed.
    mutating func forget(_ collection: CollectionID) {
        count -= types.removeValue(forKey: collection)?.count ?? 0
    }

    func types(of collection: CollectionID) -> [PropertyPath: UInt8] {
        types[collection, default: [:]]
    }

    /// Adds properties of a collection, or changes them.
    mutating func set(_ changed: [PropertyPath: UInt8], of collection: CollectionID) {
        guard !changed.isEmpty else { return }
        let before = types[collection]?.count ?? 0
        types[collection, default: [:]].merge(changed) { $1 }
        count += (types[collection]?.count ?? 0) - before
        guard count > Self.propertiesMax else { return }
        types = [:]
        count = 0
    }
}

/// Bits of schema cells: bit n is the property type with raw value n.
enum TypeBits {
    /// The types of a column's values.
    static func bits(_ kinds: TagSet, path: String) -> UInt8 {
        let isTime = path == PropertyPath.timestamp.text || path == PropertyPath.createdAt.text
        var bits: UInt8 = 0
        func add(_ set: TagSet, _ type: PropertyType) {
            if !kinds.isDisjoint(with: set) { bits |= 1 << type.rawValue }
        }
        add(.null, .null)
        add(.bools, .bool)
        add(.numbers, isTime ? .datetime : .number)
        add(.string, .string)
        add(.json, .array)
        return bits
    }

    static func types(_ bits: UInt8) -> [PropertyType] {
        PropertyType.allCases.filter { bits & (1 << $0.rawValue) != 0 }
    }
}
