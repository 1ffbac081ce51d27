// The directory of extractions that are files: what waits, what runs, what is kept, how much of it,
// and until when.
//
//   TOKEN.job     what is to be done, or has been     TOKEN.part   a file that is being made
//   TOKEN.data    a file that is whole                TOKEN.mail   the message to the mail command

internal import Base
internal import EventLoop
internal import Model
internal import Query
internal import Synchronization

/// What a server that keeps files is told.
package struct ExtractionFilesConfiguration: Sendable {
    /// Nobody else's.
    package var directory: String
    package var bytesMax = Limits.filesBytesDefault
    package var age = Duration.milliseconds(Limits.filesAgeMilliseconds)
    /// Where clients reach this server, without a slash at its end; empty: unknown.
    package var publicURL = ""
    /// The command that takes a message on its standard input, and its arguments; empty: no mail.
    package var mailCommand: [String] = []
    package var mailTimeout = Duration.seconds(Limits.mailSeconds)
    /// The first wait after something failed that may work later.
    package var firstPause = Duration.seconds(1)

    package init(directory: String) { self.directory = directory }
}

/// The files of one query server. Any thread; every call that touches the disk runs in a pool.
package final class ExtractionFiles: Sendable {
    let configuration: ExtractionFilesConfiguration
    private let disk = LocalDisk()
    private let pool: BlockingPool
    private let lock: DirectoryLock
    private let state = Mutex(State())
    /// Something may have to be done.
    let wakeups: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    struct Written: Sendable {
        var events = 0
        var bytes = 0
    }

    private struct State {
        var jobs: [String: ExtractionJob] = [:]
        /// Tokens, the oldest first.
        var queue: [String] = []
        /// What those that run have written so far.
        var running: [String: Written] = [:]
        /// Bytes of all data on the disk, and of what is being written.
        var byteCount = 0
    }

    /// Opens the directory, makes it if there is none, takes up what an earlier server left and
    /// removes what it had begun. May block. Throws `DiskError`.
    package init(_ configuration: ExtractionFilesConfiguration) throws {
        self.configuration = configuration
        (wakeups, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        try disk.makeDirectory(configuration.directory)
        lock = try DirectoryLock(directory: configuration.directory)
        pool = try BlockingPool(name: "files", threads: 2, queueMax: 1024)
        try load()
        wake.yield()
    }

    func path(_ token: String, _ suffix: String) -> String {
        "\(configuration.directory)/\(token).\(suffix)"
    }

    private func load() throws {
        let names = try disk.names(in: configuration.directory)
        var jobs: [String: ExtractionJob] = [:]
        for name in names where name.hasSuffix(".job") {
            let token = String(name.dropLast(4))
            guard ExtractionJob.isToken(token), let bytes = try disk.read(path(token, "job")),
                let job = ExtractionJob(token: token, bytes)
            else { continue }
            jobs[token] = job
        }
        for name in names {
            let parts = name.split(separator: ".", maxSplits: 1)
            guard parts.count == 2, ExtractionJob.isToken(String(parts[0])) else { continue }
            let job = jobs[String(parts[0])]
            let isKept = parts[1] == "job" || (parts[1] == "data" && job?.isWaiting == false)
            if job == nil || !isKept { try disk.remove("\(configuration.directory)/\(name)") }
        }
        state.withLock { state in
            state.jobs = jobs
            let oldestFirst = jobs.values.sorted { ($0.made, $0.token) < ($1.made, $1.token) }
            state.queue = oldestFirst.filter { $0.isWaiting || $0.owesMail }.map(\.token)
            state.byteCount = jobs.values.reduce(0) { $0 + $1.byteCount }
        }
    }

    func close() async {
        wake.finish()
        await pool.shutdown()
    }

    // MARK: Jobs

    func job(_ token: String) -> ExtractionJob? { state.withLock { $0.jobs[token] } }

    /// What has been written so far; nil: it does not run.
    func progress(of token: String) -> Written? { state.withLock { $0.running[token] } }

    /// Takes a job on: it is on the disk when this returns. Throws if there is no room.
    func add(_ job: ExtractionJob) async throws {
        guard job.encoded.count <= Limits.fileJobBytesMax else {
            throw QueryError(
                .tooLarge, "an extraction to a file has at most \(Limits.fileJobBytesMax) bytes")
        }
        let isRoom = state.withLock { state in
            guard state.jobs.values.count(where: \.isWaiting) < Limits.filesWaitingMax,
                state.jobs.count < Limits.filesKeptMax,
                state.byteCount < configuration.bytesMax
            else { return false }
            state.jobs[job.token] = job
            return true
        }
        guard isRoom else { throw QueryFailure.filesFull }
        do { try await save(job) } catch {
            state.withLock { $0.jobs[job.token] = nil }
            throw error
        }
        state.withLock { $0.queue.append(job.token) }
        wake.yield()
    }

    /// The next job, if another one may run.
    func take() -> ExtractionJob? {
        state.withLock { state in
            while state.running.count < Limits.filesRunningMax, !state.queue.isEmpty {
                let token = state.queue.removeFirst()
                guard let job = state.jobs[token] else { continue }
                state.running[token] = Written()
                return job
            }
            return nil
        }
    }

    /// The job no longer runs; it is as it was saved last.
    func leave(_ token: String) {
        state.withLock { $0.running[token] = nil }
        wake.yield()
    }

    /// Writes a job as it is now.
    func save(_ job: ExtractionJob) async throws {
        try await pool.run { [self] in
            let temporary = path(job.token, "job.new")
            let file = try OpenFile(creating: temporary)
            try file.append(job.encoded)
            try file.sync()
            try disk.rename(temporary, to: path(job.token, "job"))
            try disk.syncDirectory(configuration.directory)
        }
        state.withLock { state in
            if state.jobs[job.token] != nil { state.jobs[job.token] = job }
        }
    }

    /// Forgets what is too old.
    func removeExpired(at now: Timestamp) async {
        let old = state.withLock { state in
            let old = state.jobs.values.filter {
                end(of: $0) <= now && state.running[$0.token] == nil
            }
            for job in old {
                state.jobs[job.token] = nil
                state.byteCount -= job.byteCount
            }
            return old
        }
        for job in old {
            // What cannot be removed now is found at the next start.
            try? await pool.run { [self] in
                try? disk.remove(path(job.token, "data"))
                try disk.remove(path(job.token, "job"))
            }
        }
    }

    // MARK: Data

    func begin(_ token: String) async throws -> OpenFile {
        try await pool.run { [self] in try OpenFile(creating: path(token, "part")) }
    }

    /// Adds to a file. Throws if all files together would have too many bytes.
    func append(_ bytes: [UInt8], events: Int, to file: OpenFile, of token: String) async throws {
        let isRoom = state.withLock { state in
            guard state.byteCount + bytes.count <= configuration.bytesMax else { return false }
            state.byteCount += bytes.count
            state.running[token]?.bytes += bytes.count
            state.running[token]?.events += events
            return true
        }
        guard isRoom else { throw QueryFailure.filesFull }
        try await pool.run { try file.append(bytes) }
    }

    /// The file is whole.
    func finish(_ file: OpenFile, of token: String) async throws {
        try await pool.run { [self] in
            try file.sync()
            try disk.rename(path(token, "part"), to: path(token, "data"))
        }
    }

    /// Takes back what was written of a file that will not be whole.
    func discard(_ token: String) async {
        state.withLock { state in
            state.byteCount -= state.running[token]?.bytes ?? 0
            state.running[token] = Written()
        }
        // One that is still there is overwritten, or removed at the next start.
        try? await pool.run { [self] in try disk.remove(path(token, "part")) }
    }

    func open(_ token: String) async throws -> OpenFile {
        try await pool.run { [self] in try OpenFile(reading: path(token, "data")) }
    }

    func read(_ file: OpenFile, at offset: Int) async throws -> [UInt8] {
        try await pool.run { try file.read(at: offset, count: Limits.filePieceBytes) }
    }

    /// Writes the message for the mail command; where it is.
    func write(message: [UInt8], of token: String) async throws -> String {
        try await pool.run { [self] in
            try OpenFile(creating: path(token, "mail")).append(message)
        }
        return path(token, "mail")
    }

    func removeMessage(of token: String) async {
        try? await pool.run { [self] in try disk.remove(path(token, "mail")) }
    }
}

extension ExtractionJob {
    fileprivate var byteCount: Int {
        guard case .done(let bytes) = state else { return 0 }
        return bytes
    }
}

extension QueryFailure {
    static let filesFull = QueryFailure(
        status: 503, code: "TooManyExtractionsError",
        message: "too many extractions wait, or the files of earlier ones have no room left",
        outcome: .refused, retryAfterSeconds: 60)
}
