// Requests as librdkafka 2.0.2 (kcat) sent them over the wire: read, and written again as the same
// bytes.

import KafkaWire
import Testing

@Suite struct CapturedRequestTests {
    /// Reads a captured frame; checks that writing gives the frame back.
    private func read<Request: KafkaRequest>(
        _ type: Request.Type, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Request {
        let captured = bytes(hex: text)
        let frame = try RequestFrame(captured[...])
        #expect(frame.header.key == Request.key, sourceLocation: sourceLocation)
        #expect(frame.header.clientID == "kc", sourceLocation: sourceLocation)
        let request = try frame.body(type)
        let again = try encodeRequest(
            request, version: frame.header.version, correlationID: frame.header.correlationID,
            clientID: frame.header.clientID)
        #expect(
            hex(again.joined().dropFirst(4)) == hex(captured), sourceLocation: sourceLocation)
        return request
    }

    @Test func apiVersions() throws {
        let request = try read(
            ApiVersionsRequest.self,
            "0012 0003 00000001 00026b63 00 0b6c696272646b61666b61 06322e302e32 00")
        #expect(request.clientSoftwareName == "librdkafka")
        #expect(request.clientSoftwareVersion == "2.0.2")
    }

    @Test func saslHandshake() throws {
        let request = try read(
            SaslHandshakeRequest.self,
            "0011 0001 00000002 00026b63 000d 534352414d2d5348412d323536")
        #expect(request.mechanism == "SCRAM-SHA-256")
    }

    @Test func saslAuthenticate() throws {
        let request = try read(
            SaslAuthenticateRequest.self,
            """
            0024 0000 00000003 00026b63 0000002d 6e2c2c6e3d616c6963652c723d4836314f45533c425b583a3c4b
            5c683b685d65687876496137624b3470763048
            """)
        let text = String(decoding: request.token, as: UTF8.self)
        #expect(text == #"n,,n=alice,r=H61OES<B[X:<K\h;h]ehxvIa7bK4pv0H"#)
    }

    @Test func metadata() throws {
        let request = try read(
            MetadataRequest.self, "0003 0004 00000002 00026b63 00000001 000174 01")
        #expect(request.topics?.map(\.name) == ["t"])
        #expect(request.allowAutoTopicCreation)
    }

    @Test func produce() throws {
        let request = try read(
            ProduceRequest.self,
            """
            0000 0007 00000003 00026b63 ffff ffff 00007530 00000001 000174 00000001 00000000 00000046
            0000000000000000 0000003a 00000000 02 6a089814 0000 00000000 000001a20f449cc6
            000001a20f449cc6 ffffffffffffffff ffff ffffffff 00000001
            10 00 00 00 02 6b 02 76 00
            """)
        #expect(request.acks == -1)
        let records = try #require(request.topics.first?.partitions.first?.records)
        let header = try RecordBatchHeader.validated(records.bytes)
        #expect(header.recordCount == 1)
        var read: [Record] = []
        try forEachRecord(inBatch: records.bytes) { _, record in
            read.append(record)
            return true
        }
        #expect(read == [Record(key: Array("k".utf8), value: Array("v".utf8))])
        // The same batch, built here.
        #expect(encodeRecordBatch(read, timestamp: header.baseTimestamp) == Array(records.bytes))
    }

    @Test func listOffsets() throws {
        let request = try read(
            ListOffsetsRequest.self,
            """
            0002 0002 00000004 00026b63 ffffffff 01 00000001 000174 00000001 00000000
            fffffffffffffffe
            """)
        #expect(request.topics.first?.partitions.first?.timestamp == -2)
        #expect(request.isolationLevel == 1)
    }

    @Test func fetch() throws {
        let request = try read(
            FetchRequest.self,
            """
            0001 000b 00000005 00026b63 ffffffff 000001f4 00000001 03200000 01 00000000 ffffffff
            00000001 000174 00000001 00000000 ffffffff 0000000000000000 ffffffffffffffff 00100000
            00000000 0000
            """)
        #expect(request.maxBytes == 50 << 20)
        #expect(request.topics.first?.partitions.first?.maxBytes == 1 << 20)
    }

    @Test func findCoordinator() throws {
        let request = try read(
            FindCoordinatorRequest.self, "000a 0002 00000003 00026b63 0003677270 00")
        #expect(request.key == "grp")
    }

    @Test func joinGroup() throws {
        let request = try read(
            JoinGroupRequest.self,
            """
            000b 0005 00000003 00026b63 0003677270 0000afc8 000493e0 0000 ffff 0008636f6e73756d6572
            00000002 000572616e6765 00000011 0001 00000001 000174 00000000 00000000
            000a726f756e64726f62696e 00000011 0001 00000001 000174 00000000 00000000
            """)
        #expect(request.sessionTimeoutMilliseconds == 45_000)
        #expect(request.rebalanceTimeoutMilliseconds == 300_000)
        #expect(request.protocols.map(\.name) == ["range", "roundrobin"])
        #expect(request.groupInstanceID == nil)
    }
}
