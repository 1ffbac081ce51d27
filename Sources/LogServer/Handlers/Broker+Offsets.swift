// ListOffsets, OffsetForLeaderEpoch and DeleteRecords: where a partition begins and ends.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Synchronization

extension Broker {
    /// Timestamps with a meaning of their own.
    private enum SpecialTime {
        static let latest: Int64 = -1
        static let earliest: Int64 = -2
        static let largest: Int64 = -3
        static let earliestLocal: Int64 = -4
        /// Offsets of storage tiers, of which there are none.
        static let tiers: ClosedRange<Int64> = -6 ... -5
    }

    func listOffsets(
        _ request: ListOffsetsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<ListOffsetsResponse>
    ) {
        let readsDisk = request.topics.contains {
            $0.partitions.contains { $0.timestamp >= 0 || $0.timestamp == SpecialTime.largest }
        }
        guard readsDisk else { return reply(.response(offsets(request, context.version))) }
        run(on: readers, reply) { [self] in offsets(request, context.version) }
    }

    private func offsets(_ request: ListOffsetsRequest, _ version: Int16) -> ListOffsetsResponse {
        var response = ListOffsetsResponse()
        response.topics = request.topics.map { entry in
            var topic = ListOffsetsResponse.Topic()
            topic.name = entry.name
            topic.partitions = entry.partitions.map {
                offset($0, in: entry.name, version, committedOnly: request.isolationLevel == 1)
            }
            return topic
        }
        return response
    }

    private func offset(
        _ entry: ListOffsetsRequest.Partition, in topic: String, _ version: Int16,
        committedOnly: Bool
    ) -> ListOffsetsResponse.Partition {
        var result = ListOffsetsResponse.Partition()
        result.index = entry.index
        guard let partition = topics.partition(topic, entry.index) else {
            result.error = .unknownTopicOrPartition
            return result
        }
        guard let log = partition.log else {
            result.error = .storageError
            return result
        }
        result.error = Self.epochError(entry.currentLeaderEpoch, log.leaderEpoch)
        guard result.error == .none else { return result }
        let end = committedOnly ? log.lastStable : log.highWatermark
        do {
            switch entry.timestamp {
            case SpecialTime.latest: result.offset = end
            case SpecialTime.earliest: result.offset = log.logStart
            case SpecialTime.earliestLocal where version >= 8: result.offset = log.logStart
            case SpecialTime.largest where version >= 7:
                set(&result, try log.recordWithLargestTimestamp(), before: end)
            case SpecialTime.tiers where version >= 8: break
            case 0...: set(&result, try log.firstRecord(atOrAfter: entry.timestamp), before: end)
            default: result.error = .unsupportedVersion
            }
        } catch is QuarantinedRecords {
            // Has been reported, once.
            result.error = .corruptMessage
        } catch {
            logger.error("offset look-up failed", metadata: log.metadata(error))
            result.error = error is DiskError ? .storageError : .corruptMessage
        }
        if result.offset >= 0 { result.leaderEpoch = log.epoch(at: result.offset) }
        return result
    }

    private func set(
        _ result: inout ListOffsetsResponse.Partition, _ found: TimedOffset?, before end: Int64
    ) {
        guard let found, found.offset < end else { return }
        result.offset = found.offset
        result.timestamp = found.timestamp
    }

    // MARK: OffsetForLeaderEpoch

    func offsetForLeaderEpoch(
        _ request: OffsetForLeaderEpochRequest, _ context: RequestContext,
        _ reply: @escaping Reply<OffsetForLeaderEpochResponse>
    ) {
        var response = OffsetForLeaderEpochResponse()
        response.topics = request.topics.map { entry in
            var topic = OffsetForLeaderEpochResponse.Topic()
            topic.name = entry.name
            topic.partitions = entry.partitions.map { epochEnd($0, in: entry.name) }
            return topic
        }
        reply(.response(response))
    }

    private func epochEnd(
        _ entry: OffsetForLeaderEpochRequest.Partition, in topic: String
    ) -> OffsetForLeaderEpochResponse.Partition {
        var result = OffsetForLeaderEpochResponse.Partition()
        result.index = entry.index
        guard let partition = topics.partition(topic, entry.index) else {
            result.error = .unknownTopicOrPartition
            return result
        }
        guard let log = partition.log else {
            result.error = .storageError
            return result
        }
        result.error = Self.epochError(entry.currentLeaderEpoch, log.leaderEpoch)
        if result.error == .none, let end = log.epochEnd(entry.leaderEpoch) {
            result.leaderEpoch = end.epoch
            result.endOffset = end.endOffset
        }
        return result
    }

    // MARK: DeleteRecords

    func deleteRecords(
        _ request: DeleteRecordsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DeleteRecordsResponse>
    ) {
        let names = request.topics.map(\.name)
        let counts = request.topics.map(\.partitions.count)
        let gather = Gather<DeleteRecordsResponse.Partition>(count: counts.reduce(0, +)) {
            results in
            var response = DeleteRecordsResponse()
            var rest = results[...]
            for (name, count) in zip(names, counts) {
                var topic = DeleteRecordsResponse.Topic()
                topic.name = name
                topic.partitions = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
                response.topics.append(topic)
            }
            reply(.response(response))
        }
        var slot = 0
        for entry in request.topics {
            for partition in entry.partitions {
                trim(partition, of: entry.name, at: slot, gather)
                slot += 1
            }
        }
    }

    private func trim(
        _ entry: DeleteRecordsRequest.Partition, of name: String, at slot: Int,
        _ gather: Gather<DeleteRecordsResponse.Partition>
    ) {
        var result = DeleteRecordsResponse.Partition()
        result.index = entry.index
        guard let topic = topics.topic(named: name), let partition = topic.partition(entry.index)
        else {
            result.error = .unknownTopicOrPartition
            return gather.set(slot, result)
        }
        let defaults = topicDefaults
        guard !topic.isInternal, topic.settings.cleanupPolicy(has: "delete", defaults) else {
            result.error = .policyViolation
            return gather.set(slot, result)
        }
        guard let log = partition.log else {
            result.error = .storageError
            return gather.set(slot, result)
        }
        let blank = result
        partition.writer.run {
            var result = blank
            result.error =
                entry.offset < -1
                ? .offsetOutOfRange
                : log.trim(to: entry.offset == -1 ? log.highWatermark : entry.offset)
            if result.error == .none { result.lowWatermark = log.logStart }
            gather.set(slot, result)
        }
    }
}

extension PartitionLog {
    /// The epoch that a record was written in.
    func epoch(at offset: Int64) -> Int32 { view.withLock { $0.epochs.epoch(at: offset) } }

    /// Where the largest epoch up to `epoch` ends.
    func epochEnd(_ epoch: Int32) -> (epoch: Int32, endOffset: Int64)? {
        view.withLock { $0.epochs.end(of: epoch, logEnd: $0.highWatermark) }
    }
}
