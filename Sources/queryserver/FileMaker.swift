// Makes files of the extractions that were asked for, for as long as the process runs.

import EventLoop
import QueryService
import ServiceLifecycle

struct FileMaker: Service {
    let queries: QueryService
    let loop: EventLoop

    func run() async throws {
        await cancelWhenGracefulShutdown { await queries.makeFiles(on: loop) }
        // A service that ends would end the process.
        try? await gracefulShutdown()
    }
}
