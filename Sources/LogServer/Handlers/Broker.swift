// What all handlers share, and what they are given. A handler is called on the loop of its
// connection, must not block there, and answers once, from any thread.

internal import Base
internal import EventLoop
internal import KafkaWire
internal import Logging
internal import Synchronization

/// Who asks, and in which version.
struct RequestContext: Sendable {
    var version: Int16
    var client: GroupClient
    /// The connection's loop.
    var loop: EventLoop
    /// Whether the answer may have records in files.
    var takesFiles = false
    /// Set when the connection closes before the answer.
    var interest: RequestInterest
    /// What the client is told to connect to.
    var advertised: HostPort
}

/// Tells a request that waits that nobody wants its answer any more.
final class RequestInterest: Sendable {
    private let state = Mutex<(isLost: Bool, body: (@Sendable () -> Void)?)>((false, nil))

    /// Whether somebody has asked to be told, so nothing would be lost with the answer.
    var isWaiting: Bool { state.withLock { $0.body != nil } }

    /// Calls `body` once when the connection closes; at once if it has closed already.
    func whenLost(_ body: @escaping @Sendable () -> Void) {
        let isLost = state.withLock { state in
            if !state.isLost { state.body = body }
            return state.isLost
        }
        if isLost { body() }
    }

    /// The answer has been given.
    func fulfil() { state.withLock { $0.body = nil } }

    func lose() {
        let body = state.withLock { state in
            defer { state = (true, nil) }
            return state.body
        }
        body?()
    }
}

/// How a request ends.
enum Answer<Response: Sendable>: Sendable {
    case response(Response)
    /// An answer whose records are in files: as many parts as there are records `elsewhere`.
    case withFiles(Response, [FilePart])
    /// The client wants no answer (acks = 0).
    case silence
    /// The connection is closed: the only way to tell a client that wants no answer.
    case close
}

typealias Reply<Response: Sendable> = @Sendable (Answer<Response>) -> Void

/// The server behind its connections.
final class Broker: Sendable {
    let configuration: LogServerConfiguration
    /// Defaults of topic settings that the configuration changes.
    let topicDefaults: [String: String]
    let topics: TopicTable
    let identity: ServerIdentity
    let groups: GroupCoordinator
    let transactions: TransactionCoordinator
    /// Which batches of transactions are taken.
    let gate: TransactionGate
    /// Why groups are not served, if so.
    let groupsDamage: String?
    /// Why transactions are not served, if so.
    let transactionsDamage: String?
    /// Reads for fetches and lookups.
    let readers: BlockingPool
    /// Changes of topics, one at a time.
    let control: BlockingPool
    let logger: Logger
    let metrics: LogServerMetrics
    /// Bytes of answers that clients are slow to take.
    let unsentBytes = Atomic(0)
    let users: UserTable
    /// Checks passwords, which takes long; nil where clients are not asked who they are.
    let passwords: BlockingPool?
    let securityLog: SecurityLog

    init(
        configuration: LogServerConfiguration, topics: TopicTable, identity: ServerIdentity,
        groups: GroupCoordinator, groupsDamage: String?, transactions: TransactionCoordinator,
        gate: TransactionGate, transactionsDamage: String?, users: UserTable,
        readers: BlockingPool, control: BlockingPool, passwords: BlockingPool?,
        metrics: LogServerMetrics, logger: Logger
    ) {
        self.configuration = configuration
        topicDefaults = configuration.topicDefaults
        self.topics = topics
        self.identity = identity
        self.groups = groups
        self.groupsDamage = groupsDamage
        self.users = users
        self.passwords = passwords
        securityLog = SecurityLog(logger: logger)
        self.transactions = transactions
        self.gate = gate
        self.transactionsDamage = transactionsDamage
        self.readers = readers
        self.control = control
        self.metrics = metrics
        self.logger = logger
    }

    /// Whether clients have to say who they are.
    var asksForUsers: Bool { passwords != nil }

    var nodeID: Int32 { configuration.nodeID }

    /// Runs `body` on a pool; a full pool closes the connection, which makes the client slow down
    /// and come again.
    func run<Response>(
        on pool: BlockingPool, _ reply: @escaping Reply<Response>,
        _ body: @escaping @Sendable () -> Response
    ) {
        answer(on: pool, reply) { .response(body()) }
    }

    /// The same for a body that makes the answer itself.
    func answer<Response>(
        on pool: BlockingPool, _ reply: @escaping Reply<Response>,
        _ body: @escaping @Sendable () -> Answer<Response>
    ) {
        if !pool.submit({ reply(body()) }) { reply(.close) }
    }
}

/// The elements without those whose key has come before.
func unique<Element, Key: Hashable>(
    _ elements: [Element], by key: (Element) -> Key
) -> [Element] {
    var seen: Set<Key> = []
    return elements.filter { seen.insert(key($0)).inserted }
}

/// Collects a fixed number of results from any threads and hands them over together, in order.
final class Gather<Element: Sendable>: Sendable {
    private let state: Mutex<(elements: [Element?], missing: Int)>
    private let completion: @Sendable ([Element]) -> Void

    /// With a count of zero the completion comes at once.
    init(count: Int, completion: @escaping @Sendable ([Element]) -> Void) {
        state = Mutex(([Element?](repeating: nil, count: count), count))
        self.completion = completion
        if count == 0 { completion([]) }
    }

    /// Gives one result; each index once.
    func set(_ index: Int, _ element: Element) {
        let all = state.withLock { state -> [Element]? in
            precondition(state.elements[index] == nil, "result \(index) came twice")
            state.elements[index] = element
            state.missing -= 1
            return state.missing == 0 ? state.elements.compactMap(\.self) : nil
        }
        if let all { completion(all) }
    }
}
