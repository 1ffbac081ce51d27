import Aggregate
import Base
import Model
import Plan
import Wire

/// One of everything, used by the golden, truncation and fuzz tests alike.
enum Samples {
    static func collection(_ name: String = "flights") throws -> CollectionID {
        CollectionID(project: try ProjectID("p1"), collection: try CollectionName(name))
    }

    static func apply() throws -> ApplyRequest {
        ApplyRequest(batches: [
            ApplyBatch(
                shard: ShardID(3), fromOffset: 10, toOffset: 300,
                blocks: [CollectionBlock(collection: try collection(), bytes: [0xDE, 0xAD])],
                rollups: [RollupDelta(collection: try collection(), hour: -1, count: 5)])
        ])
    }

    static let applied = ApplyResponse([
        .applied(next: 300), .alreadyApplied(next: 400), .gap(next: 0),
    ])

    static func plan() throws -> ScanPlan {
        let carrier = try PropertyPath("carrier.code")
        return ScanPlan(
            collection: try collection(),
            timeframe: Timestamp(milliseconds: 0)..<Timestamp(milliseconds: 200),
            filters: [
                .compare(carrier, .greaterOrEqual, .string("UA")),
                .among(carrier, [.int(1), .null]),
                .not(.any([.exists(carrier, true), .contains(carrier, .double(0.5)), .all([])])),
            ],
            groupBy: [carrier],
            boundaries: [0, 100, 200].map { Timestamp(milliseconds: $0) },
            aggregates: [
                AggregateRequest(kind: .count), AggregateRequest(kind: .sum, target: carrier),
            ])
    }

    static func extract() throws -> ExtractRequest {
        let plan = try plan()
        return ExtractRequest(
            shards: [ShardID(7)],
            plan: ExtractionPlan(
                collection: plan.collection, timeframe: plan.timeframe,
                filters: [.exists(.timestamp, true)], properties: plan.groupBy, limit: 300,
                isLatest: true))
    }

    static func extracted() throws -> ExtractResponse {
        let event = ExtractedEvent(
            shard: ShardID(7), timestamp: Timestamp(milliseconds: 100), json: Array("{}".utf8))
        return ExtractResponse(ExtractionResult(events: [event]))
    }

    static func control() throws -> ApplyRequest {
        let control = CollectionControl(
            collection: try plan().collection, bytes: ControlCommand.deleteCollection.encoded)
        return ApplyRequest(batches: [
            ApplyBatch(shard: ShardID(3), fromOffset: 10, toOffset: 11, control: control)
        ])
    }

    static func scan() throws -> ScanRequest {
        ScanRequest(shards: [ShardID(0), ShardID(7)], plan: try plan())
    }

    static func scanned() -> ScanResponse {
        var statistics = ScanStatistics()
        statistics.blocksRead = 2
        statistics.blocksCached = 3
        statistics.rowsScanned = 131_072
        statistics.bytesRead = 9
        statistics.listNanoseconds = 4
        statistics.readNanoseconds = 5
        statistics.mergeNanoseconds = 6
        statistics.rowsMatched = 77
        statistics.usedRollup = true
        return ScanResponse(
            PartialResult(
                groups: [
                    PartialGroup(bucket: 1, key: [.string("UA")], states: [.count(40)]),
                    PartialGroup(bucket: 0, key: [.null], states: [.count(37)]),
                ], statistics: statistics))
    }

    static func schema() throws -> SchemaResponse {
        SchemaResponse([
            CollectionSchema(
                collection: try CollectionName("flights"), eventCount: 27_004,
                properties: [
                    PropertySchema(path: try PropertyPath("origin"), type: .string),
                    PropertySchema(path: .timestamp, type: .datetime),
                ])
        ])
    }

    static let offsets = AppliedOffsetsResponse([
        AppliedOffset(shard: ShardID(0), offset: 1),
        AppliedOffset(shard: ShardID(1), offset: 1 << 40),
    ])

    static let userTable = TableReference(keyspace: "user", table: "t")

    static let tables = TablesResponse(
        [
            TableDescription(
                reference: userTable, hasShard: true,
                parts: [KeyPart("key", .tagged), KeyPart("n", .int64, isClustering: true)],
                cells: "bytes", isWritable: true)
        ], isComplete: true)

    static let slice = SliceRequest(
        TableSlice(
            table: userTable, shard: ShardID(3), range: KeyRange(lower: [1], upper: [2]),
            isDescending: true, cursor: [1, 5], limit: 300, valueBytesMax: 64))

    static let cell = TableCell(
        key: [1], byteCount: 9, value: [7, 8], fields: [TableCell.Field("n", .int(-1))])

    static let put = PutRequest(
        TableChanges(
            shard: ShardID(3), table: userTable,
            changes: [
                .put(key: [1], value: [2, 3], expiresAt: 100),
                .put(key: [1], value: [], expiresAt: nil), .merge(key: [2], value: [4]),
                .delete(key: [3]), .deleteRange(lower: [], upper: [9]),
            ]))

    /// Messages of wide rows.
    private static func rowMessages() -> [(name: String, bytes: [UInt8], again: Reread)] {
        [
            ("tables response", tables.encoded(), reread(TablesResponse.self)),
            (
                "get request",
                GetRequest(table: userTable, shard: nil, key: [1, 2]).encoded(),
                reread(GetRequest.self)
            ),
            ("get response", GetResponse(cell).encoded(), reread(GetResponse.self)),
            ("slice request", slice.encoded(), reread(SliceRequest.self)),
            (
                "slice response",
                SliceResponse(TablePage(cells: [cell, cell], next: [1, 6])).encoded(),
                reread(SliceResponse.self)
            ),
            ("put request", put.encoded(), reread(PutRequest.self)),
        ]
    }

    /// Every message, encoded, with the function that reads and writes it again.
    static func messages() throws -> [(name: String, bytes: [UInt8], again: Reread)] {
        [
            ("apply request", try apply().encoded(), reread(ApplyRequest.self)),
            ("apply response", applied.encoded(), reread(ApplyResponse.self)),
            ("scan request", try scan().encoded(), reread(ScanRequest.self)),
            ("scan response", scanned().encoded(), reread(ScanResponse.self)),
            ("extract request", try extract().encoded(), reread(ExtractRequest.self)),
            ("extract response", try extracted().encoded(), reread(ExtractResponse.self)),
            ("control request", try control().encoded(), reread(ApplyRequest.self)),
            (
                "schema request", SchemaRequest(project: try ProjectID("p1")).encoded(),
                reread(SchemaRequest.self)
            ),
            (
                "schema request of one",
                SchemaRequest(project: try ProjectID("p1"), collection: try CollectionName("c"))
                    .encoded(), reread(SchemaRequest.self)
            ),
            ("schema response", try schema().encoded(), reread(SchemaResponse.self)),
            (
                "applied offsets request",
                AppliedOffsetsRequest(shards: [ShardID(1), ShardID(300)]).encoded(),
                reread(AppliedOffsetsRequest.self)
            ),
            ("applied offsets response", offsets.encoded(), reread(AppliedOffsetsResponse.self)),
        ] + rowMessages()
    }

    typealias Reread = (ArraySlice<UInt8>) throws -> [UInt8]

    private static func reread<M: Message>(_ type: M.Type) -> Reread {
        { try M(decoding: $0).encoded() }
    }

    static let nonce = (0..<32).map { UInt8($0) }
    static let proof = (0..<32).map { UInt8(0xFF - $0) }

    /// One of every kind of frame.
    static let frames: [Frame] = [
        .hello(version: 1, nonce: nonce), .challenge(version: 1, nonce: nonce), .proof(proof),
        .welcome(proof: proof, frameBytesMax: 1 << 26, inFlightMax: 1024),
        .refusal(status: 2, reason: "no"),
        .request(
            RequestFrame(
                callID: 7, method: .scan, remainingMilliseconds: 1500, body: [1, 2, 3])),
        .response(ResponseFrame(callID: 7, status: 0, body: [9])),
        .cancel(callID: 7), .goAway,
    ]
}
