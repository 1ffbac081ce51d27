// A call as the server's handler sees it.

internal import EventLoop
internal import Synchronization
package import Wire

/// One call to answer. Any thread, also after the handler has returned; the first answer counts. A
/// call that is dropped without an answer fails with `internal`, so that no caller waits in vain.
package struct RPCCall: Sendable {
    package let method: RPCMethod
    package let body: ArraySlice<UInt8>
    /// When the caller stops waiting; work beyond it is wasted.
    package let deadline: ContinuousClock.Instant
    private let interest: CallInterest
    private let answer: CallAnswer

    init(
        _ request: RequestFrame, deadline: ContinuousClock.Instant, interest: CallInterest,
        answer: CallAnswer
    ) {
        method = request.method
        body = request.body
        self.deadline = deadline
        self.interest = interest
        self.answer = answer
    }

    /// Whether the caller still waits: false after it cancelled, went away or ran out of time.
    package var isWanted: Bool { interest.exists && ContinuousClock.now < deadline }

    package func reply(_ body: [UInt8]) { answer.send(.ok, body) }

    package func fail(_ error: RPCError) {
        // A status that never travels would confuse the caller about its own connection.
        let status = error.status == .connectionLost ? .unavailable : error.status
        answer.send(status == .ok ? .internal : status, Array(error.message.utf8))
    }
}

extension RPCCall {
    /// The body as the message that the method carries.
    package func message<M: Message>(_ type: M.Type) throws(RPCError) -> M {
        do {
            return try M(decoding: body)
        } catch {
            throw RPCError(malformed: "\(method) request", error)
        }
    }

    package func reply(_ message: some Message) { reply(message.encoded()) }

    package func failUnknownMethod() {
        fail(RPCError(.unknownMethod, "this node does not know \(method)"))
    }
}

/// Whether anybody still waits for a call's answer.
final class CallInterest: Sendable {
    private let isLost = Atomic(false)

    var exists: Bool { !isLost.load(ordering: .relaxed) }
    func lose() { isLost.store(true, ordering: .relaxed) }
}

/// The one answer of a call, on its way to the connection's loop.
final class CallAnswer: Sendable {
    typealias Send = @Sendable (RPCStatus, [UInt8]) -> Void

    private let isSent = Atomic(false)
    private let loop: EventLoop
    private let sendOnLoop: Send

    init(loop: EventLoop, sendOnLoop: @escaping Send) {
        self.loop = loop
        self.sendOnLoop = sendOnLoop
    }

    deinit {
        send(.internal, Array("the node dropped the call without an answer".utf8))
    }

    func send(_ status: RPCStatus, _ body: [UInt8]) {
        guard !isSent.exchange(true, ordering: .relaxed) else { return }
        loop.execute { [sendOnLoop] in sendOnLoop(status, body) }
    }
}
