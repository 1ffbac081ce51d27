// Tells somebody that a file is there: a message to a command, as `sendmail -t` takes it.

internal import Base
internal import EventLoop
internal import Logging
internal import Model
internal import Query

/// Hands messages to the command that the settings name.
struct Mailer {
    let files: ExtractionFiles
    let loop: EventLoop
    let logger: Logger

    /// Tells of an extraction that has ended, some times over if the command fails. False: this
    /// server ends, and the next one has to.
    func tell(of job: ExtractionJob) async -> Bool {
        var backoff = Backoff(first: files.configuration.firstPause * 5, limit: .seconds(60))
        var random = SystemRandomNumberGenerator()
        for attempt in 1...Limits.mailAttemptsMax {
            do {
                try await send(job)
                return true
            } catch {
                logger.warning(
                    "mail could not be handed over",
                    metadata: [
                        LogKeys.projectID: "\(job.project)", LogKeys.attempt: "\(attempt)",
                        LogKeys.reason: "\(error)",
                    ])
            }
            guard attempt < Limits.mailAttemptsMax else { break }
            do { try await Task.sleep(for: backoff.next(using: &random)) } catch { return false }
        }
        return true
    }

    private struct CommandFailed: Error, CustomStringConvertible { var description: String }

    private func send(_ job: ExtractionJob) async throws {
        guard let command = files.configuration.mailCommand.first else {
            throw CommandFailed(description: "the setting query.mail_command is not set")
        }
        let message = try await files.write(message: Self.message(job, files), of: job.token)
        let result: ExitStatus
        do {
            let child = try await ChildProcess.spawn(
                executable: command, arguments: Array(files.configuration.mailCommand.dropFirst()),
                standardInputFile: message,
                standardErrorFile: files.configuration.directory + "/mail.log", on: loop)
            // Also what it has started itself.
            let timer = loop.schedule(after: files.configuration.mailTimeout) {
                child.signalGroup(.kill)
            }
            result = await child.exitStatus()
            timer.cancel()
        } catch {
            await files.removeMessage(of: job.token)
            throw error
        }
        await files.removeMessage(of: job.token)
        guard result == .exited(0) else {
            throw CommandFailed(description: "\(command): \(result)")
        }
    }

    /// Nothing in the head comes from elsewhere but the address, which can end no line.
    static func message(_ job: ExtractionJob, _ files: ExtractionFiles) -> [UInt8] {
        var subject = "Your extraction is ready"
        var lines: [String]
        let collection = job.parameters.collectionText
        switch job.state {
        case .failed(_, let code, let message):
            subject = "Your extraction failed"
            lines = ["The extraction of '\(collection)' failed: \(message) (\(code))"]
        default:
            lines = [
                "The events of '\(collection)' that you asked for are at", "",
                files.url(of: job.token), "",
                "Whoever knows this address can read them. They are kept until "
                    + files.end(of: job).description + ".",
            ]
        }
        lines.append("The extraction was asked for at \(job.made).")
        let head = [
            "To: \(job.delivery.email ?? "")", "Subject: \(subject)", "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit",
            "Auto-Submitted: auto-generated",
        ]
        return Array((head + [""] + lines).joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
    }
}

extension ExtractionFiles {
    /// When a file goes.
    func end(of job: ExtractionJob) -> Timestamp {
        let age = configuration.age.components
        return Timestamp(
            milliseconds: job.made.milliseconds + age.seconds * 1000
                + age.attoseconds / 1_000_000_000_000_000)
    }
}
