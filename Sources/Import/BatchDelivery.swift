// Brings one batch to the collectors: sends, sends again what was not taken, and halves what is not
// acceptable as a whole until the event that spoils it is alone.

internal import Base
internal import HTTP
internal import JSON

/// Where and as whom an import sends.
package struct ImportTarget: Sendable {
    /// `http://host:port` of each collector.
    package var collectors: [String]
    package var project: String
    package var writeKey: String
    package var collection: String

    package init(collectors: [String], project: String, writeKey: String, collection: String) {
        precondition(!collectors.isEmpty, "an import without a collector")
        self.collectors = collectors
        self.project = project
        self.writeKey = writeKey
        self.collection = collection
    }
}

/// How patient an import is.
package struct ImportPatience: Sendable {
    /// One request with its answer.
    package var requestTimeout = Duration.seconds(30)
    /// A batch that the collectors have not taken after this time is given up.
    package var giveUpAfter = Duration.seconds(120)
    package var backoffFirst = Duration.milliseconds(100)
    package var backoffLimit = Duration.seconds(5)

    package init() {}
}

/// What became of a batch.
struct DeliveryResult: Equatable {
    var rejected: [RejectedLine]
    /// Events that nobody acknowledged, by their index; some may have been taken all the same.
    var unsent: Set<Int> = []
    var failure: ImportError?
}

/// The way of one batch.
struct BatchDelivery {
    private let batch: ImportBatch
    private let target: ImportTarget
    private let patience: ImportPatience
    private let client: HTTPClient
    private let isStopping: @Sendable () -> Bool
    /// Hears why events must be sent again, before each pause.
    var onTrouble: @Sendable (String) -> Void = { _ in }
    private var random: PRNG
    private var backoff: Backoff
    /// Which collector is asked; the next one after a failure.
    private var turn: Int
    private var rejected: [RejectedLine] = []
    /// Groups of events still to be sent, each as one request.
    private var groups: [[Int]]

    /// `number` spreads batches over the collectors and seeds the jitter with `seed`.
    init(
        _ batch: ImportBatch, number: Int, to target: ImportTarget, _ patience: ImportPatience,
        client: HTTPClient, seed: UInt64, isStopping: @escaping @Sendable () -> Bool
    ) {
        self.batch = batch
        self.target = target
        self.patience = patience
        self.client = client
        self.isStopping = isStopping
        random = PRNG(seed: seed &+ UInt64(number))
        backoff = Backoff(first: patience.backoffFirst, limit: patience.backoffLimit)
        turn = number
        groups = batch.eventCount == 0 ? [] : [Array(0..<batch.eventCount)]
    }

    /// Sends until every event is acknowledged or rejected, or until it is hopeless.
    mutating func run() async -> DeliveryResult {
        let end = ContinuousClock.now + patience.giveUpAfter
        do throws(ImportError) {
            while let group = groups.popLast() { try await attempt(group, until: end) }
            return DeliveryResult(rejected: rejected)
        } catch {
            return DeliveryResult(
                rejected: rejected, unsent: Set(groups.flatMap(\.self)), failure: error)
        }
    }

    private mutating func attempt(
        _ group: [Int], until end: ContinuousClock.Instant
    ) async throws(ImportError) {
        switch await send(group) {
        case .results(let results):
            if let reason = take(results, of: group) { try await rest(reason, nil, until: end) }
        case .again(let reason, let seconds):
            groups.append(group)
            try await rest(reason, seconds, until: end)
        case .unacceptable(let reason): halve(group, reason)
        case .refused(let reason):
            groups.append(group)
            throw ImportError(.refused, "\(target.collectors[place]) refuses: \(reason)")
        }
    }

    private var place: Int { turn % target.collectors.count }

    private func send(_ group: [Int]) async -> BulkAnswer {
        var writer = JSONWriter(capacity: batch.byteCount + 256)
        writer.beginObject()
        writer.key(target.collection)
        writer.beginArray()
        for index in group { writer.raw(batch.event(index)) }
        writer.endArray()
        writer.endObject()
        do {
            let response = try await client.send(
                method: .post,
                url: "\(target.collectors[place])/3.0/projects/\(target.project)/events",
                headers: [
                    (name: "Authorization", value: target.writeKey),
                    (name: "Content-Type", value: "application/json"),
                ], body: writer.bytes, timeout: patience.requestTimeout)
            return BulkAnswer(response, collection: target.collection, eventCount: group.count)
        } catch { return .again("\(error)", afterSeconds: nil) }
    }

    /// Takes the results; returns why some events must be sent again, if some must.
    private mutating func take(_ results: [EventResult], of group: [Int]) -> String? {
        var left: [Int] = []
        var reason: String?
        for (index, result) in zip(group, results) {
            switch result {
            case .accepted: break
            case .rejected(let why): reject(index, why)
            case .again(let why):
                left.append(index)
                reason = why
            }
        }
        if left.count < group.count { backoff.reset() }
        if !left.isEmpty { groups.append(left) }
        return reason
    }

    private mutating func reject(_ index: Int, _ reason: String) {
        rejected.append(
            RejectedLine(
                line: batch.eventLines[index], reason: reason, text: Array(batch.event(index))))
    }

    private mutating func halve(_ group: [Int], _ reason: String) {
        guard group.count > 1 else { return reject(group[0], reason) }
        groups.append(Array(group[(group.count / 2)...]))
        groups.append(Array(group[..<(group.count / 2)]))
    }

    /// Waits before the next attempt, which goes to the next collector; throws when time is up.
    private mutating func rest(
        _ reason: String, _ seconds: Int?, until end: ContinuousClock.Instant
    ) async throws(ImportError) {
        turn += 1
        let asked = Duration.seconds(min(seconds ?? 0, Limits.importRetryAfterSecondsMax))
        let pause = max(backoff.next(using: &random), asked)
        guard !isStopping(), ContinuousClock.now + pause < end else {
            throw ImportError(.unsent, "the collector does not take events: \(reason)")
        }
        onTrouble(reason)
        // Cancelled or not, the next attempt shows what is possible.
        try? await Task.sleep(for: pause)
    }
}
