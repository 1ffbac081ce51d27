// Transactions byte for byte: requests as librdkafka 2.16 and kafka-python 3.0 sent them, the
// records of `__transaction_state`, and the control batch.

import KafkaWire
import Testing

@Suite struct TransactionGoldenTests {
    /// Reads a captured frame; checks that writing gives the frame back.
    private func read<Request: KafkaRequest>(
        _ type: Request.Type, _ version: Int16, _ text: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Request {
        let captured = bytes(hex: text)
        let frame = try RequestFrame(captured[...])
        #expect(frame.header.key == Request.key, sourceLocation: sourceLocation)
        #expect(frame.header.version == version, sourceLocation: sourceLocation)
        let request = try frame.body(type)
        let again = try encodeRequest(
            request, version: version, correlationID: frame.header.correlationID,
            clientID: frame.header.clientID)
        #expect(
            hex(again.joined().dropFirst(4)) == hex(captured), sourceLocation: sourceLocation)
        return request
    }

    @Test func initProducerID() throws {
        let request = try read(
            InitProducerIDRequest.self, 4,
            """
            0016 0004 00000003 0007 72646b61666b61 00 03 7478 0000ea60 ffffffffffffffff ffff 00
            """)
        #expect(request.transactionalID == "tx")
        #expect(request.transactionTimeoutMilliseconds == 60_000)
        #expect(request.producerID == -1)
    }

    @Test func addPartitions() throws {
        let old = try read(
            AddPartitionsToTxnRequest.self, 0,
            """
            0018 0000 00000005 0007 72646b61666b61 0002 7478 0000000000000001 0000 00000001
            0003 746f70 00000001 00000000
            """)
        let new = try read(
            AddPartitionsToTxnRequest.self, 3,
            """
            0018 0003 00000004 0017 6b61666b612d707974686f6e2d70726f64756365722d31 00 03 7478
            0000000000000001 0001 02 04 746f70 02 00000000 00 00
            """)
        for (request, epoch) in [(old, Int16(0)), (new, 1)] {
            #expect(request.transactionalID == "tx")
            #expect(request.producerID == 1)
            #expect(request.producerEpoch == epoch)
            #expect(request.topics.map(\.name) == ["top"])
            #expect(request.topics.first?.partitions == [0])
        }
    }

    @Test func addOffsets() throws {
        let old = try read(
            AddOffsetsToTxnRequest.self, 0,
            """
            0019 0000 00000004 0007 72646b61666b61 0002 7478 0000000000000001 0000 0003 677270
            """)
        let new = try read(
            AddOffsetsToTxnRequest.self, 3,
            """
            0019 0003 00000003 0017 6b61666b612d707974686f6e2d70726f64756365722d31 00 03 7478
            0000000000000001 0001 04 677270 00
            """)
        #expect([old.groupID, new.groupID] == ["grp", "grp"])
    }

    @Test func end() throws {
        let old = try read(
            EndTxnRequest.self, 1,
            """
            001a 0001 00000006 0007 72646b61666b61 0002 7478 0000000000000001 0000 01
            """)
        let new = try read(
            EndTxnRequest.self, 3,
            """
            001a 0003 00000006 0017 6b61666b612d707974686f6e2d70726f64756365722d31 00 03 7478
            0000000000000001 0001 01 00
            """)
        #expect(old.isCommit && new.isCommit)
    }

    @Test func offsetCommit() throws {
        let request = try read(
            TxnOffsetCommitRequest.self, 3,
            """
            001c 0003 00000006 0007 72646b61666b61 00 03 7478 04 677270 0000000000000001 0000
            ffffffff 01 00 02 04 746f70 02 00000000 0000000000000007 ffffffff 01 00 00 00
            """)
        #expect(request.groupID == "grp")
        #expect(request.generationID == -1)
        #expect(request.groupInstanceID == nil)
        let partition = request.topics.first?.partitions.first
        #expect(partition?.committedOffset == 7)
        #expect(partition?.metadata == "")
    }

    @Test func operators() throws {
        let describe = try read(
            DescribeTransactionsRequest.self, 0,
            "0041 0000 00000004 0013 6b61666b612d707974686f6e2d332e302e3132 00 02 03 7478 00")
        #expect(describe.transactionalIDs == ["tx"])
        let list = try read(
            ListTransactionsRequest.self, 1,
            """
            0042 0001 00000002 0013 6b61666b612d707974686f6e2d332e302e3132 00 01 01
            ffffffffffffffff 00
            """)
        #expect(list.states.isEmpty && list.producerIDs.isEmpty)
    }

    @Test func stateRecords() throws {
        var key = TransactionLogKey()
        key.transactionalID = "tx"
        let keyBytes = try encodeVersioned(key, version: TransactionLogKey.version)
        #expect(hex(keyBytes) == "0000" + "00027478")
        var value = TransactionLogValue()
        (value.producerID, value.producerEpoch, value.timeoutMilliseconds) = (258, 3, 60_000)
        (value.state, value.updateTimestamp, value.startTimestamp) = (1, 5, 4)
        var topic = TransactionLogValue.Topic()
        (topic.name, topic.partitions) = ("top", [7])
        value.topics = [topic]
        let bytes = try encodeVersioned(value, version: TransactionLogValue.version)
        #expect(
            hex(bytes)
                == "0000" + "0000000000000102" + "0003" + "0000ea60" + "01" + "00000001"
                + "0003746f70" + "00000001" + "00000007" + "0000000000000005"
                + "0000000000000004")
        #expect(try decodeVersioned(TransactionLogValue.self, versions: 0...0, bytes) == value)
        value.topics = nil
        let empty = try encodeVersioned(value, version: TransactionLogValue.version)
        #expect(hex(empty).contains("01" + "ffffffff" + "0000000000000005"))
        #expect(try decodeVersioned(TransactionLogValue.self, versions: 0...0, empty) == value)
    }

    @Test(arguments: [true, false]) func markers(isCommit: Bool) throws {
        let marker = EndMarker(producerID: 258, producerEpoch: 3, isCommit: isCommit)
        let batch = marker.batch(timestamp: 9)
        let header = try RecordBatchHeader.validated(batch[...])
        #expect(header.isControl && header.isTransactional)
        #expect(hex(batch[21..<23]) == "0030")
        #expect(hex(batch[43..<57]) == "0000000000000102" + "0003" + "ffffffff")
        // Record: length 16, attributes and deltas 0, key of 4, value of 6, no headers.
        let key = "0000" + (isCommit ? "0001" : "0000")
        #expect(hex(batch[61...]) == "20" + "000000" + "08" + key + "0c" + "000000000000" + "00")
        #expect(EndMarker(inBatch: batch[...]) == marker)
        // Other batches are no markers, and damaged ones do not trap.
        let plain = encodeRecordBatch([Record(key: [0, 0, 0, 1], value: [])], timestamp: 9)
        #expect(EndMarker(inBatch: plain[...]) == nil)
        for count in batch.indices { #expect(EndMarker(inBatch: batch[..<count]) == nil) }
    }
}
