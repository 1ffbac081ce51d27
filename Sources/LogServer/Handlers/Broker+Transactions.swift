// Producer ids and transactions: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn,
// TxnOffsetCommit, and what operators ask.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging

extension Broker {
    // MARK: InitProducerId

    func initProducerID(
        _ request: InitProducerIDRequest, _ context: RequestContext,
        _ reply: @escaping Reply<InitProducerIDResponse>
    ) {
        let blank = InitProducerIDResponse()
        guard request.transactionalID == nil else {
            return initTransactions(request, context, reply)
        }
        // A producer that lost its place goes on with its id and the next epoch, which fences what
        // may still be on its way; the last epoch is kept back, as Kafka does. Ids of others are
        // not to be had in this way.
        if request.producerID >= 0, (0..<Int16.max - 1).contains(request.producerEpoch),
            identity.hasGiven(request.producerID), !gate.knows(request.producerID)
        {
            var response = blank
            response.producerID = request.producerID
            response.producerEpoch = request.producerEpoch + 1
            return reply(.response(response))
        }
        run(on: control, reply) { [self] in
            var response = blank
            if let id = newProducerID() {
                response.producerID = id
            } else {
                response.error = .storageError
            }
            return response
        }
    }

    private func initTransactions(
        _ request: InitProducerIDRequest, _ context: RequestContext,
        _ reply: @escaping Reply<InitProducerIDResponse>
    ) {
        let version = context.version
        let isTaken = control.submit { [self] in
            guard let fresh = newProducerID() else {
                var response = InitProducerIDResponse()
                response.error = .coordinatorNotAvailable
                return reply(.response(response))
            }
            transactions.initialize(request, fresh: fresh) { answer in
                var response = InitProducerIDResponse()
                response.error = answer.error.fencing(knownFrom: 4, version)
                response.producerID = answer.producer?.id ?? -1
                response.producerEpoch = answer.producer?.epoch ?? -1
                reply(.response(response))
            }
        }
        if !isTaken { reply(.close) }
    }

    private func newProducerID() -> Int64? {
        do { return try identity.newProducerID() } catch {
            logger.error(
                "no producer id could be reserved", metadata: [LogKeys.reason: "\(error)"])
            return nil
        }
    }

    // MARK: The transaction

    func addPartitionsToTxn(
        _ request: AddPartitionsToTxnRequest, _ context: RequestContext,
        _ reply: @escaping Reply<AddPartitionsToTxnResponse>
    ) {
        var partitions: Set<TopicPartition> = []
        var isGood = true
        var response = AddPartitionsToTxnResponse()
        response.topics = request.topics.map { asked in
            let topic = topics.topic(named: asked.name)
            var entry = AddPartitionsToTxnResponse.Topic()
            entry.name = asked.name
            entry.partitions = asked.partitions.map { index in
                var outcome = AddPartitionsToTxnResponse.Partition()
                outcome.index = index
                if topic?.partition(index) == nil {
                    outcome.error = .unknownTopicOrPartition
                } else if topic?.isInternal == true {
                    outcome.error = .invalidTopic
                }
                isGood = isGood && outcome.error == .none
                partitions.insert(TopicPartition(topic: asked.name, partition: index))
                return outcome
            }
            return entry
        }
        guard isGood, !partitions.isEmpty else {
            return reply(.response(response.filled(with: .operationNotAttempted)))
        }
        let (answered, version) = (response, context.version)
        let producer = TransactionProducer(id: request.producerID, epoch: request.producerEpoch)
        transactions.add(partitions, to: request.transactionalID, by: producer) { answer in
            let error = answer.error.fencing(knownFrom: 2, version)
            reply(.response(answered.filled(with: error)))
        }
    }

    func addOffsetsToTxn(
        _ request: AddOffsetsToTxnRequest, _ context: RequestContext,
        _ reply: @escaping Reply<AddOffsetsToTxnResponse>
    ) {
        let blank = AddOffsetsToTxnResponse()
        guard !request.groupID.isEmpty else {
            var response = blank
            response.error = .invalidGroupID
            return reply(.response(response))
        }
        let version = context.version
        let producer = TransactionProducer(id: request.producerID, epoch: request.producerEpoch)
        transactions.add(
            [OffsetsTopic.partition], to: request.transactionalID, by: producer
        ) { answer in
            var response = blank
            response.error = answer.error.fencing(knownFrom: 2, version)
            reply(.response(response))
        }
    }

    func endTxn(
        _ request: EndTxnRequest, _ context: RequestContext,
        _ reply: @escaping Reply<EndTxnResponse>
    ) {
        let version = context.version
        transactions.end(request) { answer in
            var response = EndTxnResponse()
            response.error = answer.error.fencing(knownFrom: 2, version)
            reply(.response(response))
        }
    }

    // MARK: Operators

    func describeTransactions(
        _ request: DescribeTransactionsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeTransactionsResponse>
    ) {
        transactions.describe(request) { reply(.response($0)) }
    }

    func listTransactions(
        _ request: ListTransactionsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<ListTransactionsResponse>
    ) {
        transactions.list(request) { reply(.response($0)) }
    }
}

extension AddPartitionsToTxnResponse {
    /// The same with an error for every partition that has none of its own.
    fileprivate func filled(with error: KafkaErrorCode) -> AddPartitionsToTxnResponse {
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

extension KafkaErrorCode {
    /// Older versions of a request have one code for all old producers.
    fileprivate func fencing(knownFrom first: Int16, _ version: Int16) -> KafkaErrorCode {
        self == .producerFenced && version < first ? .invalidProducerEpoch : self
    }
}
