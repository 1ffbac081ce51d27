import Model
import Supervisor
import Testing

/// The plan gives every process an address of its own and the settings it needs.
@Suite struct ClusterPlanTests {
    private func plan(_ change: (inout ClusterOptions) -> Void = { _ in }) throws -> ClusterPlan {
        var options = ClusterOptions(dataDirectory: "/data", executableDirectory: "/bin")
        change(&options)
        let record = ClusterRecord(
            partitions: 4, stores: options.stores ?? 1, project: try ProjectID("p1"))
        let ports = (0..<ClusterPlan.portCount(options, record)).map { 4000 + UInt16($0) }
        return ClusterPlan(
            options: options, record: record, ports: ports, secretFile: "/data/secret")
    }

    /// The ports of `--base-port 4000` are those that the documentation shows.
    @Test func basePortsAreInTheDocumentedOrder() throws {
        let plan = try plan()
        #expect(plan.addresses(of: .query) == ["127.0.0.1:4000"])
        #expect(plan.addresses(of: .collector) == ["127.0.0.1:4001"])
        #expect(plan.addresses(of: .lag) == ["127.0.0.1:4002"])
        #expect(plan.addresses(of: .log) == ["127.0.0.1:4003"])
        #expect(plan.addresses(of: .store) == ["127.0.0.1:4004"])
    }

    @Test func noPortIsGivenTwice() throws {
        let plan = try plan {
            $0.collectors = 3
            $0.workers = 2
            $0.queries = 2
            $0.stores = 3
        }
        let addresses = plan.processes.flatMap { Set([$0.address, $0.admin]) }
        #expect(Set(addresses).count == addresses.count)
        #expect(plan.processes.count == 1 + 3 + 2 + 3 + 2 + 1)
    }

    @Test func aForeignLogIsNotStarted() throws {
        let plan = try plan { $0.logBrokers = ["kafka:9092"] }
        #expect(plan.addresses(of: .log).isEmpty)
        #expect(plan.brokers == ["kafka:9092"])
        #expect(plan.processes.allSatisfy { $0.settings["log.brokers"] == .list(["kafka:9092"]) })
    }

    @Test func settingsBecomeReadableYAML() {
        let yaml = configurationYAML([
            "log.brokers": .list(["127.0.0.1:1"]), "store.data": .text("/a \"b\""),
            "store.addresses": .list(["x", "y"]), "events.partitions": .number(4),
        ])
        #expect(
            yaml.split(separator: "\n").dropFirst().joined(separator: "\n") == """
                events:
                  partitions: 4
                log:
                  brokers: ["127.0.0.1:1"]
                store:
                  addresses: ["x", "y"]
                  data: "/a \\"b\\""
                """)
    }
}

/// What the data depend on is remembered, and a start that does not fit is refused.
@Suite struct ClusterRecordTests {
    @Test func recordReadsBack() throws {
        let record = ClusterRecord(partitions: 8, stores: 2, project: try ProjectID("abc"))
        #expect(try ClusterRecord(json: record.json) == record)
    }

    @Test(arguments: ["", "{}", #"{"partitions": 0, "stores": 1, "project": "a"}"#, "[1]"])
    func damagedRecordIsAnError(text: String) {
        #expect(throws: (any Error).self) { try ClusterRecord(json: Array(text.utf8)) }
    }

    @Test func anotherShapeIsRefused() throws {
        let record = ClusterRecord(partitions: 8, stores: 2, project: try ProjectID("abc"))
        var options = ClusterOptions(dataDirectory: "/d", executableDirectory: "/b")
        options.stores = 2
        try record.check(options)
        options.partitions = 4
        #expect(throws: SupervisorError.self) { try record.check(options) }
        options.partitions = 8
        options.stores = 3
        #expect(throws: SupervisorError.self) { try record.check(options) }
    }
}

/// A crash loop slows down, and one crash is forgotten.
@Suite struct RestartPolicyTests {
    @Test func delaysGrowAndAreForgotten() {
        var policy = RestartPolicy()
        let delays = (0..<10).map { _ in policy.delay(afterUptime: .seconds(1)) }
        #expect(delays.first == .milliseconds(50))
        #expect(delays == delays.sorted())
        #expect(delays.last == .seconds(5))
        #expect(policy.delay(afterUptime: .seconds(60)) == .milliseconds(50))
    }
}

/// Ports that are chosen free can be listened on, and a taken base port is named.
@Suite struct FreePortsTests {
    @Test func chosenPortsAreDistinctAndBelowTheEphemeralRange() throws {
        var random = SystemRandomNumberGenerator()
        let ports = try freePorts(count: 20, using: &random)
        #expect(Set(ports).count == 20)
        #expect(ports.allSatisfy { $0 >= 10_000 && $0 < 32_000 })
    }

    @Test func absurdBasePortIsRefused() {
        #expect(throws: SupervisorError.self) { try consecutivePorts(from: 65_530, count: 20) }
    }
}
