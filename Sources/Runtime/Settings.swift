// Settings from flags, environment and file, in this order. Every value is read as text and
// converted here, so that one which is present but wrong is an error that names its key and its
// source; swift-configuration's own defaults would pass over it silently.

package import Base
internal import Configuration
package import Crypto
internal import Foundation

/// A setting that is missing or wrong; exit status 64.
package struct SettingsError: Error, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// The settings of one process.
package struct Settings: Sendable {
    private struct Source: Sendable {
        var name: String
        var prefix: [String]
        var values: any ConfigSnapshot
    }

    private let sources: [Source]
    /// Variables that look like settings but are none: worth a warning, though they may be meant
    /// for somebody else.
    package let unknownVariables: [String]

    /// Reads the file, if there is one; unknown keys in it are an error.
    package init(
        flags: [String: String], environment: [String: String], file: String?
    ) throws {
        unknownVariables = environment.keys.filter(Self.isUnknownVariable).sorted()
        let given = flags.map { key, value in
            (AbsoluteConfigKey(Self.parts(key)), ConfigValue(.string(value), isSecret: false))
        }
        var sources = [
            Source(
                name: "flag", prefix: [],
                values: InMemoryProvider(values: Dictionary(uniqueKeysWithValues: given))
                    .snapshot()),
            Source(
                name: "environment", prefix: ["millrace"],
                values: EnvironmentVariablesProvider(environmentVariables: environment).snapshot()),
        ]
        if let file {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw SettingsError("--config \(file): the file cannot be read")
            }
            let text = String(decoding: data, as: UTF8.self)
            guard try !SettingsFile(checking: text, path: file).isEmpty else {
                self.sources = sources
                return
            }
            do {
                let values = try YAMLSnapshot(
                    data: Array(data).span.bytes, providerName: file, parsingOptions: .default)
                sources.append(Source(name: file, prefix: [], values: values))
            } catch { throw SettingsError("\(file):\(Self.oneLine(error))") }
        }
        self.sources = sources
    }

    /// The parser says where and what in two lines, and draws the place below them.
    private static func oneLine(_ error: any Error) -> String {
        "\(error)".split(separator: "\n").prefix(2).joined(separator: ", ")
            .trimmingCharacters(in: CharacterSet(charactersIn: ": "))
    }

    private static func variable(_ key: String) -> String {
        "MILLRACE_" + key.uppercased().replacingOccurrences(of: ".", with: "_")
    }

    private static func isUnknownVariable(_ name: String) -> Bool {
        name.hasPrefix("MILLRACE_") && !SettingKeys.all.contains { variable($0.key) == name }
    }

    private static func parts(_ key: String) -> [String] {
        key.split(separator: ".").map(String.init)
    }

    /// The value's text and where it came from.
    private func lookUp(_ key: String) throws -> (text: String, source: String)? {
        precondition(SettingKeys.exists(key), "setting \(key) is not in the table")
        for source in sources {
            let path = AbsoluteConfigKey(source.prefix + Self.parts(key))
            if let value = try? source.values.value(forKey: path, type: .string).value,
                case .string(let text) = value.content
            {
                return (text, source.name)
            }
            // A list in the file does not convert to a string; as text it is comma-separated.
            if let value = try? source.values.value(forKey: path, type: .stringArray).value,
                case .stringArray(let texts) = value.content
            {
                return (texts.joined(separator: ","), source.name)
            }
        }
        return nil
    }

    private func wrong(_ key: String, _ found: (text: String, source: String), _ want: String)
        -> SettingsError
    {
        SettingsError("setting \(key) (\(found.source)): '\(found.text)' is not \(want)")
    }

    private func missing(_ key: String) -> SettingsError {
        SettingsError("setting \(key) is missing (flag, \(Self.variable(key)), or the file)")
    }

    /// The text, or `fallback`; without a fallback a missing value is an error.
    package func string(_ key: String, default fallback: String? = nil) throws -> String {
        if let found = try lookUp(key) { return found.text }
        guard let fallback else { throw missing(key) }
        return fallback
    }

    /// The text if there is one.
    package func optionalString(_ key: String) throws -> String? { try lookUp(key)?.text }

    package func integer(
        _ key: String, default fallback: Int? = nil, in range: ClosedRange<Int>
    ) throws -> Int {
        guard let found = try lookUp(key) else {
            guard let fallback else { throw missing(key) }
            return fallback
        }
        guard let value = Int(found.text), range.contains(value) else {
            throw wrong(
                key, found, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A number of milliseconds.
    package func milliseconds(
        _ key: String, default fallback: Int? = nil, in range: ClosedRange<Int>
    ) throws -> Duration {
        .milliseconds(try integer(key, default: fallback, in: range))
    }

    package func bool(_ key: String, default fallback: Bool) throws -> Bool {
        guard let found = try lookUp(key) else { return fallback }
        switch found.text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: throw wrong(key, found, "true or false")
        }
    }

    /// One of the words in `choices`.
    package func choice(_ key: String, default fallback: String, of choices: [String]) throws
        -> String
    {
        guard let found = try lookUp(key) else { return fallback }
        guard choices.contains(found.text) else {
            throw wrong(key, found, "one of \(choices.joined(separator: ", "))")
        }
        return found.text
    }

    package func hostPort(_ key: String, default fallback: String? = nil) throws -> HostPort {
        let found = try lookUp(key) ?? fallback.map { ($0, "default") }
        guard let found else { throw missing(key) }
        guard let value = HostPort(found.text) else { throw wrong(key, found, "HOST:PORT") }
        return value
    }

    /// A list of addresses, comma-separated or a YAML list; at least one.
    package func hostPorts(_ key: String) throws -> [HostPort] {
        guard let found = try lookUp(key) else { throw missing(key) }
        let values = found.text.split(separator: ",").map { HostPort($0.trimmed) }
        guard !values.isEmpty, !values.contains(nil) else {
            throw wrong(key, found, "HOST:PORT,…")
        }
        return values.compactMap(\.self)
    }

    /// The same as texts, for clients that parse addresses themselves.
    package func strings(_ key: String) throws -> [String] { try hostPorts(key).map(\.description) }

    /// The cluster's secret, from `cluster.secret` or the file named by `cluster.secret_file`.
    package func clusterSecret() throws -> ClusterSecret {
        if let text = try optionalString("cluster.secret") {
            return try secret(text, from: "cluster.secret")
        }
        guard let file = try optionalString("cluster.secret_file") else {
            throw missing("cluster.secret_file")
        }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw SettingsError("setting cluster.secret_file: \(file) cannot be read")
        }
        return try secret(String(decoding: data, as: UTF8.self), from: "cluster.secret_file")
    }

    private func secret(_ text: String, from key: String) throws -> ClusterSecret {
        do throws(InvalidSecret) {
            return try ClusterSecret(text)
        } catch {
            throw SettingsError("setting \(key): \(error.message)")
        }
    }

    /// Key and value of every setting that was given, secrets redacted.
    package var effective: [(key: String, value: String)] {
        SettingKeys.all.compactMap { entry in
            guard let found = try? lookUp(entry.key) else { return nil }
            return (entry.key, SettingKeys.secrets.contains(entry.key) ? "<redacted>" : found.text)
        }
    }
}

extension StringProtocol {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
