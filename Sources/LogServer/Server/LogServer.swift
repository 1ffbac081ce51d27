// The log server: opens its data, listens, and stops in order. One process has the directory.
//
//     DATA/LOCK                 held while the server runs
//     DATA/server.checkpoint    cluster id and producer ids
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
    private let cleaner: LogCleaner
    private let connections: OpenConnections
    private let group: EventLoopGroup
    private let listener = Mutex<TCPListener?>(nil)
    private let syncTimer = Mutex<LoopTimer?>(nil)

    /// Opens the data directory, which is made if it is not there, and recovers what is in it.
    /// Blocks. Throws a `LogStorageError`; damaged partitions are logged and refused instead.
    package init(
        configuration: LogServerConfiguration, disk: any LogDisk = LocalDisk(),
        clock: @escaping @Sendable () -> Int64 = wallClockMilliseconds,
        group: EventLoopGroup, logger: Logger
    ) throws {
        raiseOpenFilesLimit()
        let metrics = LogServerMetrics()
        lock = try Self.lock(configuration.directory, disk)
        let identity = try ServerIdentity(directory: configuration.directory, disk: disk)
        let writers = try (0..<configuration.writerThreads).map {
            try LogWriter(
                name: "log-writer-\($0)", policy: configuration.fsync, clock: clock,
                metrics: metrics)
        }
        let topics = TopicTable(
            TopicEnvironment(
                directory: configuration.directory, disk: disk, writers: writers,
                defaults: configuration.topicDefaults, clock: clock, logger: logger))
        try topics.open()
        let offsets = try Self.openOffsets(topics, clock)
        let groups = GroupCoordinator(
            configuration: configuration.groups, offsets: offsets.log, topics: topics,
            loop: group.next(), logger: logger)
        var damage = offsets.damage
        if damage == nil {
            do { try offsets.topic?.replay { groups.load($0) } } catch { damage = error.message }
        }
        if let damage {
            // Answering without the offsets would make consumers begin anywhere.
            logger.critical("groups are not served", metadata: [LogKeys.reason: "\(damage)"])
            groups.shutdown()
        }
        metrics.foundDamaged(
            partitions: topics.all.reduce(0) {
                $0 + $1.partitions.count { $0.damage != nil }
            })
        broker = Broker(
            configuration: configuration, topics: topics, identity: identity, groups: groups,
            groupsDamage: damage,
            readers: try BlockingPool(
                name: "log-reader", threads: configuration.readThreads,
                queueMax: Limits.logReadQueueMax),
            control: try BlockingPool(
                name: "log-control", threads: 1, queueMax: Limits.logReadQueueMax),
            metrics: metrics, logger: logger)
        self.writers = writers
        cleaner = try LogCleaner(topics: topics, clock: clock, metrics: metrics, logger: logger)
        self.group = group
        connections = OpenConnections(broker: broker)
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
        _ topics: TopicTable, _ clock: @escaping @Sendable () -> Int64
    ) throws -> (log: any OffsetsLog, topic: OffsetsTopic?, damage: String?) {
        if topics.topic(named: OffsetsTopic.name) == nil {
            var settings = TopicSettings()
            try settings.set("cleanup.policy", to: "compact")
            try settings.set("segment.bytes", to: "\(Limits.logOffsetsRewriteBytes)")
            _ = try topics.create(
                OffsetsTopic.name, partitions: 1, settings: settings, isInternal: true)
        }
        guard let partition = topics.partition(OffsetsTopic.name, 0), let log = partition.log else {
            let damage = topics.partition(OffsetsTopic.name, 0)?.damage
            return (NoOffsets(), nil, damage?.message ?? "no partition of committed offsets")
        }
        let topic = OffsetsTopic(log: log, writer: partition.writer, clock: clock)
        return (topic, topic, nil)
    }

    /// Listens; returns the port, which is chosen if `port` is 0.
    @discardableResult
    package func start(host: String, port: UInt16) async throws -> UInt16 {
        let configuration = broker.configuration
        let connections = connections
        // Listening begins before the port is known; nobody can have asked for it yet, but a
        // client may come the moment it is, so the address is set from the wish first.
        broker.advertised = configuration.advertised ?? HostPort(host: host, port: port)
        let listener = try await TCPListener.listen(
            host: host, port: port, on: group, connectionsMax: Limits.logConnectionsMax,
            logger: broker.logger
        ) { KafkaConnection(owner: connections) }
        if configuration.advertised == nil {
            broker.advertised = HostPort(host: host, port: listener.port)
        }
        self.listener.withLock { $0 = listener }
        if configuration.fsync == .interval { startSyncTimer() }
        cleaner.start(
            on: group.next(), retention: configuration.retentionCheckInterval,
            compaction: configuration.compactionInterval)
        return listener.port
    }

    private func startSyncTimer() {
        let interval = Duration.milliseconds(Limits.logSyncIntervalMilliseconds)
        let writers = writers
        syncTimer.withLock {
            $0 = group.next().schedule(after: interval, repeating: interval) {
                for writer in writers { writer.syncUnsynced() }
            }
        }
    }

    /// Room for requests that is not taken, for tests.
    var requestBytesFree: Int { connections.budget.free }

    /// Answers that clients are slow to take, for tests.
    var unsentBytes: Int { broker.unsentBytes.load(ordering: .relaxed) }

    /// Stops accepting, lets requests that are being served finish for up to `grace`, then syncs
    /// everything and ends the threads.
    package func stop(grace: Duration) async {
        let listener = listener.withLock { $0 }
        await listener?.stopAccepting()
        broker.groups.shutdown()
        await connections.drain(grace: grace, on: group.next())
        await listener?.close()
        syncTimer.withLock { $0?.cancel() }
        await cleaner.shutdown()
        await broker.control.shutdown()
        await broker.readers.shutdown()
        for writer in writers { await writer.shutdown() }
    }
}

/// Stands in when the topic of committed offsets is damaged.
private struct NoOffsets: OffsetsLog {
    func append(
        _ records: [OffsetsRecord], completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) { completion(.storageError) }
}
