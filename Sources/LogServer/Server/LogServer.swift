// The log server: opens its data, listens, and stops in order. One process has the directory.
//
//     DATA/LOCK                 held while the server runs
//     DATA/server.checkpoint    cluster id and producer ids
//     DATA/users.checkpoint     users that clients have added
//     DATA/topics.checkpoint    which topics there are
//     DATA/topics/…             their records

internal import Base
package import EventLoop
internal import KafkaWire
package import Logging
internal import Synchronization

/// A single-node Kafka broker.
package final class LogServer: Sendable {
    private let lock: DirectoryLock?
    private let broker: Broker
    private let writers: [LogWriter]
    private let flusher: LogFlusher
    private let cleaner: LogCleaner
    private let connections: OpenConnections
    private let group: EventLoopGroup
    private let listeners = Mutex<[TCPListener]>([])
    private let syncTimer = Mutex<LoopTimer?>(nil)

    /// Opens the data directory, which is made if it is not there, and recovers what is in it.
    /// Blocks. Throws a `LogStorageError`; damaged partitions are logged and refused instead.
    package init(
        configuration: LogServerConfiguration, disk: any LogDisk = LocalDisk(),
        clock: @escaping @Sendable () -> Int64 = wallClockMilliseconds,
        group: EventLoopGroup, logger: Logger
    ) throws {
        raiseOpenFilesLimit()
        ignoreBrokenPipes()
        let metrics = LogServerMetrics()
        lock = try Self.lock(configuration.directory, disk)
        let identity = try ServerIdentity(directory: configuration.directory, disk: disk)
        let writers = try (0..<configuration.writerThreads).map {
            try LogWriter(
                name: "log-writer-\($0)", policy: configuration.fsync, clock: clock,
                metrics: metrics)
        }
        flusher = try LogFlusher(policy: configuration.fsync)
        let topics = TopicTable(
            TopicEnvironment(
                directory: configuration.directory, disk: disk, writers: writers, flusher: flusher,
                defaults: configuration.topicDefaults, clock: clock, logger: logger))
        try Self.open(topics, metrics, logger)
        let gate = TransactionGate()
        let offsets = try Self.openOffsets(topics, gate, clock)
        let groups = GroupCoordinator(
            configuration: configuration.groups, offsets: offsets.log, topics: topics,
            loop: group.next(), logger: logger)
        let users = try UserTable(
            configuration.users ?? [], directory: configuration.directory, disk: disk)
        Self.report(configuration.users, users, logger)
        var damage = offsets.damage
        if damage == nil {
            do { try offsets.topic?.replay { groups.load($0) } } catch { damage = error.message }
        }
        if let damage {
            // Answering without the offsets would make consumers begin anywhere.
            logger.critical("groups are not served", metadata: [LogKeys.reason: "\(damage)"])
            groups.shutdown()
        }
        let transactions = try TransactionParts(
            topics: topics, groups: groups, offsets: offsets.topic, gate: gate,
            configuration: configuration.transactions, loop: group.next(), clock: clock,
            logger: logger)
        broker = Broker(
            configuration: configuration, topics: topics, identity: identity, groups: groups,
            groupsDamage: damage, transactions: transactions.coordinator, gate: gate,
            transactionsDamage: transactions.damage, users: users,
            readers: try BlockingPool(
                name: "log-reader", threads: configuration.readThreads,
                queueMax: Limits.logReadQueueMax),
            control: try BlockingPool(
                name: "log-control", threads: 1, queueMax: Limits.logReadQueueMax),
            passwords: configuration.users == nil
                ? nil
                : try BlockingPool(
                    name: "log-passwords", threads: 1,
                    queueMax: Limits.logUnauthenticatedConnectionsMax),
            metrics: metrics, logger: logger)
        self.writers = writers
        cleaner = try LogCleaner(topics: topics, clock: clock, metrics: metrics, logger: logger)
        self.group = group
        connections = OpenConnections(broker: broker)
    }

    /// Says once who gets in, so that a forgotten user is noticed.
    private static func report(_ given: [LogUser]?, _ users: UserTable, _ logger: Logger) {
        guard let given else { return }
        logger.notice(
            "clients have to authenticate",
            metadata: [
                LogKeys.usersOfFile: "\(given.count)",
                LogKeys.usersAdded: "\(users.alteredCount)",
            ])
    }

    private static func lock(_ directory: String, _ disk: any LogDisk) throws -> DirectoryLock? {
        do throws(DiskError) {
            try disk.makeDirectory(directory)
            // A disk in memory has no second process.
            return disk is LocalDisk ? try DirectoryLock(directory: directory) : nil
        } catch {
            throw LogStorageError(
                error.operation == "lock" ? .locked : .disk, error.description)
        }
    }

    /// The topic of committed offsets, made on the first start.
    private static func openOffsets(
        _ topics: TopicTable, _ gate: TransactionGate, _ clock: @escaping @Sendable () -> Int64
    ) throws -> (log: any OffsetsLog, topic: OffsetsTopic?, damage: String?) {
        try topics.makeInternal(OffsetsTopic.name)
        guard let partition = topics.partition(OffsetsTopic.name, 0), let log = partition.log else {
            let damage = topics.partition(OffsetsTopic.name, 0)?.damage
            return (NoOffsets(), nil, damage?.message ?? "no partition of committed offsets")
        }
        let topic = OffsetsTopic(
            log: log, writer: partition.writer, clock: clock, gate: gate)
        return (topic, topic, nil)
    }

    /// Listens; returns the port, which is chosen if `port` is 0.
    @discardableResult
    package func start(host: String, port: UInt16) async throws -> UInt16 {
        try await listen(host, port, broker.configuration.advertised, nil)
    }

    /// Listens for clients that use TLS; returns the port, which is chosen if `port` is 0.
    @discardableResult
    package func startTLS(host: String, port: UInt16, offer: TLSOffer) async throws -> UInt16 {
        try await listen(host, port, broker.configuration.advertisedTLS, offer)
    }

    private func listen(
        _ host: String, _ port: UInt16, _ advertised: HostPort?, _ tls: TLSOffer?
    ) async throws -> UInt16 {
        let connections = connections
        // Listening begins before the port is known; nobody can have asked for it yet, but a
        // client may come the moment it is, so the address is set from the wish first.
        let known = KafkaListener(
            isTLS: tls != nil, advertised: advertised ?? HostPort(host: host, port: port))
        let listener = try await TCPListener.listen(
            host: host, port: port, on: group, connectionsMax: Limits.logConnectionsMax, tls: tls,
            logger: broker.logger
        ) { KafkaConnection(owner: connections, listener: known) }
        if advertised == nil { known.advertised = HostPort(host: host, port: listener.port) }
        let isFirst = listeners.withLock { listeners in
            listeners.append(listener)
            return listeners.count == 1
        }
        if isFirst { startTimers() }
        return listener.port
    }

    private static func open(
        _ topics: TopicTable, _ metrics: LogServerMetrics, _ logger: Logger
    ) throws(LogStorageError) {
        let began = monotonicNanoseconds()
        try topics.open()
        let partitions = topics.all.flatMap(\.partitions)
        logger.notice(
            "partitions opened",
            metadata: [
                "log.partitions": "\(partitions.count)",
                "log.open_ms": "\((monotonicNanoseconds() - began) / 1_000_000)",
            ])
        metrics.foundDamaged(partitions: partitions.count { $0.damage != nil })
    }

    /// What is done again and again, from the first listener on.
    private func startTimers() {
        if broker.configuration.fsync == .interval { startSyncTimer() }
        cleaner.start(
            on: group.next(), retention: broker.configuration.retentionCheckInterval,
            compaction: broker.configuration.compactionInterval)
    }

    private func startSyncTimer() {
        let interval = Duration.milliseconds(Limits.logSyncIntervalMilliseconds)
        let writers = writers
        syncTimer.withLock {
            if $0 != nil { return }
            $0 = group.next().schedule(after: interval, repeating: interval) {
                for writer in writers { writer.syncUnsynced() }
            }
        }
    }

    /// When the record at each place was appended by this server's clock, milliseconds since 1970,
    /// to the second; nil where there is no record, or nothing is known. Any thread.
    package func appendTimes(of places: [LogPlace]) async throws -> [Int64?] {
        let topics = broker.topics
        return try await broker.readers.run {
            places.map { topics.partition($0.topic, $0.partition)?.log?.appendTime(of: $0.offset) }
        }
    }

    /// Room for requests that is not taken, for tests.
    var requestBytesFree: Int { connections.budget.free }

    /// Answers that clients are slow to take, for tests.
    var unsentBytes: Int { broker.unsentBytes.load(ordering: .relaxed) }

    /// Stops accepting, lets requests that are being served finish for up to `grace`, then syncs
    /// everything and ends the threads.
    package func stop(grace: Duration) async {
        let listeners = listeners.withLock { $0 }
        for listener in listeners { await listener.stopAccepting() }
        broker.groups.shutdown()
        broker.transactions.shutdown()
        await connections.drain(grace: grace, on: group.next())
        for listener in listeners { await listener.close() }
        syncTimer.withLock { $0?.cancel() }
        await cleaner.shutdown()
        await broker.control.shutdown()
        await broker.readers.shutdown()
        await broker.passwords?.shutdown()
        for partition in broker.topics.all.flatMap(\.partitions) {
            guard let log = partition.log else { continue }
            partition.writer.run { log.close() }
        }
        for writer in writers { await writer.shutdown() }
        await flusher.shutdown()
    }
}

/// An offset of a partition.
package struct LogPlace: Sendable, Hashable {
    package var topic: String
    package var partition: Int32
    package var offset: Int64

    package init(topic: String, partition: Int32, offset: Int64) {
        (self.topic, self.partition, self.offset) = (topic, partition, offset)
    }
}

/// Stands in when the topic of committed offsets is damaged.
private struct NoOffsets: OffsetsLog {
    func append(
        _ records: [OffsetsRecord], in producer: TransactionProducer?,
        completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) { completion(.storageError) }
}
