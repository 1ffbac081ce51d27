// Puts the `keen` object into an event's own text; not one other byte of it changes.

internal import JSON
internal import Model

/// What one request's events have in common.
struct EventSplicer {
    /// When the request was received.
    private let received: [UInt8]

    private static let idKey = Array(#"{"id":""#.utf8)
    private static let createdKey = Array(#"","created_at":""#.utf8)
    private static let timestampKey = Array(#"","timestamp":""#.utf8)
    private static let locationKey = Array(#","location":"#.utf8)
    private static let tokenKey = Array(#","uniqueness_token":"#.utf8)
    private static let keenKey = Array(#""keen":"#.utf8)

    init(received: Timestamp) { self.received = received.iso8601 }

    /// Appends the record's value: the event with its `keen` object, in the place of the one that
    /// was sent or at the end.
    func append(
        _ event: EventLayout, of source: [UInt8], id: EventID, to value: inout [UInt8]
    ) {
        guard let keen = event.keen else {
            value.append(contentsOf: source[event.range.dropLast()])
            if !event.isEmpty { value.append(UInt8(ascii: ",")) }
            value.append(contentsOf: Self.keenKey)
            appendKeen(of: event, source, id, to: &value)
            value.append(UInt8(ascii: "}"))
            return
        }
        value.append(contentsOf: source[event.range.lowerBound..<keen.lowerBound])
        appendKeen(of: event, source, id, to: &value)
        value.append(contentsOf: source[keen.upperBound..<event.range.upperBound])
    }

    private func appendKeen(
        of event: EventLayout, _ source: [UInt8], _ id: EventID, to value: inout [UInt8]
    ) {
        value.append(contentsOf: Self.idKey)
        value.append(id)
        value.append(contentsOf: Self.createdKey)
        value.append(contentsOf: received)
        value.append(contentsOf: Self.timestampKey)
        if let timestamp = event.timestamp {
            timestamp.append(to: &value)
        } else {
            value.append(contentsOf: received)
        }
        value.append(UInt8(ascii: "\""))
        if let location = event.location {
            value.append(contentsOf: Self.locationKey)
            value.append(contentsOf: source[location])
        }
        if let token = event.token {
            value.append(contentsOf: Self.tokenKey)
            var writer = JSONWriter()
            writer.string(utf8: token)
            value.append(contentsOf: writer.bytes)
        }
        value.append(UInt8(ascii: "}"))
    }
}
