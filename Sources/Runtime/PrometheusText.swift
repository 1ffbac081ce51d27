// The exposition format, line by line.

/// Text in the making. Series of one name must follow each other.
struct PrometheusText {
    private(set) var text = ""
    private var lastName = ""

    init() {}

    /// Writes the TYPE line when a name is new.
    mutating func begin(_ name: String, kind: String) {
        guard name != lastName else { return }
        lastName = name
        text += "# TYPE \(name) \(kind)\n"
    }

    mutating func add(_ name: String, _ labels: String, _ value: Double) {
        text += "\(name)\(Self.braces(labels)) \(Self.number(value))\n"
    }

    mutating func add(_ name: String, _ labels: String, _ histogram: Histogram) {
        var total: Int64 = 0
        for (bound, count) in histogram.cumulative {
            let bound = "le=\"\(Self.number(bound))\""
            let all = labels.isEmpty ? bound : "\(labels),\(bound)"
            text += "\(name)_bucket\(Self.braces(all)) \(count)\n"
            total = count
        }
        text += "\(name)_sum\(Self.braces(labels)) \(Self.number(histogram.sum))\n"
        text += "\(name)_count\(Self.braces(labels)) \(total)\n"
    }

    private static func braces(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && value.magnitude < 1e15
            ? String(Int64(value)) : String(value)
    }

    /// Prometheus allows letters, digits, `_` and `:`, and no digit in front.
    static func name(_ label: String) -> String {
        let clean = String(
            label.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ":") ? $0 : "_" })
        return clean.first?.isNumber == true ? "_" + clean : clean
    }

    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.map { key, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                .replacing("\n", with: "\\n")
            return "\(name(key))=\"\(escaped)\""
        }
        .joined(separator: ",")
    }
}
