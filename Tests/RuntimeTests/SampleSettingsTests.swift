import Foundation
import Testing

@testable import Runtime

/// deploy/millrace.yaml is a file that every process accepts, and explains every setting.
@Suite struct SampleSettingsTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "deploy/millrace.yaml").path

    private func lines() throws -> [String] {
        try String(contentsOfFile: Self.path, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Dotted keys of the file, those that are commented out included, with the line before each.
    private func keys() throws -> [(key: String, before: String)] {
        var group = ""
        var found: [(key: String, before: String)] = []
        let lines = try lines()
        for (index, line) in lines.enumerated() {
            if let match = line.wholeMatch(of: /([a-z_]+):/) {
                group = String(match.output.1)
            } else if let match = line.wholeMatch(of: /\ \ (?:# )?([a-z_]+): .+/) {
                found.append((key: "\(group).\(match.output.1)", before: lines[index - 1]))
            }
        }
        return found
    }

    @Test func everySettingIsExplainedOnce() throws {
        let keys = try keys()
        #expect(keys.map(\.key).sorted() == SettingKeys.all.map(\.key).sorted())
        for (key, before) in keys {
            #expect(before.hasPrefix("  # "), "\(key) has no explanation above it")
        }
    }

    /// As it is, and with every default made a line of its own.
    @Test func fileIsAccepted() throws {
        _ = try Settings(flags: [:], environment: [:], file: Self.path)
        let all = try lines().map { line in
            line.wholeMatch(of: /\ \ # ([a-z_]+: .+)/).map { "  \($0.output.1)" } ?? line
        }
        let file = FileManager.default.temporaryDirectory
            .appending(path: "millrace-\(UUID().uuidString).yaml")
        try Data(all.joined(separator: "\n").utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let settings = try Settings(flags: [:], environment: [:], file: file.path)
        #expect(try settings.strings("log.brokers") == ["127.0.0.1:9092"])
        #expect(try settings.integer("query.timeout_ms", in: 1...100_000) == 60_000)
        #expect(try settings.bool("process.exit_with_parent", default: true) == false)
    }
}
