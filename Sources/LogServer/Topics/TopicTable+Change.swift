// Making, growing and deleting topics. All of it runs on the control thread and may block.

internal import Base
internal import KafkaWire
internal import Logging
internal import Synchronization

extension TopicTable {
    /// Makes a topic; with `isTrial` only says whether it could be made.
    func create(
        _ name: String, partitions count: Int, settings: TopicSettings = TopicSettings(),
        isInternal: Bool = false, isTrial: Bool = false
    ) throws(TopicError) -> TopicRecord {
        guard Topic.isValid(name: name) else {
            throw TopicError(.invalidTopic, "'\(name)' is not a name for a topic")
        }
        let (isThere, collides) = state.withLock {
            ($0.byName[name] != nil, $0.collisionNames.contains(Topic.collisionName(name)))
        }
        guard !isThere else { throw TopicError(.topicAlreadyExists) }
        guard !collides else {
            throw TopicError(
                .invalidTopic, "'\(name)' differs from a topic's name only in dots or underscores")
        }
        try checkRoom(for: count)
        var generator = SystemRandomNumberGenerator()
        let record = TopicRecord(
            name: name, id: KafkaUUID.random(using: &generator), isInternal: isInternal,
            partitionCount: count, settings: settings)
        if isTrial { return record }
        let opened: [Partition]
        do throws(TopicError) {
            opened = try openNew(record, range: 0..<count)
            try add(record)
        } catch {
            removeTree(Self.directoryName(record))
            throw error
        }
        let topic = Topic(
            name: name, id: record.id, isInternal: isInternal, settings: settings,
            partitions: opened)
        state.withLock { state in
            state.byName[name] = topic
            state.byID[record.id] = topic
            state.collisionNames.insert(Topic.collisionName(name))
            state.partitionCount += count
        }
        environment.logger.notice(
            "topic made", metadata: [LogKeys.topic: "\(name)", "topic.partitions": "\(count)"])
        return record
    }

    /// Makes a compacted topic of one partition for the server itself, if it is not there.
    func makeInternal(_ name: String) throws {
        guard topic(named: name) == nil else { return }
        var settings = TopicSettings()
        try settings.set("cleanup.policy", to: "compact")
        try settings.set("segment.bytes", to: "\(Limits.logOffsetsRewriteBytes)")
        _ = try create(name, partitions: 1, settings: settings, isInternal: true)
    }

    /// Puts a topic whose files are there on the list.
    private func add(_ record: TopicRecord) throws(TopicError) {
        let disk = environment.disk
        do {
            try disk.syncDirectory(path(of: record))
            try disk.syncDirectory(environment.directory + "/topics")
            try save(records + [record])
        } catch {
            throw TopicError(.storageError, error.description)
        }
    }

    /// Adds partitions up to `count`.
    func grow(_ topic: Topic, to count: Int, isTrial: Bool) throws(TopicError) {
        let old = topic.partitions.count
        guard count > old else {
            throw TopicError(.invalidPartitions, "the topic has \(old) partitions already")
        }
        try checkRoom(for: count - old)
        if isTrial { return }
        var record = Self.record(topic)
        let opened = try openNew(record, range: old..<count)
        record.partitionCount = count
        do {
            try environment.disk.syncDirectory(path(of: record))
            try save(records.map { $0.id == record.id ? record : $0 })
        } catch {
            throw TopicError(.storageError, error.description)
        }
        topic.add(opened)
        state.withLock { $0.partitionCount += count - old }
    }

    /// Gives a topic other settings, which count from now on and after a restart; with `isTrial`
    /// only says whether it could.
    func configure(
        _ topic: Topic, _ settings: TopicSettings, isTrial: Bool
    ) throws(TopicError) {
        guard !topic.isInternal else {
            throw TopicError(.invalidRequest, "'\(topic.name)' belongs to the server")
        }
        try settings.check(environment.defaults)
        if isTrial || settings == topic.settings { return }
        var record = Self.record(topic)
        record.settings = settings
        do { try save(records.map { $0.id == record.id ? record : $0 }) } catch {
            throw TopicError(.storageError, error.description)
        }
        topic.settings = settings
        let rules = settings.rules(environment.defaults)
        for partition in topic.partitions { partition.log?.rules = rules }
        environment.logger.notice(
            "topic settings changed",
            metadata: [
                LogKeys.topic: "\(topic.name)",
                "topic.settings": .dictionary(settings.changed.mapValues { "\($0)" }),
            ])
    }

    /// Deletes a topic and its records.
    func delete(_ topic: Topic) throws(TopicError) {
        guard !topic.isInternal else {
            throw TopicError(.invalidRequest, "'\(topic.name)' belongs to the server")
        }
        do { try save(records.filter { $0.id != topic.id }) } catch {
            throw TopicError(.storageError, error.description)
        }
        state.withLock { state in
            state.byName[topic.name] = nil
            state.byID[topic.id] = nil
            state.collisionNames.remove(Topic.collisionName(topic.name))
            state.partitionCount -= topic.partitions.count
        }
        for partition in topic.partitions {
            guard let log = partition.log else { continue }
            log.markDeleted()
            partition.writer.forget(log)
            // From here on nobody writes files that are to be removed.
            log.flush()
        }
        environment.logger.notice("topic deleted", metadata: [LogKeys.topic: "\(topic.name)"])
        removeTree(Self.directoryName(Self.record(topic)))
    }

    private func checkRoom(for count: Int) throws(TopicError) {
        let taken = state.withLock { $0.partitionCount }
        guard count > 0, taken + count <= Limits.logPartitionsMax else {
            throw TopicError(
                .invalidPartitions,
                "\(count) partitions; there may be 1 to \(Limits.logPartitionsMax - taken)")
        }
    }

    private func openNew(
        _ record: TopicRecord, range: Range<Int>
    ) throws(TopicError) -> [Partition] {
        do { try environment.disk.makeDirectory(path(of: record)) } catch {
            throw TopicError(.storageError, error.description)
        }
        let opened = range.map { openPartition(record, index: Int32($0)) }
        if let damage = opened.lazy.compactMap(\.damage).first {
            throw TopicError(.storageError, damage.message)
        }
        return opened
    }
}
