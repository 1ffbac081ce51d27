// What every process serves: /healthz, /readyz and /metrics.

internal import Base
package import EventLoop
package import HTTP
internal import Logging
internal import ServiceLifecycle

package enum AdminRoutes {
    /// Adds the three routes to a server's own.
    package static func mount(
        on router: inout Router, readiness: Readiness, metrics: PrometheusRegistry
    ) {
        router.on(.get, "/healthz") { _, responder in responder.respond(.text("ok\n")) }
        router.on(.get, "/readyz") { _, responder in
            guard let reason = readiness.reason else { return responder.respond(.text("ready\n")) }
            responder.respond(
                .error(status: 503, message: reason, code: "ServiceUnavailableError"))
        }
        router.on(.get, "/metrics") { _, responder in
            responder.respond(
                HTTPResponse(
                    status: 200,
                    headers: [(name: "Content-Type", value: "text/plain; version=0.0.4")],
                    body: Array(metrics.text.utf8)))
        }
    }
}

/// A server of only these routes, for processes that speak no HTTP otherwise. Listens on
/// `admin.listen`; without that setting it serves nothing.
package struct AdminServer: Service {
    private let server: HTTPServer?

    /// Listens before it returns, so that health can be asked while the process starts. `mount`
    /// adds a process's own routes.
    package init(
        _ context: ProcessContext, group: EventLoopGroup,
        mount: (inout Router) -> Void = { _ in }
    ) async throws {
        guard try context.settings.optionalString("admin.listen") != nil else {
            server = nil
            return
        }
        let address = try context.settings.hostPort("admin.listen")
        var router = Router()
        AdminRoutes.mount(
            on: &router, readiness: context.readiness, metrics: context.metrics)
        mount(&router)
        let server = HTTPServer(router: router, group: group, logger: context.logger)
        try await server.start(host: address.host, port: address.port)
        self.server = server
    }

    package func run() async throws {
        // Ends by graceful shutdown or by cancellation; either way the server is stopped.
        try? await gracefulShutdown()
        await server?.drain(grace: .seconds(1))
    }
}
