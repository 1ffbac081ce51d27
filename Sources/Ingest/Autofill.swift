// What an access key fills into the events that are written with it. The body is read, filled and
// written anew before anything else looks at it, so that what the key says counts, wherever and
// however often the event says something else; without such a key an event's text stays as it was.

internal import Base
internal import JSON

/// Fills members into the events of a request.
struct Autofill {
    let members: JSONObject

    /// The body would grow beyond what a body may be.
    struct TooLarge: Error {}

    /// A body of one event. What is no event comes back as it is, and is refused by whoever checks.
    func single(_ body: [UInt8]) -> [UInt8] {
        guard let event = try? JSONValue(parsing: body) else { return body }
        return filled(event).encoded
    }

    /// A body of collections.
    func bulk(_ body: [UInt8]) throws(TooLarge) -> [UInt8] {
        let parser = JSONParser()
        guard let tape = try? parser.parse(body) else { return body }
        let memberCount = tape.root.childCount
        // A collection that is given twice is refused too, so it must not become one here.
        guard let collections = JSONValue(tape.root).object, collections.count == memberCount
        else { return body }
        let count = collections.reduce(0) { $0 + ($1.value.array?.count ?? 0) }
        let size = JSONValue.object(members).encoded.count
        guard body.count + count * size <= Limits.httpBodyBytesMax else { throw TooLarge() }
        var all = JSONObject()
        for (name, events) in collections {
            all[name] = events.array.map { .array($0.map { filled($0) }) } ?? events
        }
        return JSONValue.object(all).encoded
    }

    private func filled(_ event: JSONValue) -> JSONValue {
        event.object.map { .object(Self.merge(members, into: $0)) } ?? event
    }

    /// Objects are merged member by member; of anything else the key's own stays.
    private static func merge(_ members: JSONObject, into object: JSONObject) -> JSONObject {
        var merged = object
        for (name, value) in members {
            if let inner = value.object, let before = merged[name]?.object {
                merged[name] = .object(merge(inner, into: before))
            } else {
                merged[name] = value
            }
        }
        return merged
    }
}
