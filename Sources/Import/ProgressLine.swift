// How an import shows where it is: one line that is drawn again on a terminal, plain lines into a
// file. Pure.

/// Renders progress as text.
package struct ProgressLine: Sendable {
    private let name: String
    private static let barWidth = 24
    /// A bar shorter than this says nothing.
    private static let barWidthMin = 6
    private static let partial = Array("▏▎▍▌▋▊▉")

    /// `name` stands at the line's head.
    package init(name: String) { self.name = name }

    /// For a terminal of so many columns: a bar, the rate and the time left where the size is
    /// known. A line that does not fit would be drawn below itself again and again; the bar gives
    /// way first.
    package func drawn(_ progress: ImportProgress, columns: Int = .max) -> String {
        let words = words(progress)
        let length = words.reduce(name.count) { $0 + 2 + $1.count }
        guard let share = Self.share(progress) else {
            return Self.clipped(([name] + words).joined(separator: "  "), columns)
        }
        let width = min(Self.barWidth, columns - 2 - length)
        let bar = width >= Self.barWidthMin ? [Self.bar(share, width)] : []
        return Self.clipped(([name] + bar + words).joined(separator: "  "), columns)
    }

    private static func clipped(_ line: String, _ columns: Int) -> String {
        line.count <= columns ? line : line.prefix(max(columns - 1, 0)) + "…"
    }

    private func words(_ progress: ImportProgress) -> [String] {
        var parts: [String] = []
        if let share = Self.share(progress) { parts.append("\(Int(share * 100))%") }
        parts.append("\(grouped(progress.totals.events)) events")
        parts.append("\(grouped(Self.rate(progress.totals.events, progress.elapsed)))/s")
        if progress.totals.rejected > 0 {
            parts.append("\(grouped(progress.totals.rejected)) rejected")
        }
        if let trouble = progress.trouble {
            parts.append("waiting: \(trouble)")
        } else if let left = Self.left(progress) {
            parts.append("\(Self.clock(left)) left")
        }
        return parts
    }

    /// For a file.
    package func plain(_ progress: ImportProgress) -> String {
        let share = Self.share(progress).map { " (\(Int($0 * 100))%)" } ?? ""
        return "\(name): \(progress.totals.events) events, \(progress.totals.rejected) rejected"
            + ", \(Self.rate(progress.totals.events, progress.elapsed)) events/s\(share)"
            + (progress.trouble.map { ", waiting: \($0)" } ?? "")
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

    /// What earlier runs have done took none of this one's time.
    private static func left(_ progress: ImportProgress) -> Duration? {
        let done = progress.totals.position - progress.resumedAt
        guard let size = progress.size, done > 0, progress.totals.position < size else {
            return nil
        }
        return progress.elapsed * (Double(size - progress.totals.position) / Double(done))
    }

    private static func bar(_ share: Double, _ barWidth: Int) -> String {
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
