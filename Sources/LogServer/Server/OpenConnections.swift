// The connections that are open, for the orderly end.

internal import Base
internal import EventLoop
internal import Synchronization

/// All connections of a server. Any thread.
final class OpenConnections: ConnectionOwner {
    private struct State {
        var open: [ObjectIdentifier: KafkaConnection] = [:]
        var isDraining = false
        var drained: CheckedContinuation<Void, Never>?
    }

    let broker: Broker
    let budget = ByteBudget(total: Limits.logRequestsBytesMax)
    private let state = Mutex(State())

    init(broker: Broker) { self.broker = broker }

    func opened(_ connection: KafkaConnection) {
        let isDraining = state.withLock { state in
            state.open[ObjectIdentifier(connection)] = connection
            return state.isDraining
        }
        if isDraining { connection.drain() }
    }

    func closed(_ connection: KafkaConnection) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.open[ObjectIdentifier(connection)] = nil
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
