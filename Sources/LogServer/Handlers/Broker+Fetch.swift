// Fetch: find the partitions, wait until there is enough to read, read whole batches.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Synchronization

extension Broker {
    func fetch(
        _ request: FetchRequest, _ context: RequestContext,
        _ reply: @escaping Reply<FetchResponse>
    ) {
        // Nobody is ever given a session, so nobody can have one.
        guard request.sessionID == 0 else {
            var response = FetchResponse()
            response.error = .fetchSessionIDNotFound
            return reply(.response(response))
        }
        let parts = parts(of: request, byID: context.version >= 13)
        let call = FetchCall(
            parts, minBytes: Int(request.minBytes), committedOnly: request.readsCommitted,
            loop: context.loop
        ) { [self] in
            let takesFiles = context.takesFiles
            answer(on: readers, reply) { [self] in
                read(request, parts, takesFiles: takesFiles)
            }
        }
        context.interest.whenLost {
            context.loop.execute { if call.cancel() { reply(.silence) } }
        }
        let limit = min(Int(request.maxWaitMilliseconds), Limits.logFetchWaitMilliseconds)
        call.start(limit: .milliseconds(limit))
    }

    private func parts(of request: FetchRequest, byID: Bool) -> [FetchPart] {
        var parts: [FetchPart] = []
        for (index, entry) in request.topics.enumerated() {
            let topic = byID ? topics.topic(id: entry.topicID) : topics.topic(named: entry.name)
            for partition in entry.partitions {
                var part = FetchPart(topicIndex: index, request: partition)
                if let topic {
                    resolve(topic.partition(partition.index), into: &part)
                } else {
                    part.error = byID ? .unknownTopicID : .unknownTopicOrPartition
                }
                parts.append(part)
            }
        }
        return parts
    }

    private func resolve(_ partition: Partition?, into part: inout FetchPart) {
        guard let partition else {
            part.error = .unknownTopicOrPartition
            return
        }
        guard let log = partition.log else {
            part.error = .storageError
            return
        }
        part.error = Self.epochError(part.request.currentLeaderEpoch, log.leaderEpoch)
        part.log = log
    }

    /// What a client that thinks the leader epoch is `known` must be told.
    static func epochError(_ known: Int32, _ current: Int32) -> KafkaErrorCode {
        if known < 0 || known == current { return .none }
        return known < current ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }

    // MARK: Reading

    /// How much one fetch gets: less when many clients do not take what they asked for. The first
    /// batch comes in any case.
    static func fetchBytes(asked: Int, unsent: Int) -> Int {
        max(min(asked, Limits.logFetchBytesMax, Limits.logUnsentBytesMax - unsent), 0)
    }

    private func read(
        _ request: FetchRequest, _ parts: [FetchPart], takesFiles: Bool
    ) -> Answer<FetchResponse> {
        var files: [FilePart] = []
        var response = FetchResponse()
        response.topics = request.topics.map {
            var topic = FetchResponse.Topic()
            topic.name = $0.name
            topic.topicID = $0.topicID
            return topic
        }
        let bytesMax = Self.fetchBytes(
            asked: Int(request.maxBytes), unsent: unsentBytes.load(ordering: .relaxed))
        var bytes = 0
        for part in parts {
            let result = read(
                part, bytesMax: bytesMax - bytes, isFirst: bytes == 0,
                takesFiles: takesFiles, committedOnly: request.readsCommitted, &files)
            bytes += result.records?.count ?? 0
            response.topics[part.topicIndex].partitions.append(result)
        }
        metrics.fetched(bytes: bytes)
        return .withFiles(response, files)
    }

    private func read(
        _ part: FetchPart, bytesMax: Int, isFirst: Bool, takesFiles: Bool, committedOnly: Bool,
        _ files: inout [FilePart]
    ) -> FetchResponse.Partition {
        var result = FetchResponse.Partition()
        result.index = part.request.index
        result.error = part.error
        result.records = .empty
        if committedOnly { result.abortedTransactions = [] }
        guard let log = part.log else { return result }
        if part.error == .none {
            let outcome = log.find(
                from: part.request.fetchOffset,
                bytesMax: max(min(Int(part.request.maxBytes), bytesMax), 0),
                takesLargeFirst: isFirst, committedOnly: committedOnly)
            switch outcome {
            case .batches(let found):
                if takesFiles, found.range.count >= Limits.logSendFileBytesMin,
                    let file = found.file as? any SendableFile
                {
                    // Asked for now, so that the loop need not wait for the disk.
                    found.file.willNeed(found.range)
                    result.records = .elsewhere(byteCount: found.range.count)
                    files.append(FilePart(file: file, range: found.range))
                } else {
                    read(found, of: log, into: &result)
                }
                if committedOnly {
                    result.abortedTransactions = log.aborted(
                        from: part.request.fetchOffset, to: found.nextOffset
                    ).map(FetchResponse.AbortedTransaction.init)
                }
            case .nothing: break
            case .outOfRange: result.error = .offsetOutOfRange
            case .failed(let code): result.error = code
            }
        }
        // After the read, so that the watermark is never below what was read.
        (result.lastStableOffset, result.highWatermark) = log.view.withLock {
            ($0.lastStable, $0.highWatermark)
        }
        result.logStartOffset = log.logStart
        return result
    }

    private func read(
        _ part: SegmentPart, of log: PartitionLog, into result: inout FetchResponse.Partition
    ) {
        do throws(DiskError) {
            result.records = .owned(
                try part.file.read(part.range.count, at: part.range.lowerBound))
        } catch {
            logger.error("read failed", metadata: log.metadata(error))
            result.error = .storageError
        }
    }
}

extension FetchRequest {
    /// Whether only records of committed transactions, and of none, are asked for.
    fileprivate var readsCommitted: Bool { isolationLevel == 1 }
}

extension FetchResponse.AbortedTransaction {
    fileprivate init(_ aborted: PartitionTransactions.Aborted) {
        self.init()
        producerID = aborted.producerID
        firstOffset = aborted.firstOffset
    }
}
