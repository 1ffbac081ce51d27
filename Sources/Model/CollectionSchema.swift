// What a collection's events look like: the answer to schema reads.

/// The type of a property, as users see it. The raw value is the byte on the wire.
package enum PropertyType: UInt8, Sendable, Hashable, CaseIterable {
    case string = 1
    case number = 2
    case bool = 3
    case datetime = 4
    case array = 5
    case null = 6

    /// The word that the HTTP API uses.
    package var name: String {
        switch self {
        case .string: "string"
        case .number: "num"
        case .bool: "bool"
        case .datetime: "datetime"
        case .array: "array"
        case .null: "null"
        }
    }
}

/// One property of a collection. A property that came with several types is listed once for each.
package struct PropertySchema: Sendable, Hashable {
    package var path: PropertyPath
    package var type: PropertyType

    package init(path: PropertyPath, type: PropertyType) {
        self.path = path
        self.type = type
    }
}

/// One collection as one shard, or all shards together, know it.
package struct CollectionSchema: Sendable, Hashable {
    package var collection: CollectionName
    package var eventCount: Int64
    package var properties: [PropertySchema]

    package init(collection: CollectionName, eventCount: Int64, properties: [PropertySchema]) {
        self.collection = collection
        self.eventCount = eventCount
        self.properties = properties
    }
}
