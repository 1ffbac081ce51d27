// What the lag monitor serves: a page, JSON and Prometheus text, each computed when asked for.

internal import EventLoop
package import HTTP
package import Lag

package enum LagRoutes {
    /// Adds `/`, `/lag.json` and `/metrics`. `?group=` and `?topic=` look at another group and at
    /// topics by name. `process` is the process's own metrics.
    package static func mount(
        on router: inout Router, monitor: LagMonitor, question: LagQuestion,
        process: @escaping @Sendable () -> String
    ) {
        router.onAsync(.get, "/") { request in
            do throws(LagError) {
                return html(200, LagPage.html(try await monitor.report(asked(request, question))))
            } catch { return html(status(error), LagPage.html(error: error.description)) }
        }
        router.onAsync(.get, "/lag.json") { request in
            do throws(LagError) {
                return .json(try await monitor.report(asked(request, question)).json)
            } catch {
                let status = status(error)
                return .error(
                    status: status, message: error.description,
                    code: status == 404 ? "ResourceNotFoundError" : "ServiceUnavailableError")
            }
        }
        router.onAsync(.get, "/metrics") { _ in
            // A scrape is worth its other numbers even if the log is away.
            let lag = try? await monitor.report(question).prometheus
            let isUp = "# TYPE lag_log_up gauge\nlag_log_up \(lag == nil ? 0 : 1)\n"
            return HTTPResponse(
                status: 200,
                headers: [(name: "Content-Type", value: "text/plain; version=0.0.4")],
                body: Array((process() + isUp + (lag ?? "")).utf8))
        }
    }

    private static func asked(_ request: HTTPRequest, _ question: LagQuestion) -> LagQuestion {
        var question = question
        if let group = request.query.first(named: "group"), !group.isEmpty {
            question = LagQuestion(group: group)
        }
        let topics = request.query.pairs.filter { $0.name == "topic" && !$0.value.isEmpty }
        if !topics.isEmpty { question.topics = topics.map(\.value) }
        return question
    }

    /// A topic that does not exist is the asker's mistake, a log that is away is not.
    private static func status(_ error: LagError) -> Int { error.isUnreachable ? 503 : 404 }

    private static func html(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [(name: "Content-Type", value: "text/html; charset=utf-8")],
            body: Array(text.utf8))
    }
}
