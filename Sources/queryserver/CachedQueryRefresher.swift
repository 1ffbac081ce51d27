// Runs the cached queries that are due, for as long as the process runs.

import EventLoop
import QueryService
import ServiceLifecycle

struct CachedQueryRefresher: Service {
    let queries: QueryService
    let loop: EventLoop

    func run() async throws {
        await cancelWhenGracefulShutdown { await queries.keepCachedQueriesFresh(on: loop) }
        // A service that ends would end the process.
        try? await gracefulShutdown()
    }
}
