// Extractions that become files, as clients see them.
//
//   GET|POST /3.0/projects/P/queries/extraction with `email` or `file`      answered at once
//   GET      /3.0/files/TOKEN              the file; 202 while there is none; no key: who knows the
//                                          token may have it

internal import Base
internal import HTTP
internal import JSON
internal import Logging
internal import Model
internal import Query

extension QueryService {
    func mountFiles(on router: inout Router) {
        serve(.get, "/3.0/files/:token", on: &router) { try await $0.file($1, $2) }
    }

    /// Takes an extraction on and says so.
    func extractLater(
        _ parameters: Parameters, _ delivery: ExtractionDelivery, _ project: ProjectID
    ) async throws -> HTTPResponse {
        guard let files else {
            throw QueryError(
                .notSupported, "this server keeps no files: the setting query.files is not set")
        }
        if delivery.email != nil {
            guard !files.configuration.mailCommand.isEmpty else {
                throw QueryError(
                    .notSupported,
                    "this server sends no mail: the setting query.mail_command is not set")
            }
        }
        let parameters = parameters.withoutDelivery
        let now = configuration.now()
        // What is wrong is said now.
        _ = try PreparedExtraction(
            project: project, parameters: parameters, now: now, zones: zones,
            eventsMax: Limits.extractionStreamedEventsMax)
        let job = ExtractionJob(
            project: project, parameters: parameters, delivery: delivery, made: now)
        try await files.add(job)
        // The first text is Keen's, to the letter.
        let result =
            delivery.email != nil
            ? "Processing. Check the specified email for the extraction results."
            : "Processing. The file is at its url when it is done."
        let answer: JSONValue = [
            "result": .string(result), "file": ["url": .string(files.url(of: job.token))],
        ]
        return .json(answer.encoded)
    }

    private func file(
        _ context: QueryContext, _ responder: HTTPResponder
    ) async throws -> HTTPResponse? {
        let token = context.part("token")
        guard let files, let job = files.job(token) else {
            throw QueryError(
                .notFound, "Resource not found: there is no such file, or it was too old")
        }
        switch job.state {
        case .failed(let status, let code, let message):
            return .error(status: status, message: message, code: code)
        case .waiting:
            let written = files.progress(of: token)
            let answer: JSONValue = [
                "status": written == nil ? "waiting" : "running",
                "events": .int(Int64(written?.events ?? 0)),
            ]
            var response = HTTPResponse.json(status: 202, answer.encoded)
            response.headers.append((name: "Retry-After", value: "1"))
            return response
        case .done:
            try await send(job, from: files, responder)
            return nil
        }
    }

    private func send(
        _ job: ExtractionJob, from files: ExtractionFiles, _ responder: HTTPResponder
    ) async throws {
        guard let file = try? await files.open(job.token) else {
            throw QueryError(.notFound, "Resource not found: the file has been removed")
        }
        let stream = responder.stream(
            HTTPResponse(
                status: 200,
                headers: [
                    (name: "Content-Type", value: job.contentType),
                    (
                        name: "Content-Disposition",
                        value: "attachment; filename=\"\(job.fileName)\""
                    ),
                ]))
        do {
            var offset = 0
            while true {
                let piece = try await files.read(file, at: offset)
                offset += piece.count
                guard !piece.isEmpty, await stream.send(piece) else { break }
            }
            stream.finish()
        } catch {
            // The head has left: the answer cannot say it any more.
            stream.abort()
            logger.error(
                "a file cannot be read", metadata: [LogKeys.reason: "\(error)"])
        }
    }
}

extension ExtractionFiles {
    func url(of token: String) -> String { "\(configuration.publicURL)/3.0/files/\(token)" }
}
