import CoreMetrics
import EventLoop
import HTTP
import Logging
import TestSupport
import Testing

@testable import Runtime

/// Health, readiness and metrics are answered as load balancers and scrapers expect.
@Suite struct AdminRoutesTests {
    @Test func theThreeRoutes() async throws {
        let group = try EventLoopGroup(count: 1)
        let readiness = Readiness()
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "x_total", dimensions: []).increment(by: 1)
        var router = Router()
        AdminRoutes.mount(on: &router, readiness: readiness, metrics: registry)
        let server = HTTPServer(
            router: router, group: group, logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
        let port = try await server.start(host: "127.0.0.1", port: 0)
        readiness.declare("catalog")
        #expect(try get(port, "/healthz").status == 200)
        let starting = try get(port, "/readyz")
        #expect(starting.status == 503)
        #expect(starting.text.contains("catalog: starting"))
        readiness.set("catalog", isReady: true)
        #expect(try get(port, "/readyz").status == 200)
        readiness.drain()
        #expect(try get(port, "/readyz").status == 503)
        let metrics = try get(port, "/metrics")
        #expect(metrics.text == "# TYPE x_total counter\nx_total 1\n")
        #expect(metrics.header("content-type") == "text/plain; version=0.0.4")
        await server.drain(grace: .seconds(1))
        await group.shutdown()
    }

    private func get(_ port: UInt16, _ path: String) throws -> Answer {
        try SocketClient(port: port).request("GET", path)
    }
}
