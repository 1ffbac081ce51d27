// GET /topology on the admin port: what each component has done, as Storm's topology page shows it.

import Base
import HTTP
import JSON
import Topology

enum TopologyRoute {
    /// Adds `GET /topology`, with `?format=text` (the default), `json` or `dot`, and for text
    /// `?window=10m`, `3h`, `1d` or `all`.
    static func mount(on router: inout Router, _ statistics: TopologyStatistics) {
        router.on(.get, "/topology") { request, responder in
            responder.respond(
                answer(
                    format: request.query.first(named: "format") ?? "text",
                    window: request.query.first(named: "window"), statistics))
        }
    }

    private static func answer(
        format: String, window: String?, _ statistics: TopologyStatistics
    ) -> HTTPResponse {
        guard let window = TallyWindow(rawValue: window ?? TallyWindow.tenMinutes.rawValue) else {
            return wrong("window is 10m, 3h, 1d or all")
        }
        guard ["text", "json", "dot"].contains(format) else {
            return wrong("format is text, json or dot")
        }
        guard let report = statistics.report() else {
            return .error(
                status: 503, message: "the topology does not run yet",
                code: "ServiceUnavailableError")
        }
        switch format {
        case "json": return .json(report.json.encoded)
        case "dot": return .text(statistics.dot + "\n")
        default: return .text(report.text(window))
        }
    }

    private static func wrong(_ message: String) -> HTTPResponse {
        .error(status: 400, message: message, code: "InvalidParameterError")
    }
}
