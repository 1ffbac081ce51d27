// The connections that are open, for the orderly end.

internal import Base
internal import EventLoop
internal import Synchronization

/// All connections of a server. Any thread.
final class OpenConnections: ConnectionOwner {
    private struct State {
        var open: [ObjectIdentifier: KafkaConnection] = [:]
        /// Those of unknown clients, by the order in which they came.
        var unknown: [ObjectIdentifier: UInt64] = [:]
        var count: UInt64 = 0
        var isDraining = false
        var drained: CheckedContinuation<Void, Never>?
    }

    let broker: Broker
    let budget = ByteBudget(
        total: Limits.logRequestsBytesMax, reserve: Limits.logRequestBytesMax)
    private let state = Mutex(State())

    init(broker: Broker) { self.broker = broker }

    func opened(_ connection: KafkaConnection) {
        let (isDraining, evicted) = state.withLock { state in
            state.open[ObjectIdentifier(connection)] = connection
            state.count += 1
            if connection.isUnknown { state.unknown[ObjectIdentifier(connection)] = state.count }
            return (state.isDraining, Self.evict(&state))
        }
        evicted?.onLoop { $0.abort() }
        if isDraining { connection.drain() }
    }

    /// Takes the oldest of the unknown off the list if there are too many: whoever means well is
    /// done sooner than that.
    private static func evict(_ state: inout State) -> KafkaConnection? {
        guard state.unknown.count > Limits.logUnauthenticatedConnectionsMax,
            let oldest = state.unknown.min(by: { $0.value < $1.value })?.key
        else { return nil }
        state.unknown[oldest] = nil
        return state.open[oldest]
    }

    func known(_ connection: KafkaConnection) {
        state.withLock { $0.unknown[ObjectIdentifier(connection)] = nil }
    }

    func closed(_ connection: KafkaConnection) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.open[ObjectIdentifier(connection)] = nil
            state.unknown[ObjectIdentifier(connection)] = nil
            guard state.open.isEmpty else { return nil }
            defer { state.drained = nil }
            return state.drained
        }
        waiter?.resume()
    }

    /// Lets every connection answer what it is serving, and aborts those that are not done in time.
    func drain(grace: Duration, on loop: EventLoop) async {
        let open = state.withLock { state in
            state.isDraining = true
            return Array(state.open.values)
        }
        for connection in open { connection.onLoop { $0.drain() } }
        let timer = loop.schedule(after: grace) { [self] in
            let late = state.withLock { Array($0.open.values) }
            for connection in late { connection.onLoop { $0.abort() } }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.open.isEmpty { state.drained = continuation }
                return state.open.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
        timer.cancel()
    }
}
