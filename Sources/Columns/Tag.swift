// What one row holds in one column. The raw values are bytes of the block format.

/// The kind of one value.
@usableFromInline package enum Tag: UInt8, Sendable, Hashable, CaseIterable {
    /// The event does not have the property.
    case missing = 0
    /// The event has it with the value null.
    case null = 1
    case `false` = 2
    case `true` = 3
    case int = 4
    case double = 5
    case string = 6
    /// Compact JSON text of an array or an empty object.
    case json = 7
}

/// A set of tags: bit i stands for the tag with raw value i.
package struct TagSet: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package init(_ tag: Tag) { rawValue = 1 << tag.rawValue }

    package static let missing = TagSet(.missing)
    package static let null = TagSet(.null)
    package static let bools: TagSet = [TagSet(.false), TagSet(.true)]
    package static let int = TagSet(.int)
    package static let double = TagSet(.double)
    package static let numbers: TagSet = [.int, .double]
    package static let string = TagSet(.string)
    package static let json = TagSet(.json)
    package static let texts: TagSet = [.string, .json]

    package func contains(_ tag: Tag) -> Bool { rawValue & (1 << tag.rawValue) != 0 }

    /// The tags in ascending order.
    package var tags: [Tag] { Tag.allCases.filter(contains) }
}
