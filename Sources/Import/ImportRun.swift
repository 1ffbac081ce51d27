// Sends a file to the collectors: reads batches on a thread of its own, keeps several requests on
// their way, and accounts for every line.
//
// Memory is bounded by the requests in flight times the size of a batch.

internal import Base
internal import EventLoop
package import HTTP
internal import Synchronization

/// What to import, and how.
package struct ImportOptions: Sendable {
    /// `-` is standard input, which like any pipe cannot be resumed.
    package var path: String
    package var format: ImportFormat
    /// CSV columns whose values stay text.
    package var textColumns: Set<String> = []
    package var target: ImportTarget
    package var patience = ImportPatience()
    package var batchEvents = Limits.importBatchEvents
    package var batchBytes = Limits.importBatchBytes
    package var requestsInFlight = Limits.importRequestsInFlight
    package var statePath: String
    package var rejectedPath: String
    /// Whether the state stays when all is done, so that the same import does nothing again.
    package var keepsState = false

    package init(path: String, target: ImportTarget) {
        self.path = path
        self.target = target
        format = ImportFormat(path: path)
        let name = path == "-" ? "stdin" : path
        statePath = name + ".millrace-import"
        rejectedPath = name + ".rejected"
    }
}

/// How far an import is.
package struct ImportProgress: Sendable, Equatable {
    package var totals: ImportTotals
    /// Bytes of the file; nil for standard input.
    package var size: Int64?
    package var elapsed: Duration
    /// Bytes of the file that earlier runs had done.
    package var resumedAt: Int64 = 0
    /// Why events wait to be sent again; nil while all goes well.
    package var trouble: String?

    package init(totals: ImportTotals, size: Int64?, elapsed: Duration) {
        self.totals = totals
        self.size = size
        self.elapsed = elapsed
    }
}

/// How an import ended.
package struct ImportSummary: Sendable, Equatable {
    package enum End: Sendable, Equatable {
        case complete
        /// An earlier run has done everything.
        case alreadyComplete
        /// `stop` was called before the end.
        case stopped
        case failed(ImportError)
    }

    package var end: End
    package var totals: ImportTotals
    /// Events that earlier runs had acknowledged.
    package var earlierEvents: Int64
    package var elapsed: Duration
}

/// One run of an import.
package final class ImportRun: Sendable {
    private let options: ImportOptions
    private let client: HTTPClient
    private let seed: UInt64
    private let stopping = Atomic(false)

    /// `seed` decides the jitter between attempts.
    package init(_ options: ImportOptions, client: HTTPClient, seed: UInt64) {
        self.options = options
        self.client = client
        self.seed = seed
    }

    /// Reads no further; what is on its way is finished and accounted for. Any thread.
    package func stop() { stopping.store(true, ordering: .relaxed) }

    /// Imports until the end of the input, a failure or `stop`. `report` is called from any thread
    /// after every batch, and when one has to be sent again. Throws what prevents the beginning.
    package func run(
        report: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) async throws -> ImportSummary {
        let begin = ContinuousClock.now
        let ledger = try makeLedger()
        let earlier = ledger.state
        if earlier?.isComplete == true {
            return summary(.alreadyComplete, ledger, earlier, since: begin)
        }
        let reader = try SharedReader(options, done: earlier?.done ?? LineRanges())
        let pool = try BlockingPool(name: "import", threads: 1, queueMax: 1)
        let isAtEnd = await pump(reader, pool, ledger) {
            var progress = ImportProgress(
                totals: ledger.totals, size: reader.size, elapsed: ContinuousClock.now - begin)
            progress.resumedAt = reader.resumedAt
            progress.trouble = ledger.trouble
            report(progress)
        }
        await pool.shutdown()
        if isAtEnd, ledger.failure == nil { ledger.complete(keepsState: options.keepsState) }
        let end: ImportSummary.End =
            ledger.failure.map { .failed($0) } ?? (isAtEnd ? .complete : .stopped)
        return summary(end, ledger, earlier, since: begin)
    }

    private func makeLedger() throws -> ImportLedger {
        guard !isPipe(options.path) else {
            return try ImportLedger(
                stateFile: nil, identity: nil, rejectedPath: options.rejectedPath)
        }
        let identity = try ImportIdentity(
            path: options.path, project: options.target.project,
            collection: options.target.collection, format: options.format)
        return try ImportLedger(
            stateFile: ImportStateFile(path: options.statePath), identity: identity,
            rejectedPath: options.rejectedPath)
    }

    private func summary(
        _ end: ImportSummary.End, _ ledger: ImportLedger, _ earlier: ImportState?,
        since begin: ContinuousClock.Instant
    ) -> ImportSummary {
        ImportSummary(
            end: end, totals: ledger.totals, earlierEvents: earlier?.events ?? 0,
            elapsed: ContinuousClock.now - begin)
    }

    /// Reads and sends; returns whether the input was read to its end.
    private func pump(
        _ reader: SharedReader, _ pool: BlockingPool, _ ledger: ImportLedger,
        _ report: @escaping @Sendable () -> Void
    ) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            var inFlight = 0
            var number = 0
            var isAtEnd = false
            while !isAtEnd, !isStopping(ledger) {
                if inFlight == options.requestsInFlight {
                    await group.next()
                    inFlight -= 1
                    continue
                }
                do {
                    switch try await pool.run({ try reader.next() }) {
                    case .nothingYet: break
                    case .end: isAtEnd = true
                    case .batch(let batch):
                        let turn = number
                        group.addTask {
                            await self.deliver(batch, number: turn, ledger, report)
                            report()
                        }
                        inFlight += 1
                        number += 1
                    }
                } catch {
                    ledger.fail((error as? ImportError) ?? ImportError(.input, "\(error)"))
                }
            }
            await group.waitForAll()
            return isAtEnd
        }
    }

    private func isStopping(_ ledger: ImportLedger) -> Bool {
        stopping.load(ordering: .relaxed) || ledger.failure != nil
    }

    private func deliver(
        _ batch: ImportBatch, number: Int, _ ledger: ImportLedger,
        _ report: @escaping @Sendable () -> Void
    ) async {
        var delivery = BatchDelivery(
            batch, number: number, to: options.target, options.patience, client: client,
            seed: seed
        ) { self.isStopping(ledger) }
        delivery.onTrouble = {
            ledger.note(trouble: $0)
            report()
        }
        ledger.record(batch, await delivery.run())
    }
}

/// The reader, handed from call to call of the one thread that runs it.
private final class SharedReader: Sendable {
    private let reader: Mutex<BatchReader>
    let size: Int64?
    private let resumed = Atomic<Int64>(0)

    /// See `BatchReader`; does not wait for a read that is under way.
    var resumedAt: Int64 { resumed.load(ordering: .relaxed) }

    init(_ options: ImportOptions, done: LineRanges) throws {
        let reader = try BatchReader(
            path: options.path, format: options.format, textColumns: options.textColumns,
            done: done, eventsMax: options.batchEvents, bytesMax: options.batchBytes)
        size = reader.size
        self.reader = Mutex(reader)
    }

    func next() throws -> NextBatch {
        try reader.withLock { reader in
            defer { resumed.store(reader.resumedAt, ordering: .relaxed) }
            return try reader.next()
        }
    }
}
