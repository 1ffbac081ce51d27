// One record inside a batch: all integers but the attributes are zigzag varints.
//
//     length, attributes int8, timestamp delta, offset delta,
//     key length (-1 null), key, value length (-1 null), value,
//     header count, then for each header: key length, key, value length (-1 null), value

internal import Base

/// A record read from a batch or to be put into one.
package struct Record: Sendable, Equatable {
    /// A header of a record.
    package struct Header: Sendable, Equatable {
        package var key: [UInt8]
        package var value: [UInt8]?

        package init(key: [UInt8], value: [UInt8]?) {
            self.key = key
            self.value = value
        }
    }

    package var timestampDelta: Int64
    package var offsetDelta: Int32
    package var key: [UInt8]?
    package var value: [UInt8]?
    package var headers: [Header]

    package init(
        timestampDelta: Int64 = 0, offsetDelta: Int32 = 0, key: [UInt8]?, value: [UInt8]?,
        headers: [Header] = []
    ) {
        self.timestampDelta = timestampDelta
        self.offsetDelta = offsetDelta
        self.key = key
        self.value = value
        self.headers = headers
    }

    init(from reader: inout ByteReader) throws(KafkaWireError) {
        do {
            let length = try reader.readZigzag()
            guard length >= 0, length <= reader.remaining else {
                throw KafkaWireError.truncated(
                    needed: Int(clamping: length), available: reader.remaining)
            }
            var content = ByteReader(try reader.readBytes(Int(length)))
            _ = try content.readByte()
            timestampDelta = try content.readZigzag()
            guard let delta = Int32(exactly: try content.readZigzag()), delta >= 0 else {
                throw KafkaWireError.invalidBatch("offset delta out of range")
            }
            offsetDelta = delta
            key = try Self.field(&content)
            value = try Self.field(&content)
            let count = try content.readZigzag()
            guard count >= 0, count <= content.remaining else {
                throw KafkaWireError.invalidBatch("header count out of range")
            }
            headers = []
            for _ in 0..<count {
                let key = try Self.field(&content) ?? []
                headers.append(Header(key: key, value: try Self.field(&content)))
            }
            guard content.isAtEnd else { throw KafkaWireError.invalidBatch("record too long") }
        } catch let error as ByteReaderError {
            throw KafkaWireError(error)
        } catch let error as KafkaWireError {
            throw error
        } catch {
            throw .invalidBatch("unreadable record")
        }
    }

    private static func field(_ reader: inout ByteReader) throws -> [UInt8]? {
        let length = try reader.readZigzag()
        if length == -1 { return nil }
        guard length >= 0, length <= reader.remaining else {
            throw KafkaWireError.truncated(
                needed: Int(clamping: length), available: reader.remaining)
        }
        return Array(try reader.readBytes(Int(length)))
    }

    func write(into writer: inout ByteWriter) {
        var content = ByteWriter(capacity: (key?.count ?? 0) + (value?.count ?? 0) + 32)
        content.write(UInt8(0))
        content.write(zigzag: timestampDelta)
        content.write(zigzag: Int64(offsetDelta))
        Self.write(key, into: &content)
        Self.write(value, into: &content)
        content.write(zigzag: Int64(headers.count))
        for header in headers {
            Self.write(header.key, into: &content)
            Self.write(header.value, into: &content)
        }
        writer.write(zigzag: Int64(content.count))
        writer.write(content.bytes)
    }

    private static func write(_ bytes: [UInt8]?, into writer: inout ByteWriter) {
        writer.write(zigzag: Int64(bytes?.count ?? -1))
        if let bytes { writer.write(bytes) }
    }
}
