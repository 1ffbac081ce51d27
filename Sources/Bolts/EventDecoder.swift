// The decode step: records of the log become rows of one column block a collection.
//
// A record's key is `project/collection`, its value the event's JSON with a `keen` object. Nested
// objects become dotted paths; arrays and empty objects stay together as compact JSON text. A
// record that is no event is counted with its reason and its offset is covered all the same: one
// bad record must not hold up a partition. The log may be written by others than our collector, so
// nothing in a record is trusted.

internal import Base
package import Columns
internal import JSON
package import Model
internal import Wire

/// A record that is no event.
package struct RejectedRecord: Sendable, Equatable {
    package var offset: Int64
    package var reason: String
}

/// The events of a stretch of one partition, by collection.
package struct DecodedEvents: Sendable {
    /// The events of one collection.
    package struct Part: Sendable {
        package let collection: CollectionID
        package fileprivate(set) var rows: BlockBuilder
        /// The tree whose columns `rows` has, and how many these are.
        fileprivate var tree: UInt64
        fileprivate var columnCount: Int
        /// Events by hour since 1970 of their own timestamps: what rollups add.
        fileprivate var hours: [Int64: Int64] = [:]
        /// The hour of the last events and how many they are, not in `hours` yet: a table's entry
        /// for each event would cost more than the event's own row.
        fileprivate var lastHour: (hour: Int64, count: Int64) = (0, 0)

        fileprivate init(_ collection: CollectionID, _ tree: PropertyTree) {
            self.collection = collection
            self.tree = tree.number
            columnCount = tree.columnCount
            rows = tree.template
        }

        /// Whether `rows` has the columns of the tree and no others. Both grow together, so a copy
        /// that has been left behind is told by its number of columns.
        /// Mutating, though it changes nothing: a part is looked at in its place then, and copied
        /// otherwise.
        @inline(__always)
        fileprivate mutating func belongs(to tree: PropertyTree) -> Bool {
            self.tree == tree.number && columnCount == tree.columnCount
        }

        fileprivate mutating func count(_ time: Timestamp) {
            // A division for each would cost more than the rest, too.
            let within = time.milliseconds &- lastHour.hour &* 3_600_000
            if within < 0 || within >= 3_600_000 {
                if lastHour.count > 0 { hours[lastHour.hour, default: 0] += lastHour.count }
                lastHour = (time.milliseconds.floorDivided(by: 3_600_000), 0)
            }
            lastHour.count += 1
        }

        fileprivate var rollups: [RollupDelta] {
            var hours = hours
            if lastHour.count > 0 { hours[lastHour.hour, default: 0] += lastHour.count }
            return hours.sorted { $0.key < $1.key }.map {
                RollupDelta(collection: collection, hour: $0.key, count: $0.value)
            }
        }
    }

    package private(set) var parts: [Part] = []
    private var places: [CollectionID: Int] = [:]
    package var rejected: [RejectedRecord] = []

    package init() {}

    /// Calls `body` with the events of a collection and the tree whose columns they have, which is
    /// the collection's own from then on.
    @inline(__always)
    fileprivate mutating func withPart(
        of known: KnownCollection,
        _ body: (inout Part, PropertyTree) throws(Rejection) -> Void
    ) throws(Rejection) {
        if known.place >= parts.count || !parts[known.place].belongs(to: known.tree) {
            find(known)
        }
        defer { parts[known.place].columnCount = known.tree.columnCount }
        try body(&parts[known.place], known.tree)
    }

    private mutating func find(_ known: KnownCollection) {
        if let place = places[known.collection] {
            known.place = place
            guard !parts[place].belongs(to: known.tree) else { return }
            // Begun by another decoder, or before this one forgot its trees, or a copy.
            known.tree = PropertyTree(like: parts[place].rows)
            parts[place].tree = known.tree.number
            parts[place].columnCount = known.tree.columnCount
        } else {
            known.beginPart(at: parts.count)
            parts.append(Part(known.collection, known.tree))
            places[known.collection] = known.place
        }
    }

    /// Positions of the parts in a fixed order, without those that have had rejected events only.
    private var order: [Int] {
        parts.indices.filter { parts[$0].rows.rowCount > 0 }
            .sorted { parts[$0].collection < parts[$1].collection }
    }

    /// What the rollup step sends on, in a fixed order.
    package var rollups: [RollupDelta] {
        order.flatMap { parts[$0].rollups }
    }

    /// What the store step sends on, in a fixed order.
    package func blocks() -> [CollectionBlock] {
        order.map {
            // Sorted when they are merged, like everything else then.
            CollectionBlock(
                collection: parts[$0].collection,
                bytes: parts[$0].rows.encode(sortByTimestamp: false))
        }
    }
}

/// Why a record is no event.
struct Rejection: Error { var reason: String }

/// A collection that a decoder has met.
private final class KnownCollection {
    let collection: CollectionID
    @exclusivity(unchecked) var tree = PropertyTree(like: BlockBuilder())
    /// Where the collection was in the events decoded last.
    @exclusivity(unchecked) var place = 0
    @exclusivity(unchecked) var scans = Scans()

    /// Names of one tree that are kept for the next events (a choice): each costs them an empty
    /// column.
    private static let namesMax = 2048

    init(_ collection: CollectionID) { self.collection = collection }

    func beginPart(at place: Int) {
        self.place = place
        if tree.nodeCount > Self.namesMax { tree = PropertyTree(like: BlockBuilder()) }
    }
}

/// Whether to try the scanner: where it had to leave events to the parser, ever fewer are tried.
struct Scans {
    /// Events until the next trial.
    private var pause = 0
    private var failures = 0
    /// Failures after each other that still make the pause longer, each twice as long. A choice.
    private static let failuresMax = 8

    /// Whether the next event is to be tried; asked once for each.
    var isDue: Bool {
        mutating get {
            guard pause > 0 else { return true }
            pause -= 1
            return false
        }
    }

    /// Takes note of a trial's outcome, and returns it.
    @inline(__always)
    mutating func note(_ succeeded: Bool) -> Bool {
        if succeeded {
            failures = 0
        } else {
            failures = min(failures + 1, Self.failuresMax)
            pause = 1 << failures - 2
        }
        return succeeded
    }
}

/// Decodes records. Not Sendable: one for each task, for its parser and its buffers.
package final class EventDecoder {
    private let parser = JSONParser()
    @exclusivity(unchecked) private var row = EventRow()
    private var known: [[UInt8]: KnownCollection] = [:]
    /// Names of all trees.
    private var nameCount = 0
    /// The key of the last record and its collection: most records have the same.
    private var last: (key: [UInt8], known: KnownCollection)?

    /// Collections and names remembered; beyond it the decoder starts anew (a choice).
    private static let knownMax = 65_536

    /// Whether events are scanned before they are parsed; tests hold one against the other.
    private let scans: Bool

    package init(scans: Bool = true) { self.scans = scans }

    /// Adds one record to `events`, as a row or as a rejection.
    package func decode(
        offset: Int64, key: [UInt8], value: [UInt8], into events: inout DecodedEvents
    ) {
        do throws(Rejection) {
            let known = try known(key)
            try events.withPart(of: known) { part, tree throws(Rejection) in
                let before = tree.nodeCount
                defer { nameCount += tree.nodeCount - before }
                if !scans || !known.scans.isDue
                    || !known.scans.note(row.scan(value, tree, &part.rows))
                {
                    try row.read(parse(value), tree, &part.rows)
                }
                guard let time = row.time else {
                    throw Rejection(reason: "keen.timestamp is no ISO 8601 time")
                }
                part.rows.appendRow(timestamp: time.milliseconds, row.cells)
                part.count(time)
            }
        } catch {
            events.rejected.append(RejectedRecord(offset: offset, reason: error.reason))
        }
    }

    /// Reads a control record; nil, with a rejection in `events`, if it is none that is known here.
    package func control(
        offset: Int64, key: [UInt8], value: [UInt8], into events: inout DecodedEvents
    ) -> CollectionControl? {
        do throws(Rejection) {
            let collection = try known(key).collection
            do { _ = try ControlCommand(value) } catch { throw Rejection(reason: "\(error)") }
            return CollectionControl(collection: collection, bytes: value)
        } catch {
            events.rejected.append(RejectedRecord(offset: offset, reason: error.reason))
            return nil
        }
    }

    private func known(_ key: [UInt8]) throws(Rejection) -> KnownCollection {
        if let last, Self.areSame(last.key, key) { return last.known }
        if known.count >= Self.knownMax || nameCount >= Self.knownMax {
            known.removeAll()
            nameCount = 0
        }
        let found: KnownCollection
        if let before = known[key] {
            found = before
        } else {
            found = KnownCollection(try Self.collection(of: key))
            known[key] = found
        }
        last = (key, found)
        return found
    }

    private static func areSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { left.hasSameBytes($0) } }
    }

    private static func collection(of key: [UInt8]) throws(Rejection) -> CollectionID {
        let text = String(decoding: key, as: UTF8.self)
        guard let slash = text.firstIndex(of: "/") else {
            throw Rejection(reason: "the key is not project/collection")
        }
        do throws(InvalidName) {
            return CollectionID(
                project: try ProjectID(String(text[..<slash])),
                collection: try CollectionName(String(text[text.index(after: slash)...])))
        } catch { throw Rejection(reason: "the key is not project/collection: \(error.message)") }
    }

    private func parse(_ value: [UInt8]) throws(Rejection) -> JSONNode {
        let root: JSONNode
        do throws(JSONError) { root = try parser.parse(value).root } catch {
            throw Rejection(reason: "the event is no JSON: \(error)")
        }
        guard case .object = root.kind else {
            throw Rejection(reason: "the event is no object")
        }
        return root
    }
}
