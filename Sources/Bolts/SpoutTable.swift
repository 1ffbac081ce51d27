// All partitions that a worker holds: the spout's decisions without its consumer, store and tasks.
// What happened goes in with the time, what to do comes out in order; so a test can interleave two
// workers, a store that dies and a log that forgets, from a seed.
//
// Kept at all times:
// - A partition's records go into a batch only if they followed, without a hole, the offset at
//   which its shard stood (`SpoutPartition`). After a hole or a doubt the store is asked again.
// - Tickets grow over all assignments of a partition: a late answer never counts for a new one.

package import LogClient
package import Topology

/// What the runner has to do. `partition` is one of the topic's.
package enum SpoutCommand: Sendable, Equatable {
    /// Begin a lane in the topology, in place of any before.
    case begin(Int32)
    /// Drop the lane.
    case end(Int32)
    /// Tell the topology that the partition has a batch.
    case wake(Int32)
    /// Tell the consumer the whole assignment, and where each partition reads from.
    case assign([Int32: Int64])
    /// Tell the consumer that nothing is assigned.
    case unassign
    case pause(Int32)
    case resume(Int32)
    /// Ask store and log where the partition stands; then `located` or `cannotLocate`.
    case locate(Int32, ticket: UInt64, after: Duration)
    /// Make the consumer go on at an offset; then `sought` or `cannotSeek`.
    case seek(Int32, to: Int64, ticket: UInt64, after: Duration)
    /// Commit these offsets for the group.
    case commit([Int32: Int64])
    /// The log no longer holds these offsets, and they were never applied.
    case lost(Int32, Range<Int64>)
    /// The log ends before what the shard has applied. Nothing is read until that changes.
    case logEndsEarly(Int32, applied: Int64, end: Int64)
}

/// The state of all assigned partitions.
package struct SpoutTable: Sendable {
    private struct Slot: Sendable {
        var machine: SpoutPartition<LogRecord>
        /// The consumer reads nothing of the partition until it is assigned anew.
        var isStopped = false
        /// The log ended early when it was last asked.
        var isRefused = false
    }

    private let limits: SpoutLimits
    private let seed: UInt64
    private var slots: [Int32: Slot] = [:]
    /// At most one entry a partition of the topic.
    private var lastTickets: [Int32: UInt64] = [:]
    private var isStopping = false

    package init(limits: SpoutLimits, seed: UInt64) {
        self.limits = limits
        self.seed = seed
    }

    package var partitions: [Int32] { slots.keys.sorted() }
    /// Partitions that stand where their shard stood and follow the log.
    package var readingCount: Int { slots.values.count { $0.machine.isReading } }
    /// Partitions that are not read because their log ends early.
    package var refused: [Int32] { slots.filter(\.value.isRefused).keys.sorted() }
    /// What each partition's shard has applied, as far as is known here.
    package var applied: [Int32: Int64] { slots.compactMapValues(\.machine.applied) }

    // MARK: The group

    /// The group gave this worker these partitions and no others.
    package mutating func assigned(_ partitions: [Int32]) -> [SpoutCommand] {
        // A well-behaved consumer revokes first; a lane left over would be nobody's.
        var commands = slots.keys.sorted().map { SpoutCommand.end($0) }
        rememberTickets()
        slots = [:]
        var places: [Int32: Int64] = [:]
        for partition in partitions.sorted() {
            var machine = SpoutPartition<LogRecord>(
                limits: limits, seed: seed &+ UInt64(UInt32(bitPattern: partition)),
                ticketsAfter: lastTickets[partition] ?? 0)
            let actions = machine.begin()
            slots[partition] = Slot(machine: machine)
            commands.append(.begin(partition))
            commands += translate(actions, partition)
            // It stands still there until it is sought.
            places[partition] = PartitionOffset.end
        }
        return [.assign(places)] + commands
    }

    /// The group takes everything back. Nothing can be committed any more if it is lost already.
    package mutating func revoked(areLost: Bool) -> [SpoutCommand] {
        var commands = areLost ? [] : commit(now: .zero, force: true)
        commands += slots.keys.sorted().map { SpoutCommand.end($0) }
        rememberTickets()
        slots = [:]
        return commands + [.unassign]
    }

    private mutating func rememberTickets() {
        for (partition, slot) in slots { lastTickets[partition] = slot.machine.lastTicket }
    }

    // MARK: The consumer

    /// The consumer handed over records, those of one partition in order.
    package mutating func received(_ records: [LogRecord]) -> [SpoutCommand] {
        var commands: [SpoutCommand] = []
        for (partition, records) in Dictionary(grouping: records, by: \.partition) {
            commands += with(partition) { $0.machine.received(records) }
        }
        return commands
    }

    package mutating func reachedEnd(_ partition: Int32, at offset: Int64) -> [SpoutCommand] {
        with(partition) { $0.machine.reachedEnd(offset) }
    }

    package mutating func sought(_ partition: Int32, ticket: UInt64) -> [SpoutCommand] {
        with(partition) { $0.machine.sought(ticket: ticket) }
    }

    /// A partition that the consumer had stopped is begun anew, and with it all others: where they
    /// are, since the consumer takes an assignment only as a whole.
    package mutating func cannotSeek(_ partition: Int32, ticket: UInt64) -> [SpoutCommand] {
        let again = with(partition) { $0.machine.cannotSeek(ticket: ticket) }
        guard !again.isEmpty, slots[partition]?.isStopped == true else { return again }
        var paused: [SpoutCommand] = []
        var places: [Int32: Int64] = [:]
        for (partition, slot) in slots {
            places[partition] = slot.machine.wanted ?? PartitionOffset.end
            if slot.machine.isPaused { paused.append(.pause(partition)) }
            slots[partition]?.isStopped = false
        }
        return [.assign(places)] + paused + again
    }

    /// The consumer found that the log does not hold what it wanted, and stopped.
    package mutating func outOfRange(_ partition: Int32) -> [SpoutCommand] {
        with(partition) {
            $0.isStopped = true
            return $0.machine.outOfRange()
        }
    }

    // MARK: Store and log

    package mutating func located(
        _ partition: Int32, ticket: UInt64, applied: Int64, range: PartitionRange
    ) -> [SpoutCommand] {
        with(partition) {
            let actions = $0.machine.located(
                ticket: ticket, applied: applied, earliest: range.earliest, end: range.latest)
            guard !actions.isEmpty else { return [] }
            if case .logEndsEarly = actions.first {
                $0.isRefused = true
            } else {
                $0.isRefused = false
            }
            return actions
        }
    }

    package mutating func cannotLocate(_ partition: Int32, ticket: UInt64) -> [SpoutCommand] {
        with(partition) { $0.machine.cannotLocate(ticket: ticket) }
    }

    /// The shard stands below what it has said before: its store lost what was not yet on the disk.
    /// `known` is what was known before the store was asked. Everything is read again from there,
    /// also if no further record comes.
    package mutating func surveyed(
        _ partition: Int32, known: Int64, applied: Int64
    ) -> [SpoutCommand] {
        guard applied < known, slots[partition]?.machine.isReading == true else { return [] }
        return [.begin(partition)] + with(partition) { $0.machine.begin() }
    }

    // MARK: The topology

    /// The partition's next batch, if there is one.
    package mutating func nextBatch(
        of partition: Int32
    ) -> (batch: SpoutBatch<[LogRecord]>?, commands: [SpoutCommand]) {
        guard !isStopping, slots[partition] != nil else { return (nil, []) }
        var batch: SpoutBatch<[LogRecord]>?
        let commands = with(partition) {
            let next = $0.machine.nextBatch()
            batch = next.batch
            return next.actions
        }
        return (batch, commands)
    }

    package mutating func acked(_ partition: Int32, toOffset: Int64) {
        slots[partition]?.machine.acked(toOffset: toOffset)
    }

    package mutating func failed(_ partition: Int32, replayFrom: Int64?) -> [SpoutCommand] {
        with(partition) { $0.machine.failed(replayFrom: replayFrom) }
    }

    /// Commits what has been applied and is due.
    package mutating func commit(now: Duration, force: Bool = false) -> [SpoutCommand] {
        var offsets: [Int32: Int64] = [:]
        for partition in slots.keys {
            offsets[partition] = slots[partition]?.machine.takeCommit(now: now, force: force)
        }
        return offsets.isEmpty ? [] : [.commit(offsets)]
    }

    /// Hands out no batch any more.
    package mutating func stop() { isStopping = true }

    // MARK: -

    private mutating func with(
        _ partition: Int32, _ body: (inout Slot) -> [SpoutAction]
    ) -> [SpoutCommand] {
        guard var slot = slots.removeValue(forKey: partition) else { return [] }
        let actions = body(&slot)
        slots[partition] = slot
        return translate(actions, partition)
    }

    private func translate(_ actions: [SpoutAction], _ partition: Int32) -> [SpoutCommand] {
        actions.map { action in
            switch action {
            case .locate(let ticket, let wait): .locate(partition, ticket: ticket, after: wait)
            case .seek(let ticket, let offset, let wait):
                .seek(partition, to: offset, ticket: ticket, after: wait)
            case .pause: .pause(partition)
            case .resume: .resume(partition)
            case .wake: .wake(partition)
            case .lost(let offsets): .lost(partition, offsets)
            case .logEndsEarly(let applied, let end):
                .logEndsEarly(partition, applied: applied, end: end)
            }
        }
    }
}

extension LogRecord: SpoutRecord {
    /// Its value, and about what the record itself takes; keys are shared.
    package var byteCount: Int { value.count + 128 }
}
