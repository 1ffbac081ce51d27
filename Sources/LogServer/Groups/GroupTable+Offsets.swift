// Offsets of all groups: commit, fetch, delete, expire, and read them again after a start.

internal import Base
internal import KafkaWire

extension GroupTable {
    // MARK: Commit

    /// Checks a commit and hands what is good of it to the offsets topic. That of a transaction's
    /// producer counts when the transaction is committed.
    mutating func commit(
        _ request: OffsetCommitRequest, in producer: TransactionProducer? = nil,
        at time: GroupTime
    ) -> GroupAnswer<OffsetCommitResponse> {
        if let error = refusal(of: request, inTransaction: producer != nil, at: time) {
            return GroupAnswer(response: OffsetCommitResponse(request) { _, _ in error })
        }
        var changes: [TopicPartition: GroupOffsets.Change] = [:]
        var records: [OffsetsRecord] = []
        let response = OffsetCommitResponse(request) { topic, entry in
            let partition = TopicPartition(topic: topic, partition: entry.index)
            guard topics.hasPartition(topic: topic, partition: entry.index) else {
                return .unknownTopicOrPartition
            }
            let metadata = entry.metadata ?? ""
            guard metadata.utf8.count <= metadataBytesMax else { return .offsetMetadataTooLarge }
            let offset = CommittedOffset(
                offset: entry.committedOffset, leaderEpoch: entry.committedLeaderEpoch,
                metadata: metadata, commitTimestamp: time.wallMilliseconds,
                expireTimestamp: expiry(of: request, at: time))
            do {
                records.append((try partition.key(in: request.groupID), try offset.value()))
            } catch {
                // A name longer than the format of the record allows.
                return .invalidTopic
            }
            changes[partition] = .commit(offset)
            return .none
        }
        guard !records.isEmpty else { return GroupAnswer(response: response) }
        let growth = (groups[request.groupID]?.offsets ?? GroupOffsets()).growth(with: changes)
        guard hasRoom(for: growth) else {
            return GroupAnswer(response: response.failing(.policyViolation))
        }
        if let producer {
            let id = append(records, in: producer)
            pendingOffsets.begin(id, changes, of: request.groupID, by: producer.id)
            return GroupAnswer(response: response, append: id)
        }
        let id = append(records, changing: changes, in: request.groupID, at: time)
        return GroupAnswer(response: response, append: id)
    }

    private mutating func refusal(
        of request: OffsetCommitRequest, inTransaction: Bool, at time: GroupTime
    ) -> KafkaErrorCode? {
        guard isValid(groupID: request.groupID) else { return .invalidGroupID }
        if groups[request.groupID] == nil {
            guard request.generationID < 0 else { return .illegalGeneration }
            guard groups.count < Limits.groupsMax else { return .policyViolation }
        }
        return withGroup(request.groupID, at: time, changesMembers: false) {
            $0.refusalOfCommit(request, inTransaction: inTransaction, at: time)
        }
    }

    /// The record's text has a length of two bytes, whatever the setting says.
    private var metadataBytesMax: Int {
        min(configuration.offsetMetadataBytesMax, Int(Int16.max))
    }

    private func expiry(of request: OffsetCommitRequest, at time: GroupTime) -> Int64? {
        guard request.retentionMilliseconds >= 0 else { return nil }
        let (sum, overflow) = time.wallMilliseconds
            .addingReportingOverflow(request.retentionMilliseconds)
        return overflow ? .max : sum
    }

    // MARK: Fetch

    func fetch(_ request: OffsetFetchRequest, version: Int16) -> OffsetFetchResponse {
        var response = OffsetFetchResponse()
        guard version >= 8 else {
            guard isValid(groupID: request.groupID) else {
                return OffsetFetchResponse(request, version: version, error: .invalidGroupID)
            }
            response.topics = offsets(
                of: request.groupID, request.topics, requireStable: request.requireStable)
            return response
        }
        response.groups = unique(request.groups, by: \.groupID).map { asked in
            var group = OffsetFetchResponse.Group()
            group.groupID = asked.groupID
            if isValid(groupID: asked.groupID) {
                group.topics = offsets(
                    of: asked.groupID, asked.topics, requireStable: request.requireStable)
            } else {
                group.error = .invalidGroupID
            }
            return group
        }
        return response
    }

    private func offsets(
        of groupID: String, _ asked: [OffsetFetchRequest.Topic]?, requireStable: Bool
    ) -> [OffsetFetchResponse.Topic] {
        let committed = groups[groupID]?.offsets.committed ?? [:]
        return (asked ?? Self.topics(of: committed.keys)).map { topic in
            var answer = OffsetFetchResponse.Topic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { index in
                let partition = TopicPartition(topic: topic.name, partition: index)
                guard requireStable, pendingOffsets.holds(partition, of: groupID) else {
                    return OffsetFetchResponse.Partition(index, committed[partition])
                }
                var unstable = OffsetFetchResponse.Partition(index, nil)
                unstable.error = .unstableOffsetCommit
                return unstable
            }
            return answer
        }
    }

    private static func topics(of partitions: some Sequence<TopicPartition>) -> [OffsetFetchRequest
        .Topic]
    {
        Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }.map {
            name, entries in
            var topic = OffsetFetchRequest.Topic()
            topic.name = name
            topic.partitions = entries.map(\.partition).sorted()
            return topic
        }
    }

    // MARK: Delete

    /// Deletes offsets of topics that the group's members do not read.
    mutating func deleteOffsets(
        _ request: OffsetDeleteRequest, at time: GroupTime
    ) -> GroupAnswer<OffsetDeleteResponse> {
        var response = OffsetDeleteResponse()
        response.error = refusal(of: request) ?? .none
        guard response.error == .none, let group = groups[request.groupID] else {
            return GroupAnswer(response: response)
        }
        var changes: [TopicPartition: GroupOffsets.Change] = [:]
        var records: [OffsetsRecord] = []
        for topic in request.topics {
            let isSubscribed = group.isSubscribed(to: topic.name)
            var outcome = OffsetDeleteResponse.Topic()
            outcome.name = topic.name
            outcome.partitions = topic.partitions.map { index in
                let partition = TopicPartition(topic: topic.name, partition: index)
                var entry = OffsetDeleteResponse.Partition()
                entry.index = index
                entry.error = isSubscribed ? .groupSubscribedToTopic : .none
                guard !isSubscribed else { return entry }
                if group.offsets.committed[partition] != nil || group.offsets.isChanging(partition),
                    let key = try? partition.key(in: request.groupID)  // Was written once.
                {
                    records.append((key, nil))
                    changes[partition] = .delete
                } else if !topics.hasPartition(topic: topic.name, partition: index) {
                    entry.error = .unknownTopicOrPartition
                }
                return entry
            }
            response.topics.append(outcome)
        }
        guard !records.isEmpty else { return GroupAnswer(response: response) }
        let id = append(records, changing: changes, in: request.groupID, at: time)
        return GroupAnswer(response: response, append: id)
    }

    private func refusal(of request: OffsetDeleteRequest) -> KafkaErrorCode? {
        guard isValid(groupID: request.groupID) else { return .invalidGroupID }
        guard let group = groups[request.groupID] else { return .groupIDNotFound }
        // Whether other kinds of members still need the offsets, only they know.
        let isKnown =
            group.state == .empty || group.protocolType == ConsumerSubscription.protocolType
        return isKnown ? nil : .nonEmptyGroup
    }

    /// A topic is gone, and with it the offsets of all groups.
    mutating func removeTopic(_ topic: String, at time: GroupTime) {
        for id in groups.keys.sorted() {
            let gone = withGroup(id, at: time) { $0.offsets.removeTopic(topic) }
            appendDeletion(of: gone, in: id)
        }
    }

    /// Forgets what has not been needed for the retention time.
    mutating func expire(at time: GroupTime) {
        for id in groups.keys.sorted() {
            let gone = withGroup(id, at: time) { $0.expireOffsets(at: time) }
            appendDeletion(of: gone, in: id)
            guard let group = groups[id], group.isOver else { continue }
            if group.hasRecord, let key = try? GroupMachine.recordKey(id) {  // Was written once.
                _ = append([(key, nil)])
            }
            forget(id)
        }
    }

    private mutating func appendDeletion(of partitions: [TopicPartition], in groupID: String) {
        // A key that was written once can be written again.
        let records = partitions.compactMap { partition -> OffsetsRecord? in
            (try? partition.key(in: groupID)).map { ($0, nil) }
        }
        if !records.isEmpty { _ = append(records) }
    }

    // MARK: Load

    /// Applies one record of the offsets topic; of a transaction if there is a producer. False if
    /// it is not one of ours, or damaged.
    mutating func load(
        _ record: OffsetsRecord, in producer: TransactionProducer? = nil, at time: GroupTime
    ) -> Bool {
        do {
            if let key = try decodeVersioned(
                OffsetCommitKey.self, versions: OffsetCommitKey.versions, record.key)
            {
                return try load(key, record.value, in: producer, at: time)
            }
            guard
                let key = try decodeVersioned(
                    GroupMetadataKey.self,
                    versions: GroupMetadataKey.version...GroupMetadataKey.version, record.key)
            else { return false }
            return try load(key, record.value, at: time)
        } catch {
            return false
        }
    }

    private mutating func load(
        _ key: OffsetCommitKey, _ bytes: [UInt8]?, in producer: TransactionProducer?,
        at time: GroupTime
    ) throws(KafkaWireError) -> Bool {
        let partition = TopicPartition(topic: key.topic, partition: key.partition)
        guard let bytes else {
            guard groups[key.groupID] != nil else { return true }
            withGroup(key.groupID, at: time, changesMembers: false) {
                $0.offsets.apply(.delete, to: partition)
            }
            return true
        }
        guard
            let value = try decodeVersioned(
                OffsetCommitValue.self, versions: OffsetCommitValue.versions, bytes)
        else { return false }
        if let producer {
            pendingOffsets.hold(
                [partition: CommittedOffset(value)], of: key.groupID, by: producer.id)
            return true
        }
        withGroup(key.groupID, at: time, changesMembers: false) {
            $0.offsets.apply(.commit(CommittedOffset(value)), to: partition)
        }
        return true
    }

    private mutating func load(
        _ key: GroupMetadataKey, _ bytes: [UInt8]?, at time: GroupTime
    ) throws(KafkaWireError) -> Bool {
        guard let bytes else {
            // Offsets that are still there make it a group without generations.
            guard let offsets = groups[key.groupID]?.offsets else { return true }
            forget(key.groupID)
            withGroup(key.groupID, at: time) { $0.offsets = offsets }
            return true
        }
        guard
            let value = try decodeVersioned(
                GroupMetadataValue.self, versions: GroupMetadataValue.versions, bytes)
        else { return false }
        withGroup(key.groupID, at: time) { $0.restore(value, at: time) }
        return true
    }
}

extension OffsetCommitResponse {
    /// The outcome of each partition of a commit.
    init(
        _ request: OffsetCommitRequest,
        error: (String, OffsetCommitRequest.Partition) -> KafkaErrorCode
    ) {
        self.init()
        topics = request.topics.map { asked in
            var topic = Topic()
            topic.name = asked.name
            topic.partitions = asked.partitions.map { partition in
                var outcome = Partition()
                outcome.index = partition.index
                outcome.error = error(asked.name, partition)
                return outcome
            }
            return topic
        }
    }

    /// The same answer if the append failed.
    func failing(_ error: KafkaErrorCode) -> OffsetCommitResponse {
        var copy = self
        for topic in copy.topics.indices {
            for index in copy.topics[topic].partitions.indices
            where copy.topics[topic].partitions[index].error == .none {
                copy.topics[topic].partitions[index].error = error
            }
        }
        return copy
    }
}

extension OffsetFetchResponse {
    /// The answer that there are no offsets for the request; where the error stands depends on the
    /// version.
    init(_ request: OffsetFetchRequest, version: Int16, error: KafkaErrorCode) {
        self.init()
        guard version < 8 else {
            groups = request.groups.map { asked in
                var group = Group()
                group.groupID = asked.groupID
                group.error = error
                return group
            }
            return
        }
        self.error = error
        guard version == 1 else { return }
        topics = (request.topics ?? []).map { asked in
            var topic = Topic()
            topic.name = asked.name
            topic.partitions = asked.partitions.map { index in
                var partition = Partition(index, nil)
                partition.error = error
                return partition
            }
            return topic
        }
    }
}

extension OffsetFetchResponse.Partition {
    init(_ index: Int32, _ offset: CommittedOffset?) {
        self.init()
        self.index = index
        metadata = offset?.metadata ?? ""
        guard let offset else { return }
        committedOffset = offset.offset
        committedLeaderEpoch = offset.leaderEpoch
    }
}
