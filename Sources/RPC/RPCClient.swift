// The calling side of the RPC, towards one address.

package import Base
package import Crypto
package import EventLoop
package import Logging
package import Wire

/// Calls one server over one connection, which it makes when the first call needs it and makes anew
/// when it broke. Calls wait for the connection until their deadline. Any thread.
package final class RPCClient: Sendable {
    package let address: HostPort
    private let core: ClientCore

    /// `jitterSeed` decides how the waits between attempts to connect vary; a connection that has
    /// kept calls waiting without a byte for `silenceLimit` is given up when one runs out of time.
    package init(
        address: HostPort, secret: ClusterSecret, loop: EventLoop, logger: Logger,
        jitterSeed: UInt64 = monotonicNanoseconds(),
        silenceLimit: Duration = .seconds(Limits.rpcSilenceSeconds)
    ) {
        self.address = address
        core = ClientCore(
            address: address, secret: secret, loop: loop, logger: logger,
            random: PRNG(seed: jitterSeed), silenceLimit: silenceLimit)
    }

    deinit { core.loop.execute { [core] in core.close() } }

    /// Sends a call and waits for its answer, at most for `timeout`; for a connection at most for
    /// `connectTimeout` of it. Throws `RPCError` and nothing else; a cancelled task gets the status
    /// `cancelled` at once, and the server is told.
    package func call(
        _ method: RPCMethod, body: [UInt8], timeout: Duration, connectTimeout: Duration? = nil
    ) async throws -> ArraySlice<UInt8> {
        let call = PendingCall(
            method: method, body: body, timeout: timeout,
            connectTimeout: connectTimeout ?? timeout)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard call.wait(continuation) else { return }
                core.loop.execute { [core] in core.submit(call) }
            }
        } onCancel: {
            call.finish(.failure(RPCError(.cancelled, "\(method) at \(address) was cancelled")))
            core.loop.execute { [core] in core.forget(call) }
        }
    }

    /// Fails every call that is not answered yet, and every later one. Before the loop's shutdown.
    package func close() async {
        await withCheckedContinuation { continuation in
            core.loop.execute { [core] in
                core.close()
                continuation.resume()
            }
        }
    }
}
