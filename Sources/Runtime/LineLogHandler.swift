// Log lines on standard error: one event a line, as text for people or as JSON for machines.

internal import Base
internal import Foundation
package import Logging
internal import Model

/// Writes each event with one system call, so that lines of several threads never mix.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let isJSON: Bool

    package init(label: String, level: Logger.Level, isJSON: Bool) {
        self.label = label
        logLevel = level
        self.isJSON = isJSON
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadata
        fields.merge(metadataProvider?.get() ?? [:]) { $1 }
        fields.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { fields["error"] = "\(error)" }
        let now = Timestamp(milliseconds: wallClockMilliseconds()).description
        let line =
            isJSON
            ? json(now, event, fields)
            : text(now, event, fields)
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    private func text(_ now: String, _ event: LogEvent, _ fields: Logger.Metadata) -> String {
        var line = "\(now) \(event.level) \(label): \(event.message)"
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(oneLine("\(value)"))"
        }
        return line
    }

    private func json(_ now: String, _ event: LogEvent, _ fields: Logger.Metadata) -> String {
        var object: [String: String] = fields.mapValues { "\($0)" }
        object["time"] = now
        object["level"] = "\(event.level)"
        object["label"] = label
        object["message"] = "\(event.message)"
        // Strings always encode; an empty object would only follow from a bug of the encoder.
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: (try? encoder.encode(object)) ?? Data("{}".utf8), as: UTF8.self)
    }

    /// A value that came from outside must not be able to forge a line.
    private func oneLine(_ value: String) -> String {
        let clean = value.replacing("\n", with: "\\n").replacing("\r", with: "\\r")
        return clean.contains(" ") ? "\"\(clean)\"" : clean
    }
}
