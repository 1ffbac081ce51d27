import Foundation
import Lag
import Testing

private let expectedTable = """
    Broker  Topic  Partition  Earliest  Latest  Depth  Group  Current  Delta  Applied  Status
    ------  -----  ---------  --------  ------  -----  -----  -------  -----  -------  --------------
    b:1     t              0         5    1000    995  g           12    988      900  behind
    b:1     t              0        10      20     10  g            4     10        -  losing, 6 lost

    Brokers:     1
    Partitions:  2 (1 behind, 1 losing)
    Total depth: 1005
    Total delta: 998
    Total lost:  6
    a note

    """

/// A log that answers from tables.
private struct FakeLog: LagSource {
    var topicList: [LagTopic] = []
    var commits: [LagPartition: Int64] = [:]
    var ranges: [LagPartition: OffsetRange] = [:]
    var commitError: LagError?
    var store: AppliedReading?
    var ageList: [LagPartition: Double] = [:]

    func topics() async throws -> [LagTopic] {
        guard !topicList.isEmpty else { throw LagError("no broker answers") }
        return topicList
    }

    func committed(
        group: String, partitions: [LagPartition]
    ) async throws -> [LagPartition: Int64] {
        if let commitError { throw commitError }
        return commits.filter { partitions.contains($0.key) }
    }

    func range(of partition: LagPartition) async throws -> OffsetRange {
        guard let range = ranges[partition] else { throw LagError("timed out") }
        return range
    }

    func applied() async -> AppliedReading? { store }

    func ages(at offsets: [LagPartition: Int64]) async -> [LagPartition: Double] {
        ageList.filter { offsets[$0.key] != nil }
    }
}

/// Lag is right in every state that a partition can be in, and one bad broker hides no other.
@Suite struct LagTests {
    private static func row(
        _ range: (Int64, Int64)?, current: Int64?, error: String? = nil
    ) -> PartitionLag {
        PartitionLag(
            broker: "b:1", partition: LagPartition(topic: "t", partition: 0), group: "g",
            range: range.map { OffsetRange(earliest: $0.0, latest: $0.1) }, current: current,
            error: error)
    }

    @Test(
        arguments: [
            (row((0, 20), current: 20), 20, 0, 0, LagStatus.ok),
            (row((5, 20), current: 12), 15, 8, 0, .behind),
            (row((0, 20), current: nil), 20, nil, 0, .noCommit),
            (row((0, 20), current: 25), 20, -5, 0, .beyondEnd),
            (row((10, 20), current: 4), 10, 10, 6, .losing),
            (row((10, 10), current: 10), 0, 0, 0, .ok),
            (row(nil, current: 4), nil, nil, 0, .unreachable),
            (row((.min, .max), current: 0), .max, .max, 0, .behind),
        ] as [(PartitionLag, Int64?, Int64?, Int64, LagStatus)])
    func arithmetic(
        row: PartitionLag, depth: Int64?, delta: Int64?, lost: Int64, status: LagStatus
    ) {
        #expect(row.depth == depth)
        #expect(row.delta == delta)
        #expect(row.lost == lost)
        #expect(row.status == status)
    }

    @Test func aNegativeDeltaDoesNotHideAPositiveOne() {
        let report = LagReport(partitions: [
            Self.row((0, 20), current: 12), Self.row((0, 5), current: 50),
            Self.row(nil, current: nil),
        ])
        #expect(report.totals.delta == 8)
        #expect(report.totals.depth == 25)
        #expect(report.totals.partitions == 3)
        #expect(report.totals.statuses == [.behind: 1, .beyondEnd: 1, .unreachable: 1])
    }

    private static func log() -> FakeLog {
        let events = LagQuestion.eventTopic
        var log = FakeLog()
        log.topicList = [
            LagTopic(name: "other", partitions: [(0, "a:1")]),
            LagTopic(name: events, partitions: [(1, "b:1"), (0, "a:1"), (2, nil)]),
            LagTopic(name: "__consumer_offsets", partitions: [(0, "a:1")]),
        ]
        for topic in log.topicList {
            for place in topic.partitions where place.broker == "a:1" {
                log.ranges[LagPartition(topic: topic.name, partition: place.partition)] =
                    OffsetRange(earliest: 0, latest: 10)
            }
        }
        log.commits[LagPartition(topic: events, partition: 0)] = 7
        return log
    }

    /// Broker b is dead and partition 2 has no leader: both rows say so, and the third has its lag.
    @Test func unreachablePartitionsAreShownBesideTheOthers() async throws {
        let report = try await LagReader.read(LagQuestion(), from: Self.log())
        #expect(report.partitions.map(\.partition.partition) == [0, 1, 2])
        #expect(report.partitions.map(\.status) == [.behind, .unreachable, .unreachable])
        #expect(report.partitions[0].delta == 3)
        #expect(report.partitions[1].error == "timed out")
        #expect(report.partitions[2].error == "the partition has no leader")
    }

    /// Without a topic asked for, a foreign group's topics are those it has committed in.
    @Test func topicsOfAForeignGroup() async throws {
        var log = Self.log()
        log.commits = [LagPartition(topic: "other", partition: 0): 10]
        let report = try await LagReader.read(LagQuestion(group: "them"), from: log)
        #expect(report.partitions.map(\.partition.topic) == ["other"])
        #expect(report.partitions[0].status == .ok)
        log.commits = [:]
        let none = try await LagReader.read(LagQuestion(group: "them"), from: log)
        #expect(none.partitions.isEmpty)
        #expect(none.notes == ["group them has committed in no topic"])
    }

    @Test func anAskedTopicIsShownWithoutACommit() async throws {
        let question = LagQuestion(group: "them", topics: ["other"])
        let report = try await LagReader.read(question, from: Self.log())
        #expect(report.partitions.map(\.status) == [.noCommit])
    }

    @Test func anUnknownTopicAndADeadLogAreErrors() async {
        await #expect(throws: LagError("the log has no topic 'nope'")) {
            try await LagReader.read(LagQuestion(topics: ["nope"]), from: Self.log())
        }
        await #expect(throws: LagError("no broker answers")) {
            try await LagReader.read(LagQuestion(), from: FakeLog())
        }
    }

    @Test func unknownCommitsAreNotNoCommits() async throws {
        var log = Self.log()
        log.commitError = LagError("no coordinator")
        let question = LagQuestion(topics: ["other"])
        let report = try await LagReader.read(question, from: log)
        #expect(report.partitions[0].status == .unreachable)
        #expect(report.partitions[0].error == "no coordinator")
        #expect(report.partitions[0].depth == 10)
    }

    /// The age of the oldest record that was not read; nothing to read is no lag, and a log that
    /// does not say leaves it open.
    @Test func lagInSeconds() async throws {
        let partition = LagPartition(topic: "other", partition: 0)
        var log = Self.log()
        let end = try #require(log.ranges[partition]?.latest)
        for (current, age, expected) in [
            (end - 1, 2.5, 2.5), (end - 1, nil, nil), (end, 99, 0), (end + 1, 99, nil),
            (nil, 99, nil),
        ] as [(Int64?, Double?, Double?)] {
            log.commits[partition] = current
            log.ageList[partition] = age
            let report = try await LagReader.read(LagQuestion(topics: ["other"]), from: log)
            #expect(report.partitions[0].seconds == expected)
        }
    }

    @Test func appliedOffsetsBelongToTheTopicOfEvents() async throws {
        var log = Self.log()
        log.store = AppliedReading(offsets: [0: 9], failures: ["store s:1 did not answer"])
        log.commits[LagPartition(topic: "other", partition: 0)] = 1
        let report = try await LagReader.read(LagQuestion(), from: log)
        #expect(report.partitions.map(\.applied) == [9, nil, nil, nil])
        #expect(report.notes == ["store s:1 did not answer"])
    }

    @Test func tableHasAlignedColumnsAndTotals() {
        var behind = Self.row((5, 1000), current: 12)
        behind.applied = 900
        let report = LagReport(
            partitions: [behind, Self.row((10, 20), current: 4)], notes: ["a note"])
        #expect(
            LagTable.text(report) == expectedTable)
        let nothing = LagTable.text(LagReport(partitions: [], notes: ["none"]))
        #expect(nothing.hasSuffix("Partitions:  0\nTotal depth: 0\nTotal delta: 0\nnone\n"))
    }

    /// The names that scripts rely on.
    @Test func jsonHasTheDocumentedNames() throws {
        let report = LagReport(partitions: [Self.row((5, 20), current: 12)])
        let object = try JSONSerialization.jsonObject(with: Data(report.json)) as? [String: Any]
        let row = (object?["partitions"] as? [[String: Any]])?.first ?? [:]
        #expect(
            row.keys.sorted() == [
                "applied", "broker", "current", "delta", "depth", "earliest", "group",
                "lag_seconds",
                "latest", "lost", "partition", "status", "topic",
            ])
        #expect(row["lag_seconds"] is NSNull)
        #expect(row["applied"] is NSNull)
        #expect(row["delta"] as? Int == 8)
        let totals = object?["totals"] as? [String: Any]
        #expect(totals?["delta"] as? Int == 8)
    }
}
