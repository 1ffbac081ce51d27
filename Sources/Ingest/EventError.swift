// Why an event was refused, in the words of the Keen API.

internal import Base
internal import JSON

/// A refused event: what single writes answer as `error_code` and `message`, and bulk writes as
/// `name` and `description`.
struct EventError: Error, Sendable, Equatable {
    let code: String
    /// What is wrong, for the person who sent it.
    private let reason: String
    /// The names from the event's root down to the mistake.
    private var path: [String] = []
    /// Longest path that is repeated to the client, in bytes. A choice.
    private static let pathBytesMax = 256

    init(_ code: String, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// The same mistake, seen from one object further out.
    func inside(_ name: JSONString) -> EventError {
        var outer = self
        outer.path.insert(name.text, at: 0)
        return outer
    }

    var message: String {
        guard !path.isEmpty else { return reason }
        let whole = path.joined(separator: ".")
        let text =
            whole.utf8.count <= Self.pathBytesMax
            ? whole : String(whole.prefix(Self.pathBytesMax / 4)) + "…"
        return "property '\(text)': \(reason)"
    }

    static func notJSON(_ error: JSONError) -> EventError {
        EventError("InvalidJSONError", "the body is not JSON that is accepted: \(error)")
    }
    static func event(_ reason: String) -> EventError { EventError("InvalidEventError", reason) }
    static func batch(_ reason: String) -> EventError { EventError("InvalidBatchError", reason) }
    static func name(_ reason: String) -> EventError {
        EventError("InvalidPropertyNameError", reason)
    }
    static func value(_ reason: String) -> EventError {
        EventError("InvalidPropertyValueError", reason)
    }
    static func namespace(_ reason: String) -> EventError {
        EventError("InvalidKeenNamespaceProperty", reason)
    }
    static func collection(_ reason: String) -> EventError {
        EventError("InvalidCollectionNameError", reason)
    }
    static func parameter(_ reason: String) -> EventError {
        EventError("InvalidParameterError", reason)
    }
    static let idempotencyKey = EventError(
        "InvalidParameterError",
        "the header Idempotency-Key is 1 to \(Limits.idempotencyKeyBytesMax) visible ASCII "
            + "characters")
    static let keenIsNoObject = EventError("NamespaceTypeError", "keen must be an object")
    /// Not the event's fault; it may be sent again.
    static let logUnavailable = EventError(
        "LogUnavailableError", "the log did not take the event in time; send it again")
}
