// The control batch that ends a transaction in a partition: one record, attributes 0x30.
//
//     key      version int16 (0), type int16 (0 abort, 1 commit)
//     value    version int16 (0), coordinator epoch int32
//
// Producer id and epoch in the batch's header say whose transaction it was; there is no sequence.

internal import Base

/// The end of a producer's transaction.
package struct EndMarker: Sendable, Equatable {
    package var producerID: Int64
    package var producerEpoch: Int16
    package var isCommit: Bool

    package init(producerID: Int64, producerEpoch: Int16, isCommit: Bool) {
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.isCommit = isCommit
    }

    private static let attributes: Int16 = 0x30
    private static let abortType: Int16 = 0
    private static let commitType: Int16 = 1

    /// The batch. A single node coordinates for ever, so the coordinator epoch is 0.
    package func batch(timestamp: Int64) -> [UInt8] {
        var key = ByteWriter(capacity: 4)
        key.write(bigEndian: Int16(0))
        key.write(bigEndian: isCommit ? Self.commitType : Self.abortType)
        var value = ByteWriter(capacity: 6)
        value.write(bigEndian: Int16(0))
        value.write(bigEndian: Int32(0))
        var header = RecordBatchHeader()
        header.attributes = Self.attributes
        header.producerID = producerID
        header.producerEpoch = producerEpoch
        return encodeRecordBatch(
            [Record(key: key.bytes, value: value.bytes)], timestamp: timestamp, header: header)
    }

    /// Reads a batch; nil if it is not a control batch, or one of another kind.
    package init?(inBatch bytes: ArraySlice<UInt8>) {
        // A control batch that cannot be read is none that we know.
        guard let header = try? RecordBatchHeader(bytes), header.isControl, header.hasProducer
        else { return nil }
        var type: Int16?
        try? forEachRecord(inBatch: bytes) { _, record in
            var reader = ByteReader((record.key ?? [])[...])
            let version: Int16? = try? reader.readBigEndian()
            if version != nil { type = try? reader.readBigEndian() }
            return false
        }
        guard type == Self.abortType || type == Self.commitType else { return nil }
        producerID = header.producerID
        producerEpoch = header.producerEpoch
        isCommit = type == Self.commitType
    }
}
