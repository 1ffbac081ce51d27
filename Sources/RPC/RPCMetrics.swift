// What the RPC counts. Handles are made once; methods beyond ours share the name "other".

internal import CoreMetrics
internal import Metrics
internal import Wire

struct RPCServerMetrics: Sendable {
    private static let methods: [RPCMethod] = [.apply, .appliedOffsets, .scan, .schema]

    let inFlight = Meter(label: "rpc_server_in_flight")
    let rejectedConnections = Counter(label: "rpc_server_rejected_connections_total")
    private let calls: [RPCMethod: MethodMetrics]
    private let other = MethodMetrics(name: "other")

    private struct MethodMetrics: Sendable {
        let duration: CoreMetrics.Timer
        let outcomes: [RPCStatus: Counter]

        init(name: String) {
            duration = CoreMetrics.Timer(
                label: "rpc_server_call_seconds", dimensions: [("method", name)])
            outcomes = Dictionary(
                uniqueKeysWithValues: RPCStatus.allCases.map { status in
                    let dimensions = [("method", name), ("status", "\(status)")]
                    return (
                        status, Counter(label: "rpc_server_calls_total", dimensions: dimensions)
                    )
                })
        }
    }

    init() {
        calls = Dictionary(
            uniqueKeysWithValues: Self.methods.map { method in
                (method, MethodMetrics(name: "\(method)"))
            })
    }

    func count(_ method: RPCMethod, _ status: RPCStatus) {
        (calls[method] ?? other).outcomes[status]?.increment()
    }

    func record(_ method: RPCMethod, _ status: RPCStatus, _ duration: Duration) {
        count(method, status)
        (calls[method] ?? other).duration.record(duration: duration)
    }
}

struct RPCClientMetrics: Sendable {
    let connections = Counter(label: "rpc_client_connections_total")
    let failedAttempts = Counter(label: "rpc_client_failed_connection_attempts_total")
    let lostConnections = Counter(label: "rpc_client_lost_connections_total")
}
