// Bodies of `schema`: the collections of a project as the shards of one node know them.
//
//     SchemaRequest  = project, optional collection name
//     SchemaResponse = count { collection name, event count, count { property path, u8 type } }

package import Base
package import Model

/// Asks for one collection of a project, or for all of them.
package struct SchemaRequest: Message, Equatable {
    package var project: ProjectID
    package var collection: CollectionName?

    package init(project: ProjectID, collection: CollectionName? = nil) {
        self.project = project
        self.collection = collection
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(project.name)
        writer.write(flag: collection != nil)
        if let collection { writer.write(collection.name) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        project = try reader.readProject()
        collection = try reader.readFlag() ? try reader.readCollectionName() : nil
    }
}

package struct SchemaResponse: Message, Equatable {
    package var collections: [CollectionSchema]

    package init(_ collections: [CollectionSchema]) { self.collections = collections }

    package func encode(into writer: inout ByteWriter) {
        writer.write(count: collections.count)
        for schema in collections {
            writer.write(schema.collection.name)
            writer.write(zigzag: schema.eventCount)
            writer.write(count: schema.properties.count)
            for property in schema.properties {
                writer.write(property.path)
                writer.write(property.type.rawValue)
            }
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        // A name of one character, a number and a count.
        let count = try reader.readCount(ofAtLeast: 4)
        collections = []
        collections.reserveCapacity(count)
        for _ in 0..<count {
            let name = try reader.readCollectionName()
            let eventCount = try reader.readZigzag()
            collections.append(
                CollectionSchema(
                    collection: name, eventCount: eventCount,
                    properties: try Self.readProperties(&reader)))
        }
    }

    private static func readProperties(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [PropertySchema] {
        let count = try reader.readCount(ofAtLeast: 3)
        var properties: [PropertySchema] = []
        properties.reserveCapacity(count)
        for _ in 0..<count {
            let path = try reader.readPath()
            let start = reader.offset
            let tag = try reader.readByte()
            guard let type = PropertyType(rawValue: tag) else {
                throw .invalidValue(offset: start, what: "unknown property type \(tag)")
            }
            properties.append(PropertySchema(path: path, type: type))
        }
        return properties
    }
}
