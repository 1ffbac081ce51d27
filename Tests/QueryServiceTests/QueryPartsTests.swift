import Base
import EventLoop
import Foundation
import Logging
import Model
import Query
import Synchronization
import TestSupport
import Testing

@testable import QueryService

/// The gate alone: order, bounds and deadlines.
@Suite struct QueryGateTests {
    private final class Order: Sendable {
        private let all = Mutex<[Int]>([])
        var numbers: [Int] { all.withLock { $0 } }
        func append(_ number: Int) { all.withLock { $0.append(number) } }
    }

    @Test func placesAreHandedOnInOrder() async throws {
        let group = try EventLoopGroup(count: 1)
        let gate = QueryGate(runningMax: 2, waitingMax: 3)
        let loop = group.next()
        try await gate.enter(until: .now + .seconds(60), on: loop)
        try await gate.enter(until: .now + .seconds(60), on: loop)
        let order = Order()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<3 {
                tasks.addTask {
                    try await gate.enter(until: .now + .seconds(60), on: loop)
                    order.append(number)
                    gate.leave()
                }
                await eventually("\(number) waits") { gate.waitingCount == number + 1 }
            }
            await #expect(throws: GateRefusal.tooManyWait) {
                try await gate.enter(until: .now + .seconds(60), on: loop)
            }
            gate.leave()
            try await tasks.waitForAll()
        }
        #expect(order.numbers == [0, 1, 2])
        #expect(gate.runningCount == 1)
        gate.leave()
        #expect(gate.runningCount == 0)
        await group.shutdown()
    }

    @Test func nobodyWaitsBeyondHisDeadline() async throws {
        let group = try EventLoopGroup(count: 1)
        let gate = QueryGate(runningMax: 1, waitingMax: 3)
        try await gate.enter(until: .now, on: group.next())
        await #expect(throws: GateRefusal.waitedTooLong) {
            try await gate.enter(until: .now + .milliseconds(5), on: group.next())
        }
        #expect(gate.waitingCount == 0 && gate.runningCount == 1)
        await group.shutdown()
    }
}

/// The machine's zones: found, kept, bounded, and never outside their directory.
@Suite struct ZoneLibraryTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func findsTheSystemsZones() throws {
        let zones = ZoneLibrary(logger: logger)
        for _ in 0..<2 {
            let zone = try #require(zones.zone(named: "Europe/London"))
            #expect(zone.offsetSeconds(at: 1_585_700_000) == 3600)
            #expect(zones.zone(named: "Mars/Olympus") == nil)
        }
        for name in ["Europe", "../zoneinfo/UTC", "/etc/passwd", "", "a//b", "tzdata.zi"] {
            #expect(zones.zone(named: name) == nil, "\(name)")
        }
    }

    @Test func filesAreReadOnceAndDamagedOnesPassedOver() throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "millrace-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let good = try Data(
            contentsOf: URL(filePath: "\(ZoneLibrary.systemDirectory)/Asia/Tokyo"))
        try good.write(to: directory.appending(path: "Good"))
        try good.prefix(60).write(to: directory.appending(path: "Cut"))
        try Data("nonsense".utf8).write(to: directory.appending(path: "Text"))
        let zones = ZoneLibrary(directory: directory.path, logger: logger)
        #expect(zones.zone(named: "Good")?.offsetSeconds(at: 0) == 9 * 3600)
        #expect(zones.zone(named: "Cut") == nil && zones.zone(named: "Text") == nil)
        try FileManager.default.removeItem(at: directory.appending(path: "Good"))
        #expect(zones.zone(named: "Good") != nil, "it is kept")
        for number in 0..<2 * Limits.queryZonesMax { _ = zones.zone(named: "None\(number)") }
        #expect(zones.zone(named: "Good") == nil, "the memory of names is bounded")
    }
}

/// Schemas of several nodes add up.
@Suite struct SchemaMergerTests {
    private func schema(
        _ name: String, _ count: Int64, _ properties: [(String, PropertyType)]
    ) throws -> CollectionSchema {
        CollectionSchema(
            collection: try CollectionName(name), eventCount: count,
            properties: try properties.map {
                PropertySchema(path: try PropertyPath($0.0), type: $0.1)
            })
    }

    @Test func everyPropertyOnceByName() throws {
        let parts = try [
            [schema("b", 2, [("x", .null), ("y", .number), ("y", .bool)])],
            [
                schema("a", 1, []),
                schema("b", 3, [("a", .array), ("x", .datetime), ("y", .string)]),
            ],
        ]
        let expected = try [
            schema("a", 1, []), schema("b", 5, [("a", .array), ("x", .datetime), ("y", .string)]),
        ]
        for order in [parts, parts.reversed()] {
            var merger = SchemaMerger()
            for part in order { merger.add(part) }
            #expect(merger.finish() == expected)
        }
    }
}
