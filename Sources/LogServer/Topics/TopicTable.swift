// All topics. Reading is cheap from any thread; changes are made one at a time on the control
// thread, since they write files.
//
//     DATA/topics.checkpoint            which topics there are; what it does not name is not there
//     DATA/topics/NAME-ID/INDEX/        the files of one partition
//
// A topic's directory exists before the checkpoint names it, and is removed after the checkpoint
// has forgotten it; a crash in between leaves a directory that the next start removes.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Synchronization

/// How topics are opened and made.
struct TopicEnvironment: Sendable {
    var directory: String
    var disk: any LogDisk
    var writers: [LogWriter]
    var flusher: (any PartitionFlusher)?
    /// Topic settings whose defaults the server's own settings change.
    var defaults: [String: String]
    var clock: @Sendable () -> Int64
    var logger: Logger
}

/// The topics of the server.
final class TopicTable: Sendable, TopicDirectory {
    struct State: Sendable {
        var byName: [String: Topic] = [:]
        var byID: [KafkaUUID: Topic] = [:]
        var collisionNames: Set<String> = []
        var partitionCount = 0
    }

    static let checkpointName = "topics.checkpoint"

    let environment: TopicEnvironment
    let state = Mutex(State())

    init(_ environment: TopicEnvironment) { self.environment = environment }

    // MARK: Reading

    func topic(named name: String) -> Topic? { state.withLock { $0.byName[name] } }

    func topic(id: KafkaUUID) -> Topic? { state.withLock { $0.byID[id] } }

    func partition(_ topic: String, _ index: Int32) -> Partition? {
        self.topic(named: topic)?.partition(index)
    }

    /// All topics by name.
    var all: [Topic] {
        state.withLock { Array($0.byName.values) }.sorted { $0.name < $1.name }
    }

    func hasPartition(topic: String, partition: Int32) -> Bool {
        self.partition(topic, partition) != nil
    }

    // MARK: Opening

    /// Opens every partition of every topic. Damaged partitions are listed as such; a damaged list
    /// is an error. Blocks.
    func open() throws(LogStorageError) {
        let disk = environment.disk
        do {
            try disk.makeDirectory(environment.directory + "/topics")
            let directories = try disk.names(in: environment.directory + "/topics")
            guard let records = try readRecords() else {
                guard directories.isEmpty else {
                    throw LogStorageError(
                        .damaged, "'\(environment.directory)' has topics but no list of them")
                }
                try save([])
                return
            }
            removeOrphans(directories, records)
            for (record, partitions) in zip(records, openPartitions(of: records)) {
                insert(record, partitions)
            }
        } catch let error as DiskError {
            throw LogStorageError(error)
        } catch let error as LogStorageError {
            throw error
        } catch {
            throw LogStorageError(.damaged, "\(error)")
        }
    }

    private func readRecords() throws -> [TopicRecord]? {
        guard
            var reader = try Checkpoint.read(
                .topics, from: Self.checkpointName, in: environment.directory,
                disk: environment.disk)
        else { return nil }
        do { return try TopicRecord.decode(&reader) } catch {
            throw LogStorageError(.damaged, "the list of topics is damaged: \(error)")
        }
    }

    /// Partitions of all topics, opened on several threads: most of the time is the disk's.
    private func openPartitions(of records: [TopicRecord]) -> [[Partition]] {
        let all = records.flatMap { record in
            (0..<record.partitionCount).map { (record, Int32($0)) }
        }
        let opened = Mutex([Partition?](repeating: nil, count: all.count))
        concurrently(all.count, threads: Limits.logOpenThreads) { [self] number in
            let partition = openPartition(all[number].0, index: all[number].1)
            opened.withLock { $0[number] = partition }
        }
        var rest = opened.withLock { $0 }.compactMap(\.self)[...]
        return records.map { record in
            defer { rest = rest.dropFirst(record.partitionCount) }
            return Array(rest.prefix(record.partitionCount))
        }
    }

    private func removeOrphans(_ directories: [String], _ records: [TopicRecord]) {
        let known = Set(records.map(Self.directoryName))
        for name in directories where !known.contains(name) {
            environment.logger.notice(
                "removing the remains of a deleted topic", metadata: [LogKeys.topic: "\(name)"])
            removeTree(name)
        }
    }

    private func insert(_ record: TopicRecord, _ partitions: [Partition]) {
        let topic = Topic(
            name: record.name, id: record.id, isInternal: record.isInternal,
            settings: record.settings, partitions: partitions)
        state.withLock { state in
            state.byName[topic.name] = topic
            state.byID[topic.id] = topic
            state.collisionNames.insert(Topic.collisionName(topic.name))
            state.partitionCount += partitions.count
        }
    }

    func openPartition(_ record: TopicRecord, index: Int32) -> Partition {
        let name = "\(record.name)-\(index)"
        let path = "\(path(of: record))/\(index)"
        // Neighbouring partitions get different writers, so that one topic's syncs overlap.
        let start = Int(truncatingIfNeeded: record.id.low % 1024)
        let writer = environment.writers[(start + Int(index)) % environment.writers.count]
        let state = Result<PartitionLog, LogStorageError> { () throws(LogStorageError) in
            try PartitionLog.open(
                name: name, directory: path, disk: environment.disk,
                rules: record.settings.rules(environment.defaults), now: environment.clock(),
                flusher: environment.flusher, logger: environment.logger)
        }
        if case .failure(let error) = state {
            environment.logger.critical(
                "partition is damaged and not served",
                metadata: [LogKeys.partition: "\(name)", LogKeys.reason: "\(error)"])
        }
        return Partition(topic: record.name, index: index, writer: writer, state: state)
    }

    // MARK: Files

    /// The name's beginning, so that people find their way, and the id, so that it is unique.
    static func directoryName(_ record: TopicRecord) -> String {
        "\(record.name.prefix(200))-\(record.id.text)"
    }

    func path(of record: TopicRecord) -> String {
        "\(environment.directory)/topics/\(Self.directoryName(record))"
    }

    /// What the checkpoint would say now.
    var records: [TopicRecord] { all.map(Self.record) }

    static func record(_ topic: Topic) -> TopicRecord {
        TopicRecord(
            name: topic.name, id: topic.id, isInternal: topic.isInternal,
            partitionCount: topic.partitions.count, settings: topic.settings)
    }

    func save(_ records: [TopicRecord]) throws(DiskError) {
        try Checkpoint.write(
            .topics, payload: TopicRecord.encode(records), to: Self.checkpointName,
            in: environment.directory, disk: environment.disk)
    }

    /// Removes a topic's files as far as possible; the next start tries again.
    func removeTree(_ name: String) {
        let disk = environment.disk
        let root = "\(environment.directory)/topics/\(name)"
        do {
            for partition in try disk.names(in: root) {
                for file in try disk.names(in: "\(root)/\(partition)") {
                    try disk.remove("\(root)/\(partition)/\(file)")
                }
                try disk.removeDirectory("\(root)/\(partition)")
            }
            try disk.removeDirectory(root)
        } catch {
            environment.logger.warning(
                "a deleted topic's files cannot be removed",
                metadata: [LogKeys.topic: "\(name)", LogKeys.reason: "\(error)"])
        }
    }
}
