// A reading as a table for a terminal: one row a partition, columns as wide as their widest cell,
// numbers to the right, and totals below.

/// Lays a report out as text.
package enum LagTable {
    private static let titles = [
        "Broker", "Topic", "Partition", "Earliest", "Latest", "Depth", "Group", "Current", "Delta",
        "Applied", "Status",
    ]
    /// Columns of words; all others are numbers.
    private static let words: Set<Int> = [0, 1, 6, 10]
    private static let unknown = "-"

    /// Lines, each ended by a line feed.
    package static func text(_ report: LagReport) -> String {
        let rows = [titles] + report.partitions.map(cells)
        let widths = titles.indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        var lines = rows.map { line($0, widths) }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
        lines.insert(rule, at: 1)
        lines.append("")
        lines.append(contentsOf: footer(report))
        return lines.map { $0 + "\n" }.joined()
    }

    private static func cells(_ row: PartitionLag) -> [String] {
        func number(_ value: Int64?) -> String { value.map { String($0) } ?? unknown }
        return [
            row.broker ?? unknown, row.partition.topic, String(row.partition.partition),
            number(row.range?.earliest), number(row.range?.latest), number(row.depth), row.group,
            number(row.current), number(row.delta), number(row.applied), status(row),
        ]
    }

    private static func status(_ row: PartitionLag) -> String {
        switch row.status {
        case .losing: "losing, \(row.lost) lost"
        case let other: other.rawValue
        }
    }

    private static func line(_ cells: [String], _ widths: [Int]) -> String {
        var text = ""
        for (column, cell) in cells.enumerated() {
            if column > 0 { text += "  " }
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            text += words.contains(column) ? cell + padding : padding + cell
        }
        while text.last == " " { text.removeLast() }
        return text
    }

    private static func footer(_ report: LagReport) -> [String] {
        let totals = report.totals
        var lines = [
            "Brokers:     \(totals.brokers)",
            "Partitions:  \(totals.partitions)\(breakdown(totals))",
            "Total depth: \(totals.depth)",
            "Total delta: \(totals.delta)",
        ]
        if totals.lost > 0 { lines.append("Total lost:  \(totals.lost)") }
        for row in report.partitions {
            guard let error = row.error else { continue }
            lines.append("\(row.partition.topic)[\(row.partition.partition)]: \(error)")
        }
        return lines + report.notes
    }

    /// ` (3 ok, 1 behind)`, unless all are ok.
    private static func breakdown(_ totals: LagTotals) -> String {
        guard totals.statuses[.ok, default: 0] != totals.partitions else { return "" }
        let parts = LagStatus.allCases.compactMap { status in
            totals.statuses[status].map { "\($0) \(status.rawValue)" }
        }
        return " (\(parts.joined(separator: ", ")))"
    }
}
