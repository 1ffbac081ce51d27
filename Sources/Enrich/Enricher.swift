// Carries out the add-ons of one event: JSON in, JSON out, on the record's text before it is
// decoded, because only there nested objects can be read, made and merged.
//
// An add-on that cannot do its work writes nothing and leaves the event as it is. Nothing here
// makes an event larger than what the decode step accepts: the output that would is left out.

internal import Base
internal import JSON

/// Where addresses are looked up. Any thread.
package protocol GeoSource: Sendable {
    /// What is known of an address, given as text; nil for nothing, or for no address.
    func place(of address: String) -> GeoPlace?
}

/// A place; whatever is not known is nil.
package struct GeoPlace: Sendable, Equatable {
    package var city: String?
    package var province: String?
    package var country: String?
    package var continent: String?
    package var postalCode: String?
    /// Degrees.
    package var longitude: Double?
    package var latitude: Double?

    package init() {}

    var json: JSONObject {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        var coordinates = JSONValue.null
        if let longitude, let latitude {
            coordinates = .array([.double(longitude), .double(latitude)])
        }
        return JSONObject([
            (key: "city", value: text(city)), (key: "province", value: text(province)),
            (key: "country", value: text(country)), (key: "continent", value: text(continent)),
            (key: "postal_code", value: text(postalCode)),
            (key: "coordinates", value: coordinates),
        ])
    }
}

/// An event after its add-ons.
package struct Enriched: Sendable, Equatable {
    /// The event's JSON without `keen.addons`.
    package var value: [UInt8]
    /// Add-ons that wrote something, and those that did not.
    package var done = 0
    package var skipped = 0
}

/// Carries out add-ons. Pure but for the file of places. Any thread.
package struct Enricher: Sendable {
    private let geo: (any GeoSource)?
    private static let marker = Array(#""addons""#.utf8)

    /// Without `geo` nothing is known of any address.
    package init(geo: (any GeoSource)?) { self.geo = geo }

    /// The event with its add-ons carried out; nil for a value that has none, or is no JSON.
    package func enrich(_ value: [UInt8]) -> Enriched? {
        guard contains(Self.marker, in: value), value.count <= Limits.recordBytesMax,
            let parsed = try? JSONValue(parsing: value), let root = parsed.object,
            var keen = root["keen"]?.object, let list = keen["addons"]
        else { return nil }
        var event = root
        keen["addons"] = nil
        event["keen"] = .object(keen)
        var enriched = Enriched(value: [])
        let plain = event
        for element in (list.array ?? []).prefix(Limits.addonsPerEventMax) {
            if let addon = try? Addon(element), let next = apply(addon, to: event) {
                event = next
                enriched.done += 1
            } else {
                enriched.skipped += 1
            }
        }
        enriched.value = JSONValue.object(event).encoded
        if enriched.value.count > Limits.recordBytesMax {
            enriched.value = JSONValue.object(plain).encoded
            enriched.skipped += enriched.done
            enriched.done = 0
        }
        return enriched
    }

    /// The event with one add-on's output; nil if there is none.
    func apply(_ addon: Addon, to event: JSONObject) -> JSONObject? {
        let inputs = addon.inputs.map { event.value(at: $0[...])?.string }
        guard let first = inputs[0] else { return nil }
        let output: JSONObject? =
            switch addon.kind {
            case .ipToGeo: (geo?.place(of: first) ?? GeoPlace()).json
            case .userAgent: UserAgent(first).json
            case .url: URLParts(first)?.json
            case .referrer: Referrer(first, page: inputs[1])?.json
            case .dateTime: DateTimeParts.json(of: first)
            }
        var result = event
        guard let output, result.merge(output, at: addon.output[...]) else { return nil }
        if addon.removesInput { result.remove(addon.inputs[0][...]) }
        var count = 0
        return Self.fits(result, pathBytes: 0, &count) ? result : nil
    }

    /// Whether the decode step accepts the event.
    private static func fits(_ object: JSONObject, pathBytes: Int, _ count: inout Int) -> Bool {
        for (name, value) in object {
            let bytes = pathBytes + name.utf8.count
            count += 1
            guard bytes <= Limits.propertyPathBytesMax, count <= Limits.propertiesPerEventMax
            else { return false }
            if let inner = value.object, !fits(inner, pathBytes: bytes + 1, &count) {
                return false
            }
        }
        return true
    }
}

extension JSONObject {
    /// The value that a path leads to.
    func value(at path: ArraySlice<String>) -> JSONValue? {
        guard let first = path.first, let value = self[first] else { return nil }
        return path.count == 1 ? value : value.object?.value(at: path.dropFirst())
    }

    /// Puts members into the object at `path`, made if nothing or null is there. False if
    /// something else is in the way.
    mutating func merge(_ members: JSONObject, at path: ArraySlice<String>) -> Bool {
        guard let first = path.first else {
            for (name, value) in members { self[name] = value }
            return true
        }
        let existing = self[first] ?? .null
        guard var inner = existing.isNull ? JSONObject() : existing.object,
            inner.merge(members, at: path.dropFirst())
        else { return false }
        self[first] = .object(inner)
        return true
    }

    /// Takes out what is at `path`.
    mutating func remove(_ path: ArraySlice<String>) {
        guard let first = path.first else { return }
        guard path.count > 1 else { return self[first] = nil }
        guard var inner = self[first]?.object else { return }
        inner.remove(path.dropFirst())
        self[first] = .object(inner)
    }
}
