// Produce: check each batch on the loop, hand it to its partition's writer, answer when all are
// where the client wants them.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging

extension Broker {
    /// The versions whose batches have formats that are gone.
    private static let oldestServedProduce: Int16 = 3

    func produce(
        _ request: ProduceRequest, _ context: RequestContext,
        _ reply: @escaping Reply<ProduceResponse>
    ) {
        let acks = request.acks
        let names = request.topics.map(\.name)
        let counts = request.topics.map(\.partitions.count)
        let gather = Gather<ProduceResponse.Partition>(count: counts.reduce(0, +)) { results in
            guard acks != 0 else {
                return reply(results.allSatisfy { $0.error == .none } ? .silence : .close)
            }
            var response = ProduceResponse()
            var rest = results[...]
            for (name, count) in zip(names, counts) {
                var topic = ProduceResponse.Topic()
                topic.name = name
                topic.partitions = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
                response.topics.append(topic)
            }
            reply(.response(response))
        }
        var slot = 0
        for entry in request.topics {
            let topic = topics.topic(named: entry.name)
            for partition in entry.partitions {
                append(partition, to: topic, acks: acks, context, at: slot, gather)
                slot += 1
            }
        }
    }

    private func append(
        _ entry: ProduceRequest.Partition, to topic: Topic?, acks: Int16,
        _ context: RequestContext, at slot: Int, _ gather: Gather<ProduceResponse.Partition>
    ) {
        var result = ProduceResponse.Partition()
        result.index = entry.index
        do {
            let (partition, log) = try target(topic, entry.index, acks: acks, context)
            let batch = try CheckedBatch(entry.records, rules: log.rules.batches)
            let blank = result
            partition.writer.append(
                PendingAppend(
                    log: log, batch: batch, waitsForSync: acks == -1,
                    admission: admission(of: batch, to: partition)
                ) { outcome in
                    gather.set(slot, Self.result(blank, outcome, log))
                })
        } catch {
            result.error = error.code
            result.errorMessage = error.message
            result.recordErrors = error.records.map {
                var record = ProduceResponse.RecordError()
                record.batchIndex = $0
                record.message = error.message
                return record
            }
            gather.set(slot, result)
        }
    }

    /// Batches of transactions are taken while their transaction is open.
    private func admission(
        of batch: CheckedBatch, to partition: Partition
    ) -> (@Sendable () -> KafkaErrorCode)? {
        guard batch.header.isTransactional else { return nil }
        let producer = TransactionProducer(
            id: batch.header.producerID, epoch: batch.header.producerEpoch)
        let name = TopicPartition(topic: partition.topic, partition: partition.index)
        return { [gate] in gate.verdict(producer, name) }
    }

    private func target(
        _ topic: Topic?, _ index: Int32, acks: Int16, _ context: RequestContext
    ) throws(BatchRefusal) -> (Partition, PartitionLog) {
        func refusal(_ code: KafkaErrorCode) -> BatchRefusal {
            BatchRefusal(code: code, message: code.text)
        }
        guard context.version >= Self.oldestServedProduce else {
            throw refusal(.unsupportedVersion)
        }
        guard [-1, 0, 1].contains(acks) else { throw refusal(.invalidRequiredAcks) }
        guard let topic, let partition = topic.partition(index) else {
            throw refusal(.unknownTopicOrPartition)
        }
        guard !topic.isInternal else { throw refusal(.invalidTopic) }
        guard acks != -1 || topic.settings.replicasMin(topicDefaults) <= 1 else {
            throw refusal(.notEnoughReplicas)
        }
        guard let log = partition.log else { throw refusal(.storageError) }
        return (partition, log)
    }

    private static func result(
        _ blank: ProduceResponse.Partition, _ outcome: AppendOutcome, _ log: PartitionLog
    ) -> ProduceResponse.Partition {
        var result = blank
        switch outcome {
        case .appended(let offset, let appendTime):
            result.baseOffset = offset
            result.logAppendTimeMilliseconds = appendTime ?? -1
            result.logStartOffset = log.logStart
        case .duplicate(let offset):
            result.baseOffset = offset
            result.logStartOffset = log.logStart
        case .refused(let code, let message):
            result.error = code
            result.errorMessage = message
        }
        return result
    }
}
