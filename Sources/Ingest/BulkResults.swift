// What a bulk write answers: one result an event, in the order of the request.

internal import JSON

/// The results of a bulk write as far as they are known before the log has answered.
struct BulkResults: Sendable {
    struct Collection: Sendable {
        var name: String
        var eventCount: Int
    }

    var collections: [Collection] = []
    /// Refused events by their number within the request, ascending.
    private(set) var refused: [(event: Int, error: EventError)] = []

    var eventCount: Int { collections.reduce(0) { $0 + $1.eventCount } }

    mutating func refuse(_ event: Int, _ error: EventError) { refused.append((event, error)) }

    private static let success = Array(#"{"success":true}"#.utf8)

    /// The answer's body. `failed`, ascending, are the events that the log did not take.
    func encoded(failed: [Int]) -> [UInt8] {
        var writer = JSONWriter(capacity: 32 + eventCount * 20)
        var refused = refused[...]
        var failed = failed[...]
        var event = 0
        writer.beginObject()
        for collection in collections {
            writer.key(collection.name)
            writer.beginArray()
            for _ in 0..<collection.eventCount {
                if let first = refused.first, first.event == event {
                    writer.failure(first.error)
                    refused = refused.dropFirst()
                } else if failed.first == event {
                    writer.failure(.logUnavailable)
                    failed = failed.dropFirst()
                } else {
                    writer.raw(Self.success)
                }
                event += 1
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func failure(_ error: EventError) {
        beginObject()
        key("success")
        bool(false)
        key("error")
        beginObject()
        key("name")
        string(error.code)
        key("description")
        string(error.message)
        endObject()
        endObject()
    }
}
