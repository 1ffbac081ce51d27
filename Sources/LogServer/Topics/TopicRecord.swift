// The payload of the checkpoint `topics.checkpoint`: which topics there are.
//
//     topic count varint, then for each topic:
//     id                16 bytes, as on the wire
//     name              varint length, UTF-8
//     flags             one byte: 1 internal
//     partition count   varint
//     setting count     varint, then name and value of each: varint length, UTF-8

internal import Base
internal import KafkaWire

/// A topic as the checkpoint holds it.
struct TopicRecord: Sendable, Equatable {
    var name: String
    var id: KafkaUUID
    var isInternal: Bool
    var partitionCount: Int
    var settings: TopicSettings

    static func encode(_ topics: [TopicRecord]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(varint: UInt64(topics.count))
        for topic in topics {
            writer.write(bigEndian: topic.id.high)
            writer.write(bigEndian: topic.id.low)
            writer.write(topic.name)
            writer.write(UInt8(topic.isInternal ? 1 : 0))
            writer.write(varint: UInt64(topic.partitionCount))
            let settings = topic.settings.changed.sorted { $0.key < $1.key }
            writer.write(varint: UInt64(settings.count))
            for (name, value) in settings {
                writer.write(name)
                writer.write(value)
            }
        }
        return writer.bytes
    }

    static func decode(_ reader: inout ByteReader) throws -> [TopicRecord] {
        var topics: [TopicRecord] = []
        for _ in 0..<(try reader.readCount(ofAtLeast: 20)) {
            let high: UInt64 = try reader.readBigEndian()
            let id = KafkaUUID(high: high, low: try reader.readBigEndian())
            let name = try reader.readString()
            let flags = try reader.readByte()
            let partitionCount = try reader.readVarint()
            guard Topic.isValid(name: name), flags <= 1,
                (1...UInt64(Limits.logPartitionsMax)).contains(partitionCount)
            else { throw ByteReaderError.invalidValue(offset: reader.offset, what: "topic") }
            var settings = TopicSettings()
            for _ in 0..<(try reader.readCount(ofAtLeast: 2)) {
                let name = try reader.readString()
                try settings.set(name, to: try reader.readString())
            }
            topics.append(
                TopicRecord(
                    name: name, id: id, isInternal: flags == 1,
                    partitionCount: Int(partitionCount), settings: settings))
        }
        return topics
    }
}
