import Base
import Crypto
import Foundation
import Testing

@testable import Runtime

/// Settings come from the right place, and nothing wrong passes as a default.
@Suite struct SettingsTests {
    /// A settings file that goes away again.
    private func withFile<Result>(
        _ text: String, _ body: (String) throws -> Result
    ) throws -> Result {
        let path = NSTemporaryDirectory() + "millrace-settings-\(UUID().uuidString).yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    private func settings(
        flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil
    ) throws -> Settings {
        guard let file else {
            return try Settings(flags: flags, environment: environment, file: nil)
        }
        return try withFile(file) {
            try Settings(flags: flags, environment: environment, file: $0)
        }
    }

    /// What the error says; nil when there is none.
    private func message(_ body: () throws -> some Any) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? SettingsError)?.description ?? "another error: \(error)"
        }
    }

    private static let file = """
        # One file for all processes.
        events:
          partitions: 16
        log:
          brokers: [a:1, "b:2"]
        store:
          addresses:
            - c:3
            - d:4
          data: "/var/lib/store"   # a remark
        log_server:
          auto_create_topics: true
        """

    @Test func flagsWinOverEnvironmentOverFileOverDefault() throws {
        let flags = ["events.partitions": "1"]
        let environment = ["MILLRACE_EVENTS_PARTITIONS": "2", "MILLRACE_QUERY_TIMEOUT_MS": "3"]
        let all = try settings(flags: flags, environment: environment, file: Self.file)
        #expect(try all.integer("events.partitions", default: 9, in: 1...100) == 1)
        let two = try settings(environment: environment, file: Self.file)
        #expect(try two.integer("events.partitions", default: 9, in: 1...100) == 2)
        #expect(try two.milliseconds("query.timeout_ms", in: 1...100) == .milliseconds(3))
        let one = try settings(file: Self.file)
        #expect(try one.integer("events.partitions", default: 9, in: 1...100) == 16)
        #expect(try settings().integer("events.partitions", default: 9, in: 1...100) == 9)
    }

    @Test func everyKindOfValueIsReadFromAFile() throws {
        let settings = try settings(file: Self.file)
        #expect(try settings.strings("log.brokers") == ["a:1", "b:2"])
        #expect(
            try settings.hostPorts("store.addresses")
                == [HostPort(host: "c", port: 3), HostPort(host: "d", port: 4)])
        #expect(try settings.string("store.data") == "/var/lib/store")
        #expect(try settings.bool("log_server.auto_create_topics", default: false))
        #expect(try settings.optionalString("cluster.secret") == nil)
    }

    @Test func listsInVariablesAreCommaSeparated() throws {
        let settings = try settings(environment: ["MILLRACE_LOG_BROKERS": "a:1, b:2"])
        #expect(try settings.strings("log.brokers") == ["a:1", "b:2"])
    }

    @Test(arguments: ["abc", "", "1.5", "0", "101", "99999999999999999999"])
    func aWrongNumberNamesKeyAndSource(text: String) throws {
        let settings = try settings(
            environment: ["MILLRACE_EVENTS_PARTITIONS": text], file: Self.file)
        let found = message { try settings.integer("events.partitions", default: 9, in: 1...100) }
        #expect(
            found == "setting events.partitions (environment): '\(text)' is not a whole number "
                + "from 1 to 100")
    }

    @Test func otherWrongValuesNameTheirKey() throws {
        let settings = try settings(flags: [
            "collector.listen": "nowhere", "log.brokers": "a:1,b", "logging.level": "loud",
            "log_server.auto_create_topics": "maybe",
        ])
        #expect(
            message { try settings.hostPort("collector.listen", default: "x:1") }
                == "setting collector.listen (flag): 'nowhere' is not HOST:PORT")
        #expect(message { try settings.hostPorts("log.brokers") }?.contains("log.brokers") == true)
        #expect(
            message {
                try settings.choice("logging.level", default: "info", of: ["info", "debug"])
            }
                == "setting logging.level (flag): 'loud' is not one of info, debug")
        #expect(
            message { try settings.bool("log_server.auto_create_topics", default: true) }
                == "setting log_server.auto_create_topics (flag): 'maybe' is not true or false")
    }

    @Test func aMissingValueSaysWhereItMayBeSet() throws {
        let settings = try settings()
        #expect(
            message { try settings.string("store.data") }
                == "setting store.data is missing (flag, MILLRACE_STORE_DATA, or the file)")
    }

    @Test(arguments: [
        ("stor:\n  data: x", ":1: there is no group of settings 'stor'"),
        ("store:\n  dta: x", ":2: there is no setting 'store.dta'"),
        ("store: {data: x}", ":1: the settings of 'store' go on lines of their own"),
        (
            "store:\n  data: {a: x}",
            ":2: 'store.data' needs a plain value, in quotes if it begins with {"
        ),
        ("store:\n  data:\n    deep: x", ":2: 'store.data' has no value"),
        ("store:\n  data: x\n    listen: y", ":3: 'listen' is not as far to the right"),
        ("store:\n  data:", ":2: 'store.data' has no value"),
        ("store:\n  data: x\n  data: y", ":3: 'store.data' occurs twice"),
        ("store:\n  data: x\nstore:\n  listen: y", ":3: 'store' occurs twice"),
        ("  data: x", ":1: 'data' belongs to no group"),
        ("- x", ":1: a list item without a setting"),
        ("store:\n  \"data\": x", ":2: the line is not of the form 'key: value'"),
        ("cluster:\n  secret:0123456789abcdef", ":2: the line is not of the form 'key: value'"),
        ("store:\n\tdata: x", "is not of the form 'key: value'"),
        ("store:\n  data: \"x", ":2:"), ("store:\n  data: \"x", "found unexpected end of stream"),
    ])
    func aWrongFileIsRefusedWithItsLine(text: String, expected: String) {
        let found = message { try settings(file: text) }
        #expect(found?.contains(expected) == true, "\(found ?? "no error")")
        #expect(found?.contains("\n") == false)
    }

    @Test(arguments: ["", "# only a remark\n", "---\n\n"])
    func anEmptyFileIsFine(text: String) throws {
        #expect(try settings(file: text).effective.isEmpty)
    }

    @Test func aFileThatCannotBeReadIsAnError() {
        let found = message {
            try Settings(flags: [:], environment: [:], file: "/nonexistent/millrace.yaml")
        }
        #expect(found == "--config /nonexistent/millrace.yaml: the file cannot be read")
    }

    @Test func unknownVariablesAreListed() throws {
        let settings = try settings(environment: [
            "MILLRACE_STORE_DTA": "x", "MILLRACE_STORE_DATA": "y", "HOME": "/",
        ])
        #expect(settings.unknownVariables == ["MILLRACE_STORE_DTA"])
    }

    @Test func secretsAreCheckedAndNotShown() throws {
        let secret = "0123456789abcdef"
        for short in ["", "short"] {
            let given = try settings(flags: ["cluster.secret": short])
            #expect(message { try given.clusterSecret() }?.contains("at least 16 bytes") == true)
        }
        let given = try settings(flags: ["cluster.secret": secret])
        _ = try given.clusterSecret()
        #expect(given.effective.map(\.value) == ["<redacted>"])
        try withFile(secret + "\n") { path in
            let named = try settings(flags: ["cluster.secret_file": path])
            #expect(
                try named.clusterSecret().authenticate([1])
                    == given.clusterSecret().authenticate([1]))
        }
        let nowhere = try settings(flags: ["cluster.secret_file": "/nonexistent"])
        #expect(message { try nowhere.clusterSecret() }?.contains("cannot be read") == true)
    }

    @Test func everyKeyHasTwoPartsAndAMeaning() {
        for (key, meaning) in SettingKeys.all {
            #expect(key.split(separator: ".").count == 2, "\(key)")
            #expect(!meaning.isEmpty)
        }
        #expect(Set(SettingKeys.all.map(\.key)).count == SettingKeys.all.count)
    }
}
