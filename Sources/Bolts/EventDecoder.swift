// The decode step: records of the log become rows of one column block a collection.
//
// A record's key is `project/collection`, its value the event's JSON with a `keen` object. Nested
// objects become dotted paths; arrays and empty objects stay together as compact JSON text. A
// record
// that is no event is counted with its reason and its offset is covered all the same: one bad
// record
// must not hold up a partition. The log may be written by others than our collector, so nothing in
// a
// record is trusted.

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
        package fileprivate(set) var rows = BlockBuilder()
        /// Events by hour since 1970 of their own timestamps: what rollups add.
        fileprivate var hours: [Int64: Int64] = [:]
        /// The hour of the last events and how many they are, not in `hours` yet: a table's entry
        /// for each event would cost more than the event's own row.
        fileprivate var lastHour: (hour: Int64, count: Int64) = (0, 0)

        fileprivate init(_ collection: CollectionID) { self.collection = collection }

        fileprivate mutating func count(_ hour: Int64) {
            if hour != lastHour.hour {
                hours[lastHour.hour, default: 0] += lastHour.count
                lastHour = (hour, 0)
            }
            lastHour.count += 1
        }
    }

    package private(set) var parts: [Part] = []
    private var places: [CollectionID: Int] = [:]
    package var rejected: [RejectedRecord] = []

    package init() {}

    /// Where the events of a collection are in `parts`. `guess` is where they were last time.
    fileprivate mutating func place(of collection: CollectionID, guess: Int) -> Int {
        if guess < parts.count, parts[guess].collection == collection { return guess }
        if let place = places[collection] { return place }
        parts.append(Part(collection))
        places[collection] = parts.count - 1
        return parts.count - 1
    }

    fileprivate mutating func withPart(_ place: Int, _ body: (inout Part) -> Void) {
        body(&parts[place])
    }

    private var partsInOrder: [Part] { parts.sorted { $0.collection < $1.collection } }

    /// What the rollup step sends on, in a fixed order.
    package var rollups: [RollupDelta] {
        partsInOrder.flatMap { part in
            var hours = part.hours
            hours[part.lastHour.hour, default: 0] += part.lastHour.count
            return hours.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map {
                RollupDelta(collection: part.collection, hour: $0.key, count: $0.value)
            }
        }
    }

    /// What the store step sends on, in a fixed order.
    package func blocks() -> [CollectionBlock] {
        partsInOrder.map {
            CollectionBlock(collection: $0.collection, bytes: $0.rows.encode())
        }
    }
}

/// Decodes records. Not Sendable: one for each task, for its parser and its buffers.
package final class EventDecoder {
    private let parser = JSONParser()
    private var names: [[UInt8]: CollectionID] = [:]
    /// The key of the last record, and where its collection was: most records have the same.
    private var last: (key: [UInt8], collection: CollectionID, place: Int)?
    private var path: [UInt8] = []

    /// Distinct collections remembered; beyond it the table starts anew (a choice: 64 K names).
    private static let namesMax = 65_536

    package init() {}

    /// Adds one record to `events`, as a row or as a rejection.
    package func decode(
        offset: Int64, key: [UInt8], value: [UInt8], into events: inout DecodedEvents
    ) {
        do throws(Rejection) {
            let collection = try collection(of: key)
            let root = try parse(value)
            let timestamp = try timestamp(of: root)
            var propertyCount = 0
            try check(root, pathBytes: 0, &propertyCount)
            let place = events.place(of: collection, guess: last?.place ?? 0)
            last?.place = place
            events.withPart(place) { part in
                part.rows.append(root, timestamp: timestamp, path: &path)
                part.count(timestamp.milliseconds.floorDivided(by: 3_600_000))
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
            let collection = try collection(of: key)
            do { _ = try ControlCommand(value) } catch { throw Rejection(reason: "\(error)") }
            return CollectionControl(collection: collection, bytes: value)
        } catch {
            events.rejected.append(RejectedRecord(offset: offset, reason: error.reason))
            return nil
        }
    }

    private struct Rejection: Error { var reason: String }

    private func collection(of key: [UInt8]) throws(Rejection) -> CollectionID {
        if let last, last.key == key { return last.collection }
        if let known = names[key] {
            last = (key, known, 0)
            return known
        }
        let text = String(decoding: key, as: UTF8.self)
        guard let slash = text.firstIndex(of: "/") else {
            throw Rejection(reason: "the key is not project/collection")
        }
        do throws(InvalidName) {
            let collection = CollectionID(
                project: try ProjectID(String(text[..<slash])),
                collection: try CollectionName(String(text[text.index(after: slash)...])))
            if names.count >= Self.namesMax { names.removeAll() }
            names[key] = collection
            last = (key, collection, 0)
            return collection
        } catch { throw Rejection(reason: "the key is not project/collection: \(error.message)") }
    }

    private func parse(_ value: [UInt8]) throws(Rejection) -> JSONNode {
        let root: JSONNode
        do throws(JSONError) { root = try parser.parse(value).root } catch {
            throw Rejection(reason: "the event is no JSON: \(error)")
        }
        guard root.kind == .object else { throw Rejection(reason: "the event is no object") }
        return root
    }

    /// Collectors refuse these; from others they would make columns that no query could name, or
    /// blocks a thousand times as large as the event.
    private func check(
        _ object: JSONNode, pathBytes: Int, _ propertyCount: inout Int
    ) throws(Rejection) {
        for (name, value) in object.members {
            let bytes = pathBytes + name.count
            guard name.count > 0, bytes <= Limits.propertyPathBytesMax else {
                throw Rejection(
                    reason: "a property has an empty name, or names of more than "
                        + "\(Limits.propertyPathBytesMax) bytes down to it")
            }
            propertyCount += 1
            guard propertyCount <= Limits.propertiesPerEventMax else {
                throw Rejection(
                    reason: "the event has more than \(Limits.propertiesPerEventMax) properties")
            }
            if value.kind == .object { try check(value, pathBytes: bytes + 1, &propertyCount) }
        }
    }

    private func timestamp(of root: JSONNode) throws(Rejection) -> Timestamp {
        guard let text = root["keen"]?["timestamp"]?.string, let time = Timestamp(iso8601: text)
        else {
            throw Rejection(reason: "keen.timestamp is no ISO 8601 time")
        }
        return time
    }
}

private let createdAtPath = Array(PropertyPath.createdAt.text.utf8)

extension BlockBuilder {
    /// One event as one row.
    fileprivate mutating func append(_ root: JSONNode, timestamp: Timestamp, path: inout [UInt8]) {
        beginRow(timestamp: timestamp.milliseconds)
        path.removeAll(keepingCapacity: true)
        appendMembers(of: root, path: &path)
        endRow()
    }

    /// The members of an object under `path`. Depth is bounded by the parser's own limit.
    private mutating func appendMembers(of object: JSONNode, path: inout [UInt8]) {
        let start = path.count
        for (name, value) in object.members {
            if start > 0 { path.append(UInt8(ascii: ".")) }
            path.append(contentsOf: name.bytes)
            appendValue(value, path: &path)
            path.removeLast(path.count - start)
        }
    }

    private mutating func appendValue(_ value: JSONNode, path: inout [UInt8]) {
        if value.kind == .object, value.childCount > 0 {
            return appendMembers(of: value, path: &path)
        }
        let column = path.withUnsafeBufferPointer { self.column($0) }
        switch value.kind {
        case .null: appendNull(to: column)
        case .bool: appendBool(value.bool ?? false, to: column)
        case .int: appendInt(value.int ?? 0, to: column)
        case .double: appendDouble(value.double ?? 0, to: column)
        case .string:
            guard let text = value.string else { return }
            if path.count == createdAtPath.count, path == createdAtPath,
                let time = Timestamp(iso8601: text)
            {
                return appendInt(time.milliseconds, to: column)
            }
            text.withContiguousStorageIfAvailable { appendString($0, to: column) }
        case .array, .object:
            var writer = JSONWriter()
            writer.value(value)
            writer.bytes.withUnsafeBufferPointer { appendJSON($0, to: column) }
        }
    }
}
