// Which processes make up the system, on which ports and with which settings. Pure: ports come in
// as values, nothing is started here.

internal import Model

/// A kind of process, in the order in which they are started; stopping goes backwards.
package enum ProcessKind: String, Sendable, CaseIterable, Comparable {
    case log, store, worker, collector, query, lag

    package var executable: String { "millrace-" + rawValue }

    package static func < (left: Self, right: Self) -> Bool {
        allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
    }
}

/// One process to run and keep running.
package struct ProcessPlan: Sendable, Equatable {
    package var kind: ProcessKind
    package var index: Int
    /// Where it serves its own protocol (for a worker, which serves none: the same as `admin`).
    package var address: String
    /// Where it serves /healthz, /readyz and /metrics.
    package var admin: String
    /// Settings by dotted key.
    package var settings: [String: Setting]

    package var name: String { "\(kind.rawValue)-\(index)" }
}

/// A value in a generated configuration file.
package enum Setting: Sendable, Equatable {
    case text(String)
    case number(Int)
    case list([String])
}

/// All processes of one machine.
package struct ClusterPlan: Sendable, Equatable {
    package var processes: [ProcessPlan]
    package var brokers: [String]

    package func addresses(of kind: ProcessKind) -> [String] {
        processes.filter { $0.kind == kind }.map(\.address)
    }

    /// How many ports a plan needs.
    package static func portCount(_ options: ClusterOptions, _ record: ClusterRecord) -> Int {
        options.queries + options.collectors + 1 + (options.logBrokers == nil ? 2 : 0)
            + 2 * record.stores + options.workers
    }

    /// Lays the processes out. `ports` are handed out in the order of `interfaces`: API,
    /// collectors, lag, log, stores, then further query servers and admin ports.
    package init(
        options: ClusterOptions, record: ClusterRecord, ports: [UInt16], secretFile: String
    ) {
        precondition(ports.count >= Self.portCount(options, record), "one port for each listener")
        var free = ports.makeIterator()
        func address() -> String { "127.0.0.1:\(free.next() ?? 0)" }
        let data = options.dataDirectory
        let api = address()
        let collectors = (0..<options.collectors).map { _ in address() }
        let lag = address()
        let log = options.logBrokers == nil ? address() : nil
        let stores = (0..<record.stores).map { _ in address() }
        let queries = [api] + (1..<max(options.queries, 1)).map { _ in address() }
        brokers = options.logBrokers ?? [log ?? ""]
        let shared = Self.sharedSettings(
            options, record, brokers: brokers, stores: stores, secretFile: secretFile)
        func plan(
            _ kind: ProcessKind, _ index: Int, _ address: String, admin: String,
            _ own: [String: Setting]
        ) -> ProcessPlan {
            ProcessPlan(
                kind: kind, index: index, address: address, admin: admin,
                settings: shared.merging(own) { $1 })
        }
        processes = []
        if let log {
            let admin = address()
            processes.append(
                plan(
                    .log, 0, log, admin: admin,
                    [
                        "log_server.listen": .text(log), "log_server.data": .text(data + "/log"),
                        "admin.listen": .text(admin),
                        // The workers of one machine come at once: Kafka's three seconds would
                        // only delay the start.
                        "log_server.group_initial_rebalance_delay_ms": .number(300),
                    ]))
        }
        for (index, store) in stores.enumerated() {
            let admin = address()
            processes.append(
                plan(
                    .store, index, store, admin: admin,
                    [
                        "store.listen": .text(store), "store.data": .text(data + "/store-\(index)"),
                        "admin.listen": .text(admin),
                    ]))
        }
        for index in 0..<options.workers {
            let admin = address()
            let own = ["admin.listen": admin, "worker.instance_id": "worker-\(index)"]
            processes.append(
                plan(.worker, index, admin, admin: admin, own.mapValues { .text($0) }))
        }
        for (index, address) in collectors.enumerated() {
            processes.append(
                plan(
                    .collector, index, address, admin: address,
                    ["collector.listen": .text(address)]))
        }
        for (index, address) in queries.enumerated() {
            processes.append(
                plan(
                    .query, index, address, admin: address,
                    Self.querySettings(address, files: data + "/files-\(index)")))
        }
        processes.append(plan(.lag, 0, lag, admin: lag, lagSettings(lag)))
    }

    private static func querySettings(_ address: String, files: String) -> [String: Setting] {
        [
            "query.listen": .text(address), "query.files": .text(files),
            "query.public_url": .text("http://\(address)"),
        ]
    }

    /// The lag monitor learns append times from the log server, if there is one.
    private func lagSettings(_ address: String) -> [String: Setting] {
        var settings: [String: Setting] = ["lag.listen": .text(address)]
        if let log = processes.first(where: { $0.kind == .log }) {
            settings["lag.log_admin"] = .text(log.admin)
        }
        return settings
    }

    /// What every process is told.
    private static func sharedSettings(
        _ options: ClusterOptions, _ record: ClusterRecord, brokers: [String], stores: [String],
        secretFile: String
    ) -> [String: Setting] {
        [
            "log.brokers": .list(brokers), "store.addresses": .list(stores),
            "events.partitions": .number(record.partitions),
            "cluster.secret_file": .text(secretFile),
            "process.exit_with_parent": .text(options.exitsWithParent ? "true" : "false"),
        ]
    }
}
