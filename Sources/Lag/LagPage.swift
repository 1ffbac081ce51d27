// A reading as a page for a browser: one table, no script, nothing from elsewhere; it asks again by
// itself.

/// Lays a report, or why there is none, out as HTML.
package enum LagPage {
    /// Seconds after which the browser asks again.
    private static let refreshSeconds = 5

    private static let titles = [
        "Broker", "Topic", "Partition", "Earliest", "Latest", "Depth", "Group", "Current", "Delta",
        "Applied", "Status",
    ]

    private static let style = """
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#222;background:#fff}
        table{border-collapse:collapse}th,td{padding:.3rem .8rem;border-bottom:1px solid #ddd}
        th{text-align:left;border-bottom:2px solid #888}td.n,th.n{text-align:right;
        font-variant-numeric:tabular-nums}.ok{color:#186a18}.bad{color:#b00020;font-weight:600}
        .warn{color:#8a5a00}p.note{color:#b00020}
        @media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}
        th,td{border-color:#444}.ok{color:#7c7}.bad,p.note{color:#f77}.warn{color:#eb5}}
        """

    package static func html(_ report: LagReport) -> String {
        var body = "<table><thead><tr>"
        for (column, title) in titles.enumerated() {
            body += "<th\(isNumber(column) ? " class=\"n\"" : "")>\(title)</th>"
        }
        body += "</tr></thead><tbody>"
        for row in report.partitions { body += line(row) }
        body += "</tbody></table>"
        let totals = report.totals
        body += "<p>\(totals.partitions) partitions on \(totals.brokers) brokers, "
        body += "total depth \(totals.depth), total delta <strong>\(totals.delta)</strong>"
        if totals.lost > 0 { body += ", <span class=\"bad\">\(totals.lost) lost</span>" }
        body += "</p>"
        let errors = report.partitions.compactMap { row in
            row.error.map { "\(row.partition.topic)[\(row.partition.partition)]: \($0)" }
        }
        for note in errors + report.notes { body += "<p class=\"note\">\(escaped(note))</p>" }
        return page(body + "<p><a href=\"/lag.json\">JSON</a> <a href=\"/metrics\">metrics</a></p>")
    }

    package static func html(error: String) -> String {
        page("<p class=\"note\">\(escaped(error))</p>")
    }

    private static func page(_ body: String) -> String {
        """
        <!doctype html><html lang="en"><head><meta charset="utf-8">\
        <meta http-equiv="refresh" content="\(refreshSeconds)">\
        <meta name="viewport" content="width=device-width">\
        <title>Millrace: lag</title><style>\(style)</style></head>\
        <body><h1>Lag</h1>\(body)</body></html>

        """
    }

    private static func line(_ row: PartitionLag) -> String {
        func number(_ value: Int64?) -> String { value.map { String($0) } ?? "–" }
        let cells = [
            row.broker ?? "–", row.partition.topic, String(row.partition.partition),
            number(row.range?.earliest), number(row.range?.latest), number(row.depth), row.group,
            number(row.current), number(row.delta), number(row.applied), row.status.rawValue,
        ]
        var text = "<tr>"
        for (column, cell) in cells.enumerated() {
            let kind = column == cells.count - 1 ? color(row.status) : isNumber(column) ? "n" : ""
            text += kind.isEmpty ? "<td>" : "<td class=\"\(kind)\">"
            text += escaped(cell) + "</td>"
        }
        return text + "</tr>"
    }

    private static func color(_ status: LagStatus) -> String {
        switch status {
        case .ok: "ok"
        case .behind, .noCommit: "warn"
        case .beyondEnd, .losing, .unreachable: "bad"
        }
    }

    private static func isNumber(_ column: Int) -> Bool { ![0, 1, 6, 10].contains(column) }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
