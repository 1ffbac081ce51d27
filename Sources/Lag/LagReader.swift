// Takes a reading: which partitions concern the group, what it committed, where each partition
// begins and ends, what the store has applied.
//
// The committed offsets are read before the ends. Read the other way round, a group that commits in
// between would seem to stand behind the end; this way lag is at most a little too large, and a
// commit beyond the end is one that the log really cannot have.

/// Where a reading's numbers come from. The process that reads makes one out of its clients.
package protocol LagSource: Sendable {
    /// Every topic of the log. Fails only if no broker answers.
    func topics() async throws -> [LagTopic]
    /// What a group has committed, without partitions that have no commit.
    func committed(
        group: String, partitions: [LagPartition]
    ) async throws -> [LagPartition: Int64]
    /// Asks the partition's leader.
    func range(of partition: LagPartition) async throws -> OffsetRange
    /// How many seconds ago the first record at or behind each offset was appended, without those
    /// of which the log does not say.
    func ages(at offsets: [LagPartition: Int64]) async -> [LagPartition: Double]
    /// What the store has applied, by shard, and which nodes did not answer; nil if there is no
    /// store to ask.
    func applied() async -> AppliedReading?
}

/// A topic's partitions and their leaders.
package struct LagTopic: Sendable, Equatable {
    package var name: String
    /// Partition and `host:port` of its leader, nil while it has none.
    package var partitions: [(partition: Int32, broker: String?)]

    package init(name: String, partitions: [(partition: Int32, broker: String?)]) {
        self.name = name
        self.partitions = partitions
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.partitions.elementsEqual(right.partitions, by: ==)
    }
}

/// The store's applied offsets.
package struct AppliedReading: Sendable, Equatable {
    package var offsets: [Int32: Int64]
    /// One line for each node that did not answer.
    package var failures: [String]

    package init(offsets: [Int32: Int64], failures: [String] = []) {
        self.offsets = offsets
        self.failures = failures
    }

    /// A shard that no node has seen stands at 0, if all nodes have answered.
    func offset(of shard: Int32) -> Int64? { offsets[shard] ?? (failures.isEmpty ? 0 : nil) }
}

/// A question that cannot be answered.
package struct LagError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String
    /// No broker answered, so that nothing at all is known.
    package let isUnreachable: Bool

    package init(_ description: String, isUnreachable: Bool = false) {
        self.description = description
        self.isUnreachable = isUnreachable
    }
}

/// What to look at.
package struct LagQuestion: Sendable, Hashable {
    package var group: String
    /// Empty: every topic that the group has a commit in, and the topic of the group's own.
    package var topics: [String]

    /// Millrace's own group, topic of events and shards: shown even before the first commit.
    package static let workerGroup = "millrace.workers"
    package static let eventTopic = "millrace.events"

    package init(group: String = workerGroup, topics: [String] = []) {
        self.group = group
        self.topics = topics
    }
}

package enum LagReader {
    /// Reads once. A partition that cannot be read has its error in its row; throws only if the
    /// topics themselves cannot be read, or an asked one does not exist.
    package static func read(
        _ question: LagQuestion, from source: some LagSource
    ) async throws -> LagReport {
        var rows = try rows(question, topics: try await source.topics())
        var notes: [String] = []
        await readCommits(question.group, &rows, source)
        if question.topics.isEmpty { rows.removeAll { !isShown($0, question.group) } }
        if rows.isEmpty { notes.append("group \(question.group) has committed in no topic") }
        await readRanges(&rows, source)
        await readAges(&rows, source)
        if let applied = await source.applied() {
            for index in rows.indices where rows[index].partition.topic == LagQuestion.eventTopic {
                rows[index].applied = applied.offset(of: rows[index].partition.partition)
            }
            notes.append(contentsOf: applied.failures)
        }
        return LagReport(partitions: rows, notes: notes)
    }

    private static func rows(
        _ question: LagQuestion, topics: [LagTopic]
    ) throws(LagError) -> [PartitionLag] {
        for wanted in question.topics where !topics.contains(where: { $0.name == wanted }) {
            throw LagError("the log has no topic '\(wanted)'")
        }
        let isAsked = { (topic: LagTopic) in
            question.topics.isEmpty
                ? !topic.name.hasPrefix("__") : question.topics.contains(topic.name)
        }
        return topics.filter(isAsked).flatMap { topic in
            topic.partitions.map { place in
                PartitionLag(
                    broker: place.broker,
                    partition: LagPartition(topic: topic.name, partition: place.partition),
                    group: question.group)
            }
        }.sorted { $0.partition < $1.partition }
    }

    /// Topics of which the group has committed no partition do not concern it.
    private static func isShown(
        _ row: PartitionLag, _ group: String
    ) -> Bool {
        row.current != nil || row.error != nil
            || (group == LagQuestion.workerGroup && row.partition.topic == LagQuestion.eventTopic)
    }

    private static func readCommits(
        _ group: String, _ rows: inout [PartitionLag], _ source: some LagSource
    ) async {
        guard !rows.isEmpty else { return }
        do {
            let commits = try await source.committed(
                group: group, partitions: rows.map(\.partition))
            for index in rows.indices { rows[index].current = commits[rows[index].partition] }
        } catch {
            for index in rows.indices { rows[index].error = "\(error)" }
        }
    }

    /// Asks only where a group is behind: where it is not, nothing waits.
    private static func readAges(_ rows: inout [PartitionLag], _ source: some LagSource) async {
        var wanted: [LagPartition: Int64] = [:]
        for row in rows where row.status == .behind || row.status == .losing {
            guard let current = row.current, let range = row.range else { continue }
            wanted[row.partition] = max(current, range.earliest)
        }
        guard !wanted.isEmpty else { return }
        let ages = await source.ages(at: wanted)
        for index in rows.indices where wanted[rows[index].partition] != nil {
            rows[index].age = ages[rows[index].partition]
        }
    }

    /// Brokers are asked side by side, the partitions of one broker one after the other; a broker
    /// that fails once is not asked again, so that a dead one costs one timeout.
    private static func readRanges(
        _ rows: inout [PartitionLag], _ source: some LagSource
    ) async {
        let byBroker = Dictionary(grouping: rows.indices, by: { rows[$0].broker })
        let before = rows
        var found: [Int: Result<OffsetRange, LagError>] = [:]
        await withTaskGroup(of: [Int: Result<OffsetRange, LagError>].self) { group in
            for (broker, indexes) in byBroker {
                group.addTask {
                    var answers: [Int: Result<OffsetRange, LagError>] = [:]
                    guard broker != nil else {
                        let error = LagError("the partition has no leader")
                        for index in indexes { answers[index] = .failure(error) }
                        return answers
                    }
                    var failure: LagError?
                    for index in indexes {
                        if let failure {
                            answers[index] = .failure(failure)
                            continue
                        }
                        do {
                            let range = try await source.range(of: before[index].partition)
                            answers[index] = .success(range)
                        } catch {
                            failure = LagError("\(error)")
                            answers[index] = .failure(LagError("\(error)"))
                        }
                    }
                    return answers
                }
            }
            for await answers in group { found.merge(answers) { $1 } }
        }
        for (index, answer) in found {
            switch answer {
            case .success(let range): rows[index].range = range
            case .failure(let error): rows[index].error = rows[index].error ?? error.description
            }
        }
    }
}
