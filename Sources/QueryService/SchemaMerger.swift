// Puts together what several shards know of a project's collections. Pure.

internal import Model

/// Adds up schemas of the same project from different nodes.
struct SchemaMerger {
    private var counts: [CollectionName: Int64] = [:]
    private var properties: [CollectionName: [PropertyPath: PropertyType]] = [:]

    mutating func add(_ schemas: [CollectionSchema]) {
        for schema in schemas {
            let (sum, overflow) = counts[schema.collection, default: 0]
                .addingReportingOverflow(schema.eventCount)
            // The counts come from the network, and only inform.
            counts[schema.collection] = overflow ? .max : sum
            for property in schema.properties {
                properties[schema.collection, default: [:]].merge(
                    [property.path: property.type], uniquingKeysWith: Self.shown)
            }
        }
    }

    /// A property is shown with one type. Of several, null says least, and a text is what every
    /// client can read any value as: so the least raw value, which orders string, number, bool,
    /// time, array, null.
    private static func shown(_ left: PropertyType, _ right: PropertyType) -> PropertyType {
        left.rawValue < right.rawValue ? left : right
    }

    /// Collections by name, each with its properties by path, every property once.
    func finish() -> [CollectionSchema] {
        counts.sorted { $0.key < $1.key }.map { name, count in
            CollectionSchema(
                collection: name, eventCount: count,
                properties: properties[name, default: [:]].sorted { $0.key < $1.key }.map {
                    PropertySchema(path: $0.key, type: $0.value)
                })
        }
    }
}
