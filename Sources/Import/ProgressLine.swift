// How an import shows where it is: one line that is drawn again on a terminal, plain lines into a
// file. Pure.

/// Renders progress as text.
package struct ProgressLine: Sendable {
    private let name: String
    private static let barWidth = 24
    private static let partial = Array("▏▎▍▌▋▊▉")

    /// `name` stands at the line's head.
    package init(name: String) { self.name = name }

    /// For a terminal: a bar, the rate and the time left where the size is known.
    package func drawn(_ progress: ImportProgress) -> String {
        var parts = [name]
        if let share = Self.share(progress) {
            parts.append(Self.bar(share))
            parts.append("\(Int(share * 100))%")
        }
        parts.append("\(grouped(progress.totals.events)) events")
        parts.append("\(grouped(Self.rate(progress.totals.events, progress.elapsed)))/s")
        if progress.totals.rejected > 0 {
            parts.append("\(grouped(progress.totals.rejected)) rejected")
        }
        if let left = Self.left(progress) { parts.append("\(Self.clock(left)) left") }
        return parts.joined(separator: "  ")
    }

    /// For a file.
    package func plain(_ progress: ImportProgress) -> String {
        let share = Self.share(progress).map { " (\(Int($0 * 100))%)" } ?? ""
        return "\(name): \(progress.totals.events) events, \(progress.totals.rejected) rejected"
            + ", \(Self.rate(progress.totals.events, progress.elapsed)) events/s\(share)"
    }

    /// Events a second over the whole run.
    package static func rate(_ events: Int64, _ elapsed: Duration) -> Int64 {
        let seconds = elapsed / .seconds(1)
        return seconds > 0 ? Int64(min(Double(events) / seconds, 1e15)) : 0
    }

    /// How much of the file is done, from 0 to 1.
    private static func share(_ progress: ImportProgress) -> Double? {
        guard let size = progress.size else { return nil }
        return size > 0 ? min(Double(progress.totals.position) / Double(size), 1) : 1
    }

    private static func left(_ progress: ImportProgress) -> Duration? {
        guard let share = share(progress), share > 0, share < 1 else { return nil }
        return progress.elapsed * ((1 - share) / share)
    }

    private static func bar(_ share: Double) -> String {
        let eighths = Int(share * Double(barWidth * 8))
        let full = String(repeating: "█", count: eighths / 8)
        let part = eighths % 8 == 0 ? "" : String(partial[eighths % 8 - 1])
        let used = eighths / 8 + (part.isEmpty ? 0 : 1)
        return full + part + String(repeating: "·", count: barWidth - used)
    }

    /// `75` seconds are `1:15`.
    private static func clock(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        let rest = seconds % 60
        return "\(seconds / 60):\(rest < 10 ? "0" : "")\(rest)"
    }
}

/// `27004` as `27,004`.
package func grouped(_ number: Int64) -> String {
    var text = ""
    for (index, digit) in String(number.magnitude).reversed().enumerated() {
        if index > 0, index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
}
