// A chart of horizontal bars for a terminal.

/// Draws one bar a row, in eighths of a character.
struct BarChart {
    /// Characters of the longest bar.
    var width = 48

    func lines(_ rows: [(label: String, value: Int64)]) -> [String] {
        let largest = max(rows.map(\.value).max() ?? 1, 1)
        let labelWidth = rows.map(\.label.count).max() ?? 0
        return rows.map { row in
            // What is not nothing can be seen.
            let eighths = max(
                Int(row.value) * width * 8 / Int(largest), row.value > 0 ? 1 : 0)
            let bar =
                String(repeating: "█", count: eighths / 8)
                + (eighths % 8 == 0 ? "" : String(Self.partial[eighths % 8 - 1]))
            let label = row.label + String(repeating: " ", count: labelWidth - row.label.count)
            return "  \(label)  \(bar) \(row.value)"
        }
    }

    private static let partial = Array("▏▎▍▌▋▊▉")
}
