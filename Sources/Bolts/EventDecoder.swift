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
        /// The tree whose columns `rows` has.
        fileprivate var tree: UInt64
        /// Events by hour since 1970 of their own timestamps: what rollups add.
        fileprivate var hours: [Int64: Int64] = [:]
        /// The hour of the last events and how many they are, not in `hours` yet: a table's entry
        /// for each event would cost more than the event's own row.
        fileprivate var lastHour: (hour: Int64, count: Int64) = (0, 0)

        fileprivate init(_ collection: CollectionID, _ tree: PropertyTree) {
            self.collection = collection
            self.tree = tree.number
            rows = tree.template
        }

        /// Whether `rows` has the columns of the tree and no others. Both grow together, so a copy
        /// that has been left behind is told by its number of columns.
        @inline(__always)
        fileprivate func belongs(to tree: PropertyTree) -> Bool {
            self.tree == tree.number && rows.columnCount == tree.template.columnCount
        }

        fileprivate mutating func count(_ time: Timestamp) {
            let hour = time.milliseconds.floorDivided(by: 3_600_000)
            if hour != lastHour.hour {
                if lastHour.count > 0 { hours[lastHour.hour, default: 0] += lastHour.count }
                lastHour = (hour, 0)
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
        try body(&parts[known.place], known.tree)
    }

    private mutating func find(_ known: KnownCollection) {
        if let place = places[known.collection] {
            known.place = place
            guard !parts[place].belongs(to: known.tree) else { return }
            // Begun by another decoder, or before this one forgot its trees, or a copy.
            known.tree = PropertyTree(like: parts[place].rows)
            parts[place].tree = known.tree.number
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

private struct Rejection: Error { var reason: String }

/// A collection that a decoder has met.
private final class KnownCollection {
    let collection: CollectionID
    @exclusivity(unchecked) var tree = PropertyTree(like: BlockBuilder())
    /// Where the collection was in the events decoded last.
    @exclusivity(unchecked) var place = 0

    /// Names of one tree that are kept for the next events (a choice): each costs them an empty
    /// column.
    private static let namesMax = 2048

    init(_ collection: CollectionID) { self.collection = collection }

    func beginPart(at place: Int) {
        self.place = place
        if tree.nodes.count > Self.namesMax { tree = PropertyTree(like: BlockBuilder()) }
    }
}

/// Decodes records. Not Sendable: one for each task, for its parser and its buffers.
package final class EventDecoder {
    private let parser = JSONParser()
    private var known: [[UInt8]: KnownCollection] = [:]
    /// Names of all trees.
    private var nameCount = 0
    /// The key of the last record and its collection: most records have the same.
    private var last: (key: [UInt8], known: KnownCollection)?

    /// Collections and names remembered; beyond it the decoder starts anew (a choice).
    private static let knownMax = 65_536

    package init() {}

    /// Adds one record to `events`, as a row or as a rejection.
    package func decode(
        offset: Int64, key: [UInt8], value: [UInt8], into events: inout DecodedEvents
    ) {
        do throws(Rejection) {
            let known = try known(key)
            let root = try parse(value)
            try events.withPart(of: known) { part, tree throws(Rejection) in
                let before = tree.nodes.count
                defer { nameCount += tree.nodes.count - before }
                var row = EventRow(tree)
                do throws(Rejection) {
                    try row.append(root, below: 0, to: &part.rows)
                    guard let time = row.time else {
                        throw Rejection(reason: "keen.timestamp is no ISO 8601 time")
                    }
                    part.rows.beginRow(timestamp: time.milliseconds)
                    part.rows.endRow()
                    part.count(time)
                } catch {
                    part.rows.dropRow()
                    throw error
                }
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

/// One event on its way into a row.
private struct EventRow {
    private let tree: PropertyTree
    private let propertiesMax = Limits.propertiesPerEventMax
    private var propertyCount = 0
    /// What `keen.timestamp` says; of repeated names the last one counts.
    private(set) var time: Timestamp?

    init(_ tree: PropertyTree) { self.tree = tree }

    /// Appends the members of an object whose name is the node `parent`. Depth is bounded by the
    /// parser's own limit.
    ///
    /// Collectors refuse what is refused here; from others it would make columns that no query
    /// could name, or blocks a thousand times as large as the event.
    mutating func append(
        _ object: JSONNode, below parent: Int32, to rows: inout BlockBuilder
    ) throws(Rejection) {
        var before: Int32 = 0
        for (name, value) in object.members {
            guard
                let node = tree.node(
                    UnsafeRawBufferPointer(name.bytes), parent: parent, before: before)
            else {
                throw Rejection(
                    reason: "a property has an empty name, or names of more than "
                        + "\(Limits.propertyPathBytesMax) bytes down to it")
            }
            before = node
            propertyCount += 1
            guard propertyCount <= propertiesMax else {
                throw Rejection(reason: "the event has more than \(propertiesMax) properties")
            }
            try append(value, at: node, to: &rows)
        }
    }

    @inline(__always)
    private mutating func append(
        _ value: JSONNode, at node: Int32, to rows: inout BlockBuilder
    ) throws(Rejection) {
        let kind = tree.nodes[Int(node)].kind
        if kind == .timestamp { time = value.string.flatMap { Timestamp(iso8601: $0.bytes.span) } }
        switch value.kind {
        case .object where value.childCount > 0: try append(value, below: node, to: &rows)
        case .null: rows.appendNull(to: tree.column(of: node, in: &rows))
        case .bool: rows.appendBool(value.bool ?? false, to: tree.column(of: node, in: &rows))
        case .int: rows.appendInt(value.int ?? 0, to: tree.column(of: node, in: &rows))
        case .double: rows.appendDouble(value.double ?? 0, to: tree.column(of: node, in: &rows))
        case .string:
            guard let text = value.string?.bytes else { return }
            let column = tree.column(of: node, in: &rows)
            if kind == .createdAt, let time = Timestamp(iso8601: text.span) {
                rows.appendInt(time.milliseconds, to: column)
            } else {
                rows.appendString(text, to: column)
            }
        case .array, .object:
            var writer = JSONWriter()
            writer.value(value)
            let column = tree.column(of: node, in: &rows)
            writer.bytes.withUnsafeBufferPointer { rows.appendJSON($0, to: column) }
        }
    }
}
