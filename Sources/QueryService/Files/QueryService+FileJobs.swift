// How extractions become files: each is read page by page, as one that is answered at once, and
// written as it is read. A storage node that is away is waited for; a server that ends leaves what
// it had not done to the next start.

internal import Base
internal import Compression
package import EventLoop
internal import Logging
internal import Model
internal import Query

extension QueryService {
    /// Makes files of the extractions that were asked for, until the task is cancelled; then closes
    /// the directory. `loop` keeps the time and starts the mail command.
    package func makeFiles(on loop: EventLoop) async {
        guard let files else { return }
        await withTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    await files.removeExpired(at: self.configuration.now())
                    // Cancelled: the loop's condition says so.
                    try? await Task.sleep(for: Self.expiryInterval)
                }
            }
            for await _ in files.wakeups {
                while let job = files.take() {
                    group.addTask {
                        await self.make(job, files, loop)
                        files.leave(job.token)
                    }
                }
            }
            group.cancelAll()
        }
        await files.close()
    }

    /// How soon files go once they are too old (a choice).
    private static let expiryInterval = Duration.seconds(10)

    private func make(_ job: ExtractionJob, _ files: ExtractionFiles, _ loop: EventLoop) async {
        var job = job
        do {
            if job.isWaiting {
                job.starts += 1
                try await files.save(job)
                job.state = try await outcome(of: job, files, loop)
                // Ended in order: this start does not count, and the next server begins anew.
                if Task.isCancelled, job.isWaiting { job.starts -= 1 }
                try await files.save(job)
            }
            guard !job.isWaiting, job.owesMail, !Task.isCancelled else { return }
            guard await Mailer(files: files, loop: loop, logger: logger).tell(of: job) else {
                return
            }
            job.owesMail = false
            try await files.save(job)
        } catch {
            // The disk: what is there says how far it was, and the next start goes on from there.
            logger.error(
                "an extraction to a file cannot be kept",
                metadata: [
                    LogKeys.projectID: "\(job.project)", LogKeys.reason: "\(error)",
                ])
        }
    }

    /// How an extraction ends. Waiting: not at all, because this server ends.
    private func outcome(
        of job: ExtractionJob, _ files: ExtractionFiles, _ loop: EventLoop
    ) async throws -> ExtractionJob.State {
        guard job.starts <= Limits.fileStartsMax else {
            return .failed(
                status: 500, code: QueryError.Code.internalError.rawValue,
                message: "the server ended \(Limits.fileStartsMax) times while it ran")
        }
        let deadline = ContinuousClock.now + .seconds(Limits.filePatienceSeconds)
        var backoff = Backoff(first: files.configuration.firstPause, limit: .seconds(30))
        var random = SystemRandomNumberGenerator()
        while true {
            let began = ContinuousClock.now
            do {
                let bytes = try await write(job, files, loop)
                metrics.record(.extraction, .answered, .now - began)
                return .done(bytes: bytes)
            } catch {
                await files.discard(job.token)
                if Task.isCancelled { return .waiting }
                let failure = QueryFailure(error)
                let mayPass = [.unavailable, .timedOut, .refused].contains(failure.outcome)
                if mayPass, failure.code != QueryFailure.filesFull.code, .now < deadline {
                    // Cancelled: the next attempt says so.
                    try? await Task.sleep(for: backoff.next(using: &random))
                    continue
                }
                metrics.record(.extraction, failure.outcome, .now - began)
                logger.notice(
                    "an extraction to a file failed",
                    metadata: [
                        LogKeys.projectID: "\(job.project)", LogKeys.reason: "\(error)",
                    ])
                return .failed(
                    status: failure.status, code: failure.code, message: failure.message)
            }
        }
    }

    /// Writes the file; its bytes.
    private func write(
        _ job: ExtractionJob, _ files: ExtractionFiles, _ loop: EventLoop
    ) async throws -> Int {
        let extraction = try PreparedExtraction(
            project: job.project, parameters: job.parameters, now: job.made, zones: zones,
            eventsMax: Limits.extractionStreamedEventsMax)
        let file = try await files.begin(job.token)
        var run = ExtractionRun(self, extraction, job.delivery.format)
        var byteCount = 0
        repeat {
            try Task.checkCancellation()
            var part = try await run.next(time(on: loop))
            // Members of gzip, one after the other, are gzip.
            if job.delivery.isCompressed { part.bytes = try BatchCodec.gzip.compress(part.bytes) }
            byteCount += part.bytes.count
            try await files.append(
                part.bytes, events: part.eventCount, to: file, of: job.token)
        } while !run.isDone
        try await files.finish(file, of: job.token)
        return byteCount
    }
}
