// The keys under which this library logs.

enum LogKeys {
    static let path = "request.path"
    static let status = "response.status"
    static let reason = "reason"
    static let projectID = "project.id"
    static let queryName = "query.name"
    static let attempt = "mail.attempt"
    static let zoneName = "zone.name"
}
