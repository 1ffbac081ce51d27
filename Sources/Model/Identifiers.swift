// The names of things: projects, collections, properties, shards. Each is checked when it is made,
// so whoever holds one need not check again.
//
// Names that customers choose are equal byte for byte, as keys of the store are. Swift's own
// equality takes two spellings of an accented letter for one: a collection would then have blocks
// under two keys and be looked for under one of them.

internal import Base

/// Why a name was refused, in words for the person who chose it.
package struct InvalidName: Error, Sendable, Equatable {
    package let message: String
    package init(message: String) { self.message = message }
}

/// A project's id: usually 24 hexadecimal digits, in general 1 to 64 letters, digits, `-` or `_`.
package struct ProjectID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let name: String

    package init(_ name: String) throws(InvalidName) {
        let allowed = name.utf8.allSatisfy {
            ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39)
                || $0 == 0x2D || $0 == 0x5F
        }
        guard !name.isEmpty, name.utf8.count <= 64, allowed else {
            throw InvalidName(
                message: "a project id has 1 to 64 letters, digits, dashes or underscores")
        }
        self.name = name
    }

    package var description: String { name }
    package static func < (left: Self, right: Self) -> Bool { left.name < right.name }
}

/// An event collection's name: 1 to 256 characters, without `$`, not beginning with `_`, without
/// control characters. Spaces, dots and slashes are legal.
package struct CollectionName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let name: String

    package init(_ name: String) throws(InvalidName) {
        guard !name.isEmpty else {
            throw InvalidName(message: "a collection name must not be empty")
        }
        guard name.count <= Limits.collectionNameCharactersMax, name.utf8.count <= 1024 else {
            throw InvalidName(
                message:
                    "a collection name has at most \(Limits.collectionNameCharactersMax) characters"
            )
        }
        guard name.utf8.first != UInt8(ascii: "_") else {
            throw InvalidName(message: "a collection name must not begin with an underscore")
        }
        guard !name.utf8.contains(UInt8(ascii: "$")) else {
            throw InvalidName(message: "a collection name must not contain '$'")
        }
        guard !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw InvalidName(message: "a collection name must not contain control characters")
        }
        self.name = name
    }

    package var description: String { name }
    package static func == (left: Self, right: Self) -> Bool { areSameBytes(left.name, right.name) }
    package static func < (left: Self, right: Self) -> Bool { byteOrder(left.name, right.name) < 0 }
}

/// A property inside an event: the names from the root down, joined by dots.
package struct PropertyPath: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(InvalidName) {
        guard !text.isEmpty, text.utf8.count <= Limits.propertyPathBytesMax else {
            throw InvalidName(
                message: "a property name has 1 to \(Limits.propertyPathBytesMax) bytes")
        }
        self.text = text
    }

    private init(unchecked text: String) { self.text = text }

    package var description: String { text }
    package static func == (left: Self, right: Self) -> Bool { areSameBytes(left.text, right.text) }
    package static func < (left: Self, right: Self) -> Bool { byteOrder(left.text, right.text) < 0 }

    /// The event's time: what every timeframe selects on.
    package static let timestamp = PropertyPath(unchecked: "keen.timestamp")
    /// When the collector received the event.
    package static let createdAt = PropertyPath(unchecked: "keen.created_at")
    /// `keen.uniqueness_token`, by which an event that is sent again is recognised.
    package static let uniquenessToken = PropertyPath(unchecked: "keen.uniqueness_token")
    /// The event's own id.
    package static let eventID = PropertyPath(unchecked: "keen.id")
}

extension PropertyPath {
    /// Holds what the collector adds to every event; none of it can be taken away.
    package static let keen = PropertyPath(unchecked: "keen")

    /// Whether a path is `top` or lies below it.
    package static func covers(_ top: PropertyPath, _ path: some Collection<UInt8>) -> Bool {
        let bytes = top.text.utf8
        guard path.count >= bytes.count, path.starts(with: bytes) else { return false }
        return path.count == bytes.count
            || path[path.index(path.startIndex, offsetBy: bytes.count)] == UInt8(ascii: ".")
    }
}

/// A shard of the store: what log partition of the same number becomes.
package struct ShardID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let number: Int32
    package init(_ number: Int32) { self.number = number }
    package var description: String { String(number) }
    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }

    /// Which of `count` storage nodes, in the order of `store.addresses`, holds the shard
    /// (docs/decisions/0004).
    package func nodeIndex(among count: Int) -> Int {
        Int(UInt32(bitPattern: number) % UInt32(count))
    }
}

/// A collection of one project: what an event belongs to.
package struct CollectionID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let project: ProjectID
    package let collection: CollectionName

    package init(project: ProjectID, collection: CollectionName) {
        self.project = project
        self.collection = collection
    }

    package var description: String { "\(project)/\(collection)" }
    package static func < (left: Self, right: Self) -> Bool {
        (left.project, left.collection) < (right.project, right.collection)
    }
}
