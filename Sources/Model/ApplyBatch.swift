// What a worker asks a shard to store, and what the shard answers: the contract behind
// exactly-once.
//
// A replica applies a batch in one atomic write together with its new applied offset, and only if
// the batch begins exactly where the replica stands. So whichever process dies and whenever, a
// record's events are stored once: a repeated batch lies below, a hole is answered with where to go
// on.

/// Everything one stretch of one log partition becomes.
package struct ApplyBatch: Sendable, Equatable {
    package var shard: ShardID
    /// Offset of the first record that this batch covers.
    package var fromOffset: Int64
    /// Offset after the last record that this batch covers; records that hold no event count too.
    package var toOffset: Int64
    /// The events, one column block a collection.
    package var blocks: [CollectionBlock]
    /// What the events add to rollups.
    package var rollups: [RollupDelta]
    /// What to change of the events before; a batch with such a change has no events.
    package var control: CollectionControl?

    package init(
        shard: ShardID, fromOffset: Int64, toOffset: Int64, blocks: [CollectionBlock] = [],
        rollups: [RollupDelta] = [], control: CollectionControl? = nil
    ) {
        self.shard = shard
        self.fromOffset = fromOffset
        self.toOffset = toOffset
        self.blocks = blocks
        self.rollups = rollups
        self.control = control
    }
}

/// A control record of the log (docs/formats/events.md): a delete, or how long to keep events.
package struct CollectionControl: Sendable, Equatable {
    package var collection: CollectionID
    /// The record's value.
    package var bytes: [UInt8]

    package init(collection: CollectionID, bytes: [UInt8]) {
        self.collection = collection
        self.bytes = bytes
    }
}

/// The events of one collection within a batch, as an encoded column block (docs/formats/block.md).
package struct CollectionBlock: Sendable, Equatable {
    package var collection: CollectionID
    package var bytes: [UInt8]

    package init(collection: CollectionID, bytes: [UInt8]) {
        self.collection = collection
        self.bytes = bytes
    }
}

/// Events to add to the count of one hour of one collection.
package struct RollupDelta: Sendable, Equatable {
    package var collection: CollectionID
    /// Hours since 1970-01-01T00:00Z of the events' own timestamps, rounded down.
    package var hour: Int64
    package var count: Int64

    package init(collection: CollectionID, hour: Int64, count: Int64) {
        self.collection = collection
        self.hour = hour
        self.count = count
    }
}

/// How a replica met a batch. Each case carries the replica's applied offset afterwards.
package enum ApplyOutcome: Sendable, Equatable {
    /// Stored just now.
    case applied(next: Int64)
    /// Stored before; nothing changed.
    case alreadyApplied(next: Int64)
    /// The batch begins beyond the applied offset (or straddles it): go back to `next`.
    case gap(next: Int64)
}
