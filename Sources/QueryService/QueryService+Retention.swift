// Retention: the scans of both steps at once, put together here.

internal import Model
internal import Query

extension QueryService {
    /// Throws whatever `QueryFailure` knows.
    func retention(
        _ parameters: Parameters, _ project: ProjectID, _ time: QueryTime
    ) async throws -> [UInt8] {
        let retention = try PreparedRetention(
            project: project, parameters: parameters, now: configuration.now(), zones: zones)
        let scans = try await scan(retention.plans, time)
        return try retention.finish(scans.map(\.result), elapsed: .now - time.started)
    }
}
