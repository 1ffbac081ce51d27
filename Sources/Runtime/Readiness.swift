// Whether a process takes traffic: the conjunction of what its components say.

internal import Synchronization

/// What `/readyz` answers. Any thread.
package final class Readiness: Sendable {
    private struct State {
        /// Reason why a component is not ready; ready components are absent.
        var waiting: [String: String] = [:]
        var isDraining = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Adds a component that is not ready yet.
    package func declare(_ component: String) { set(component, isReady: false, reason: "starting") }

    package func set(_ component: String, isReady: Bool, reason: String = "") {
        state.withLock { $0.waiting[component] = isReady ? nil : reason }
    }

    /// From now on the process is never ready again.
    package func drain() { state.withLock { $0.isDraining = true } }

    /// Nil when ready, else why not.
    package var reason: String? {
        state.withLock { state in
            if state.isDraining { return "draining" }
            guard !state.waiting.isEmpty else { return nil }
            return state.waiting.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
                .joined(separator: "; ")
        }
    }
}
