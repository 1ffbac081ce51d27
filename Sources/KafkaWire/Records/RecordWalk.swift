// Walking over the records of a batch without copying them: what compaction and checks of keys
// need to know of each, and the bytes to keep it by.

internal import Base

/// A record as it lies in a batch.
package struct RecordSlice: Sendable {
    /// All of it, its length included.
    package var bytes: ArraySlice<UInt8>
    package var timestampDelta: Int64
    package var offsetDelta: Int32
    /// Nil if it has none.
    package var key: ArraySlice<UInt8>?
    /// False for a record that deletes its key.
    package var hasValue: Bool
}

/// Calls `body` with each of `count` records until it returns false. `content` is what follows the
/// header of a batch, decompressed.
package func forEachRecordSlice(
    _ count: Int32, in content: ArraySlice<UInt8>, _ body: (RecordSlice) -> Bool
) throws(KafkaWireError) {
    var reader = ByteReader(content)
    for _ in 0..<count {
        let record = try RecordSlice(from: &reader, in: content)
        guard body(record) else { return }
    }
}

extension RecordSlice {
    fileprivate init(
        from reader: inout ByteReader, in content: ArraySlice<UInt8>
    ) throws(KafkaWireError) {
        do {
            let start = content.endIndex - reader.remaining
            let length = try reader.readZigzag()
            guard length >= 0, length <= reader.remaining else {
                throw KafkaWireError.truncated(
                    needed: Int(clamping: length), available: reader.remaining)
            }
            var fields = ByteReader(try reader.readBytes(Int(length)))
            _ = try fields.readByte()
            timestampDelta = try fields.readZigzag()
            guard let delta = Int32(exactly: try fields.readZigzag()), delta >= 0 else {
                throw KafkaWireError.invalidBatch("offset delta out of range")
            }
            offsetDelta = delta
            key = try Self.field(&fields)
            hasValue = try Self.field(&fields) != nil
            bytes = content[start..<content.endIndex - reader.remaining]
        } catch let error as ByteReaderError {
            throw KafkaWireError(error)
        } catch let error as KafkaWireError {
            throw error
        } catch {
            throw .invalidBatch("unreadable record")
        }
    }

    private static func field(_ reader: inout ByteReader) throws -> ArraySlice<UInt8>? {
        let length = try reader.readZigzag()
        if length == -1 { return nil }
        guard length >= 0, length <= reader.remaining else {
            throw KafkaWireError.truncated(
                needed: Int(clamping: length), available: reader.remaining)
        }
        return try reader.readBytes(Int(length))
    }
}
