// What both commands ask for: the log, the stores, the group.

import ArgumentParser
import Base
import EventLoop
import Lag
import LagService
import LogClient
import Logging
import RPC
import Runtime

/// The options that `serve` and `table` share.
struct LagOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "YAML file with settings.")
    var configurationFile: String?
    @Option(help: "HOST:PORT,… of the log.")
    var logBrokers: String?
    @Option(
        name: [.customLong("stores"), .customLong("store-addresses")],
        help: "HOST:PORT,… of all storage nodes, to show applied offsets.")
    var stores: String?
    @Option(help: "File with the cluster's secret, for the storage nodes.")
    var clusterSecretFile: String?
    @Option(help: "HOST:PORT of millrace-log's admin port, to show lag in seconds.")
    var lagLogAdmin: String?
    @Option(help: "The consumer group to look at.")
    var group = LagQuestion.workerGroup
    @Option(help: "A topic to look at; may be repeated. Without it, those the group has read.")
    var topic: [String] = []

    var flags: [String: String?] {
        [
            "log.brokers": logBrokers, "store.addresses": stores,
            "cluster.secret_file": clusterSecretFile, "lag.log_admin": lagLogAdmin,
        ]
    }

    var question: LagQuestion { LagQuestion(group: group, topics: topic) }
}

/// A source with what has to be closed after it.
struct OpenSource {
    let source: LogLagSource
    private let stores: [StoreClient]
    private let appendTimes: AppendTimeClient?

    /// Stores are asked only if `store.addresses` is set; they need the cluster's secret.
    init(_ settings: Settings, group: EventLoopGroup, logger: Logger) throws {
        let connection = LogConnection(
            brokers: try settings.strings("log.brokers"), security: try settings.logSecurity())
        var stores: [StoreClient] = []
        if try settings.optionalString("store.addresses") != nil {
            let secret = try settings.clusterSecret()
            stores = try settings.hostPorts("store.addresses").map { address in
                StoreClient(
                    RPCClient(address: address, secret: secret, loop: group.next(), logger: logger))
            }
        }
        self.stores = stores
        if try settings.optionalString("lag.log_admin") != nil {
            appendTimes = AppendTimeClient(
                address: try settings.hostPort("lag.log_admin"), loop: group.next(), logger: logger)
        } else {
            appendTimes = nil
        }
        source = try LogLagSource(
            connection: connection, stores: stores, appendTimes: appendTimes, logger: logger)
    }

    func close() async {
        appendTimes?.close()
        for store in stores { await store.client.close() }
    }
}
