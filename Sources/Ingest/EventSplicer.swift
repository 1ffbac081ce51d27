// Puts the `keen` object into an event's own text, and what placeholders stand for; not one other
// byte of it changes.

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
    private static let addonsKey = Array(#","addons":"#.utf8)
    private static let tokenKey = Array(#","uniqueness_token":"#.utf8)
    private static let keenKey = Array(#""keen":"#.utf8)

    private let caller: Caller

    init(received: Timestamp, caller: Caller) {
        self.received = received.iso8601
        self.caller = caller
    }

    /// Appends the record's value: the event with its `keen` object, in the place of the one that
    /// was sent or at the end, and with what its placeholders stand for.
    func append(
        _ event: EventLayout, of source: [UInt8], id: EventID, to value: inout [UInt8]
    ) {
        var placeholders = event.placeholders[...]
        func copy(_ range: Range<Int>) {
            append(source, range, replacing: &placeholders, to: &value)
        }
        guard let keen = event.keen else {
            copy(event.range.lowerBound..<event.range.upperBound - 1)
            if !event.isEmpty { value.append(UInt8(ascii: ",")) }
            value.append(contentsOf: Self.keenKey)
            appendKeen(of: event, source, id, to: &value)
            value.append(UInt8(ascii: "}"))
            return
        }
        copy(event.range.lowerBound..<keen.lowerBound)
        appendKeen(of: event, source, id, to: &value)
        copy(keen.upperBound..<event.range.upperBound)
    }

    private func append(
        _ source: [UInt8], _ range: Range<Int>,
        replacing placeholders: inout ArraySlice<(offset: Int, kind: Placeholder)>,
        to value: inout [UInt8]
    ) {
        var start = range.lowerBound
        while let next = placeholders.first, next.offset < range.upperBound {
            placeholders.removeFirst()
            value.append(contentsOf: source[start..<next.offset])
            value.append(contentsOf: caller.json(next.kind))
            start = Self.endOfString(source, from: next.offset)
        }
        value.append(contentsOf: source[start..<range.upperBound])
    }

    /// The place after the quote that ends the string that begins at `start`. It has been parsed.
    private static func endOfString(_ source: [UInt8], from start: Int) -> Int {
        var place = start + 1
        while place < source.count, source[place] != UInt8(ascii: "\"") {
            place += source[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(place + 1, source.count)
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
        if let addons = event.addons {
            value.append(contentsOf: Self.addonsKey)
            value.append(contentsOf: source[addons])
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
