import Catalog
import LogClient
import Logging
import MockLog
import Model
import TestSupport
import Testing

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// What one process writes, every other one knows soon, whatever order they start in.
@Suite struct CatalogFollowerTests {
    private func project(_ name: String) -> Project {
        Project.new(id: nil, name: name, now: Timestamp(milliseconds: 0))
    }

    @Test func followersSeeWhatWasThereAndWhatComes() async throws {
        let log = MockLog(topics: [MillraceTopics.catalog: 1])
        let connection = LogConnection(brokers: log.brokers)
        let writer = try CatalogWriter(connection: connection, logger: quiet)
        let old = project("old")
        try await writer.put(old, timeout: .seconds(10))
        let follower = try CatalogFollower(connection: connection, logger: quiet)
        try await follower.waitUntilCurrent(timeout: .seconds(10))
        #expect(follower.isCurrent)
        #expect(follower.state.projects == [old.id: old])
        let new = project("new")
        try await writer.put(new, timeout: .seconds(10))
        await eventually("the new project is known") {
            follower.state.projects == [old.id: old, new.id: new]
        }
        try await writer.remove(old.id, timeout: .seconds(10))
        await eventually("the old project is gone") { follower.state.projects == [new.id: new] }
        await follower.close()
        await writer.close()
    }

    @Test func malformedRecordsDoNotStopAFollower() async throws {
        let log = MockLog(topics: [MillraceTopics.catalog: 1])
        let connection = LogConnection(brokers: log.brokers)
        let producer = try LogProducer(configuration: .init(connection: connection), logger: quiet)
        let topic = try producer.topic(MillraceTopics.catalog)
        for key in ["project/x", "thing/x", "", "project/"] {
            _ = try await topic.publish(partition: 0, key: Array(key.utf8), value: [0xFF])
        }
        let writer = try CatalogWriter(connection: connection, logger: quiet)
        let good = project("good")
        try await writer.put(good, timeout: .seconds(10))
        let follower = try CatalogFollower(connection: connection, logger: quiet)
        try await follower.waitUntilCurrent(timeout: .seconds(10))
        #expect(follower.state.projects == [good.id: good])
        #expect(follower.state.malformedCount == 3)
        await follower.close()
        await producer.close()
    }

    @Test func aDeadLogIsAnErrorInTime() async throws {
        let connection = LogConnection(brokers: ["127.0.0.1:1"])
        let follower = try CatalogFollower(connection: connection, logger: quiet)
        await #expect(throws: CatalogNotCurrent.self) {
            try await follower.waitUntilCurrent(timeout: .milliseconds(100))
        }
        #expect(!follower.isCurrent)
        await follower.close()
        let writer = try CatalogWriter(connection: connection, logger: quiet)
        await #expect(throws: LogError.self) {
            try await writer.put(project("p"), timeout: .milliseconds(300))
        }
        await writer.close()
    }
}
