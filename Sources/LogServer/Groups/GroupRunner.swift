// Runs the table of groups: one loop, one request after the other, so that commits reach the
// offsets topic in the order in which they were decided. The lock is there for `load` and for the
// compiler; on the loop nobody else wants it. Replies, appends and log lines come after it.

internal import Base
internal import CoreMetrics
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Metrics
internal import Synchronization

/// The state of the coordinator and the loop that it lives on.
final class GroupRunner: Sendable {
    typealias Reply<Response> = GroupCoordinator.Reply<Response>
    /// What is left to do when the lock is open.
    typealias Effect = @Sendable () -> Void

    private let offsetsLog: any OffsetsLog
    private let loop: EventLoop
    private let logger: Logger
    private let metrics = GroupMetrics()
    private let state: Mutex<State>

    init(table: GroupTable, offsets: any OffsetsLog, loop: EventLoop, logger: Logger) {
        offsetsLog = offsets
        self.loop = loop
        self.logger = logger
        state = Mutex(State(table: table))
        startTimers(retention: table.configuration.retentionCheckInterval)
    }

    /// What the lock guards.
    struct State: Sendable {
        var table: GroupTable
        var joins: [GroupRequestID: Reply<JoinGroupResponse>] = [:]
        var syncs: [GroupRequestID: Reply<SyncGroupResponse>] = [:]
        /// Requests whose answers wait for an append.
        var appends: [AppendID: WaitingAppend] = [:]
        /// The next call of `wake` for each group that has a deadline.
        var wakeUps: [String: WakeUp] = [:]
        var timers: [LoopTimer] = []
        var isShutDown = false
        private var lastRequest: UInt64 = 0

        init(table: GroupTable) { self.table = table }

        mutating func nextRequest() -> GroupRequestID {
            lastRequest += 1
            return GroupRequestID(number: lastRequest)
        }
    }

    struct WaitingAppend: Sendable {
        let deadline: Duration
        let answer: @Sendable (KafkaErrorCode) -> Void
    }

    struct WakeUp: Sendable {
        let at: Duration
        let timer: LoopTimer
    }

    /// Applies what the offsets topic holds; returns when that is done.
    func load(_ entry: OffsetsEntry) {
        let time = GroupTime.current
        let records: [OffsetsRecord]
        var producer: TransactionProducer?
        switch entry {
        case .records(let own): records = own
        case .pending(let own, let writer): (records, producer) = (own, writer)
        case .end(let marker):
            return state.withLock { state in
                state.table.endTransaction(marker, at: time)
                _ = state.table.takeActions()
            }
        }
        let bad = state.withLock { state in
            let bad = records.count { !state.table.load($0, in: producer, at: time) }
            // Nothing that a record brings back has a deadline or an answer to give.
            _ = state.table.takeActions()
            metrics.groups.record(state.table.groups.count)
            return bad
        }
        guard bad > 0 else { return }
        logger.warning(
            "records of the offsets topic are not readable",
            metadata: [
                GroupLogKeys.badRecordCount: "\(bad)",
                GroupLogKeys.recordCount: "\(records.count)",
            ])
    }

    /// Answers everything that waits; from then on there are no groups.
    func shutdown() {
        run { state, time in
            state.isShutDown = true
            state.table.shutdown(at: time)
            for armed in state.wakeUps.values { armed.timer.cancel() }
            for timer in state.timers { timer.cancel() }
            state.wakeUps = [:]
            state.timers = []
            let waiting = state.appends.values
            state.appends = [:]
            return { for append in waiting { append.answer(.coordinatorNotAvailable) } }
        }
    }

    // MARK: Running

    /// Changes the state on the loop, then does what it asks for. What `body` returns comes last.
    func run(_ body: @escaping @Sendable (inout State, GroupTime) -> Effect?) {
        loop.execute { [self] in
            let time = GroupTime.current
            let effects = state.withLock { state in
                let last = body(&state, time)
                var effects: [Effect] = []
                for action in state.table.takeActions() {
                    if let effect = effect(of: action, &state, time) { effects.append(effect) }
                }
                if let last { effects.append(last) }
                metrics.groups.record(state.table.groups.count)
                return effects
            }
            for effect in effects { effect() }
        }
    }

    /// Answers what can be answered at once.
    func answer<Response: Sendable>(
        _ reply: @escaping Reply<Response>, _ unavailable: Response,
        _ body: @escaping @Sendable (inout GroupTable, GroupTime) -> Response
    ) {
        run { state, time in
            let response = state.isShutDown ? unavailable : body(&state.table, time)
            return { reply(response) }
        }
    }

    /// Answers what may have to wait for an append.
    func answerLater<Response: Sendable>(
        _ reply: @escaping Reply<Response>, _ unavailable: Response,
        failing: @escaping @Sendable (Response, KafkaErrorCode) -> Response,
        _ body: @escaping @Sendable (inout GroupTable, GroupTime) -> GroupAnswer<Response>
    ) {
        run { state, time in
            guard !state.isShutDown else { return { reply(unavailable) } }
            let answer = body(&state.table, time)
            guard let append = answer.append else { return { reply(answer.response) } }
            let deadline = time.now + state.table.configuration.commitTimeout
            state.appends[append] = WaitingAppend(deadline: deadline) { error in
                reply(error == .none ? answer.response : failing(answer.response, error))
            }
            return nil
        }
    }

    private func effect(
        of action: GroupTableAction, _ state: inout State, _ time: GroupTime
    ) -> Effect? {
        switch action {
        case .joined(let id, let response):
            guard let reply = state.joins.removeValue(forKey: id) else { return nil }
            return { reply(response) }
        case .synced(let id, let response):
            guard let reply = state.syncs.removeValue(forKey: id) else { return nil }
            return { reply(response) }
        case .append(let id, let records, let producer):
            return { [self] in append(records, in: producer, id) }
        case .wake(let groupID, let deadline):
            arm(groupID, at: deadline, &state, time)
            return nil
        case .note(let note):
            return { [self] in log(note) }
        }
    }

    // MARK: Deadlines

    private func arm(
        _ groupID: String, at deadline: Duration, _ state: inout State, _ time: GroupTime
    ) {
        if let armed = state.wakeUps[groupID] {
            guard deadline < armed.at else { return }
            armed.timer.cancel()
        }
        let timer = loop.schedule(after: deadline - time.now) { [self] in
            run { state, time in
                // A timer that was cancelled too late finds another in its place.
                guard state.wakeUps[groupID]?.at == deadline else { return nil }
                state.wakeUps[groupID] = nil
                state.table.wake(groupID, at: time)
                return nil
            }
        }
        state.wakeUps[groupID] = WakeUp(at: deadline, timer: timer)
    }

    private func startTimers(retention interval: Duration) {
        let retention = loop.schedule(after: interval, repeating: interval) { [weak self] in
            self?.run { state, time in
                if !state.isShutDown { state.table.expire(at: time) }
                return nil
            }
        }
        let lateness = loop.schedule(after: .seconds(1), repeating: .seconds(1)) { [weak self] in
            self?.answerLateAppends()
        }
        state.withLock { $0.timers = [retention, lateness] }
    }

    // MARK: Appends

    private func append(
        _ records: [OffsetsRecord], in producer: TransactionProducer?, _ id: AppendID
    ) {
        offsetsLog.append(records, in: producer) { [self] error in
            run { [self] state, time in
                state.table.appended(id, isDurable: error == .none, at: time)
                let waiting = state.appends.removeValue(forKey: id)
                return { [self] in
                    if error != .none, !error.isOfTransaction { logFailedAppend(error) }
                    waiting?.answer(error.ofFailedAppend)
                }
            }
        }
    }

    /// A disk that hangs must not hang the clients: they learn that the outcome is not known.
    private func answerLateAppends() {
        run { state, time in
            let late = state.appends.filter { $0.value.deadline <= time.now }
            guard !late.isEmpty else { return nil }
            for id in late.keys { state.appends[id] = nil }
            return { for append in late.values { append.answer(.requestTimedOut) } }
        }
    }

    // MARK: Log lines

    private func logFailedAppend(_ error: KafkaErrorCode) {
        metrics.failedAppends.increment()
        logger.error(
            "appending to the offsets topic failed",
            metadata: [GroupLogKeys.reason: "\(error.text)"])
    }

    private func log(_ note: GroupNote) {
        switch note {
        case .rebalancing(let group, let reason):
            logger.info(
                "group rebalances",
                metadata: [GroupLogKeys.group: "\(group)", GroupLogKeys.reason: "\(reason)"])
        case .generation(let group, let number, let members):
            metrics.generations.increment()
            logger.info(
                "group has a new generation",
                metadata: [
                    GroupLogKeys.group: "\(group)", GroupLogKeys.generation: "\(number)",
                    GroupLogKeys.memberCount: "\(members)",
                ])
        case .expired(let group, let member):
            metrics.expiredMembers.increment()
            logger.info(
                "member of a group has expired",
                metadata: [GroupLogKeys.group: "\(group)", GroupLogKeys.member: "\(member)"])
        case .tooLargeToWrite(let group, let bytes):
            logger.warning(
                "group is too large to be written down",
                metadata: [GroupLogKeys.group: "\(group)", GroupLogKeys.recordBytes: "\(bytes)"])
        }
    }
}

extension GroupTime {
    /// Now, by the machine's clocks.
    fileprivate static var current: GroupTime {
        GroupTime(
            now: .nanoseconds(Int64(clamping: monotonicNanoseconds())),
            wallMilliseconds: wallClockMilliseconds())
    }
}

extension KafkaErrorCode {
    /// What clients are told about the outcome of an append: they know what to do about these.
    fileprivate var ofFailedAppend: KafkaErrorCode {
        switch self {
        case .none: .none
        case .messageTooLarge: .invalidCommitOffsetSize
        default: isOfTransaction ? self : .coordinatorNotAvailable
        }
    }

    /// The transaction is over, or another producer's.
    fileprivate var isOfTransaction: Bool {
        self == .invalidProducerEpoch || self == .invalidProducerIDMapping
            || self == .invalidTransactionState
    }
}
