// Stands for any process of the system in the supervisor's tests: takes the same settings, serves
// /readyz where they say, and notes its orderly end in DIR/stopped. As `fakeprocess orphan` it only
// wants to end with its parent, a wish that it makes on a thread that is over by then.

import Base
import EventLoop
import Foundation
import HTTP
import Runtime
import ServiceLifecycle

@main
enum FakeProcess {
    static func main() async {
        if CommandLine.arguments.dropFirst().first == "orphan" { return await bereave() }
        // Its name is the link through which it was started: millrace-store and so on.
        let kind = URL(filePath: CommandLine.arguments[0]).lastPathComponent
        let file = CommandLine.arguments.dropFirst().last ?? ""
        await ProcessMain.run(name: kind, configurationFile: file, flags: [:]) { context in
            let keys = ["collector.listen", "query.listen", "lag.listen", "admin.listen"]
            let key = try keys.first { try context.settings.optionalString($0) != nil }
            let address = try context.settings.hostPort(key ?? "admin.listen")
            let group = try EventLoopGroup(count: 1)
            var router = Router()
            AdminRoutes.mount(on: &router, readiness: context.readiness, metrics: context.metrics)
            let server = HTTPServer(router: router, group: group, logger: context.logger)
            try await server.start(host: address.host, port: address.port)
            return [
                StopService {
                    note(kind, near: file)
                    await server.drain(grace: .seconds(1))
                    await group.shutdown()
                }
            ]
        }
    }

    /// Says when the wish has been made, then waits for the end.
    private static func bereave() async {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { _ in
                exitWithParent()
                return nil
            }, nil)
        pthread_join(thread, nil)
        try? FileHandle.standardOutput.write(contentsOf: Data("\(getpid())\n".utf8))
        let (never, _) = AsyncStream<Never>.makeStream()
        for await _ in never {}
    }

    /// One line, in one write, so that lines of several processes never mix.
    private static func note(_ kind: String, near file: String) {
        let path = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "stopped").path
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let line = Array("\(kind)\n".utf8)
        _ = write(descriptor, line, line.count)
        close(descriptor)
    }
}
