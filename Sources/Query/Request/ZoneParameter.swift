// The `timezone` parameter: seconds east of UTC, as a number or as text, or a name of the IANA
// data base. Whoever reads the files is passed in; this side decides which names are asked for.

internal import JSON

/// Looks up a named zone; nil for a name that does not exist.
package typealias ZoneLookup = @Sendable (String) -> Zone?

extension Zone {
    /// No zone has ever been further from UTC; the ISO forms that events come in end here too.
    private static let fixedSecondsMax: Int64 = 18 * 3600

    /// The names under which every client expects zones of the United States. Debian keeps them in
    /// a package that a machine may lack, so each falls back on its present name.
    private static let aliases = [
        "US/Alaska": "America/Anchorage", "US/Arizona": "America/Phoenix",
        "US/Central": "America/Chicago", "US/Eastern": "America/New_York",
        "US/Hawaii": "Pacific/Honolulu", "US/Mountain": "America/Denver",
        "US/Pacific": "America/Los_Angeles", "Asia/Istanbul": "Europe/Istanbul",
    ]

    static func parameter(
        _ parameters: Parameters, lookup: ZoneLookup
    ) throws(QueryError) -> Zone {
        guard let value = parameters.value("timezone") else { return .utc }
        if let seconds = value.integral { return try fixed(seconds) }
        guard let text = value.string else {
            throw QueryError(
                .invalidParameter,
                "timezone must be a number of seconds or a name, not \(value.kindName)")
        }
        if let seconds = Int64(text) { return try fixed(seconds) }
        if let seconds = Double(text).flatMap({ Int64(exactly: $0) }) { return try fixed(seconds) }
        return try named(text, lookup: lookup)
    }

    private static func fixed(_ seconds: Int64) throws(QueryError) -> Zone {
        guard seconds.magnitude <= fixedSecondsMax.magnitude else {
            throw QueryError(
                .invalidParameter,
                "timezone \(seconds) is out of range: seconds east of UTC lie within "
                    + "±\(fixedSecondsMax)")
        }
        return Zone(fixedSeconds: Int(seconds))
    }

    private static func named(_ name: String, lookup: ZoneLookup) throws(QueryError) -> Zone {
        if ["UTC", "GMT", "Etc/UTC", "Etc/GMT", "Z"].contains(name) { return .utc }
        guard isName(name) else {
            throw QueryError(.invalidParameter, "timezone '\(name.shortened)' is not a name")
        }
        if let zone = lookup(name) { return zone }
        if let alias = aliases[name], let zone = lookup(alias) { return zone }
        throw QueryError(.invalidParameter, "timezone '\(name.shortened)' is not known")
    }

    /// Whether a text may name a zone: parts of letters, digits, `_`, `+` and `-`, divided by
    /// single
    /// slashes. There is no dot, so no such name leads out of the directory of zones.
    package static func isName(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return text.utf8.count <= 64
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy {
                        (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0)
                            || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "+")
                            || $0 == UInt8(ascii: "-")
                    }
            }
    }
}
