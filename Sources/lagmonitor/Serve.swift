// millrace-lag serve: the lag monitor as a process.

import ArgumentParser
import Base
import EventLoop
import HTTP
import LagService
import Logging
import Runtime
import ServiceLifecycle

/// Serves the page, JSON and metrics.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve lag as a page, JSON and metrics (what happens without a subcommand).")

    @OptionGroup var options: LagOptions
    @Option(help: "HOST:PORT to listen on.")
    var lagListen: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var loggingLevel: String?
    @Option(help: "text, or json: one object a line.")
    var loggingFormat: String?

    func run() async {
        let own = [
            "lag.listen": lagListen, "logging.level": loggingLevel,
            "logging.format": loggingFormat,
        ]
        let options = options
        await ProcessMain.run(
            name: "lag", configurationFile: options.configurationFile,
            flags: options.flags.merging(own) { $1 }
        ) { try await build($0, options) }
    }
}

/// Builds the services, first started first.
private func build(
    _ context: ProcessContext, _ options: LagOptions
) async throws -> [any Service] {
    let address = try context.settings.hostPort("lag.listen")
    context.readiness.declare("server")
    let group = try EventLoopGroup()
    let open = try OpenSource(context.settings, group: group, logger: context.logger)
    let monitor = LagMonitor(source: open.source)
    let metrics = context.metrics
    var router = Router()
    LagRoutes.mount(on: &router, monitor: monitor, question: options.question) { metrics.text }
    AdminRoutes.mount(on: &router, readiness: context.readiness, metrics: metrics)
    let server = HTTPServer(router: router, group: group, logger: context.logger)
    let port = try await server.start(host: address.host, port: address.port)
    context.readiness.set("server", isReady: true)
    context.logger.notice(
        "listening", metadata: ["listen.address": "\(address.host):\(port)"])
    let stop = StopService {
        context.readiness.drain()
        await server.drain(grace: .seconds(5))
        await open.close()
    }
    return [StopService { await group.shutdown() }, stop]
}
