import Catalog
import JSON
import Model
import QueryService
import Synchronization

/// A catalog without a log, and a clock that is set by hand.
final class Desk: Sendable {
    private let state = Mutex(TestCluster.catalog)
    private let time = Mutex(Timestamp(iso8601: TestCluster.now.utf8) ?? Timestamp(milliseconds: 0))

    var catalog: CatalogState { state.withLock { $0 } }

    func pass(seconds: Int) {
        time.withLock { $0 = Timestamp(milliseconds: $0.milliseconds + Int64(seconds) * 1000) }
    }

    var configuration: QueryServiceConfiguration {
        var configuration = QueryServiceConfiguration()
        configuration.now = { self.time.withLock { $0 } }
        configuration.publish = { record in
            self.state.withLock { _ = $0.apply(key: record.key, value: record.value) }
        }
        return configuration
    }

    /// A cluster with ten orders of two plans.
    static func with(
        _ events: [JSONValue]? = nil,
        _ body: (TestCluster, Desk) async throws -> Void
    ) async throws {
        let desk = Desk()
        try await TestCluster.with(
            configuration: desk.configuration, catalog: { desk.catalog }
        ) { cluster in
            try await cluster.store(events ?? orders())
            try await body(cluster, desk)
        }
    }

    static func orders() throws -> [JSONValue] {
        try (0..<10).map {
            try JSONValue(
                parsing: #"{"n":\#($0),"plan":"\#($0 < 4 ? "pro" : "free")","#
                    + #""keen":{"timestamp":"2020-03-31T10:00:00.000Z"}}"#)
        }
    }
}
