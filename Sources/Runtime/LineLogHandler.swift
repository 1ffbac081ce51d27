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
        let line = line(event, at: wallClockMilliseconds()) + "\n"
        // If nobody reads the log there is nobody to tell.
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }

    /// The event as one line, without its end.
    func line(_ event: LogEvent, at milliseconds: Int64) -> String {
        var fields = metadata
        fields.merge(metadataProvider?.get() ?? [:]) { $1 }
        fields.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { fields["error"] = "\(error)" }
        let time = Timestamp(milliseconds: milliseconds).description
        return isJSON ? json(time, event, fields) : text(time, event, fields)
    }

    private func text(_ time: String, _ event: LogEvent, _ fields: Logger.Metadata) -> String {
        var line = "\(time) \(event.level) \(label): \(event.message)"
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Self.quotedIfNeeded("\(value)"))"
        }
        return line
    }

    private func json(_ time: String, _ event: LogEvent, _ fields: Logger.Metadata) -> String {
        var object: [String: String] = fields.mapValues { "\($0)" }
        object["time"] = time
        object["level"] = "\(event.level)"
        object["label"] = label
        object["message"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings always encode; an empty object would only follow from a bug of the encoder.
        return String(decoding: (try? encoder.encode(object)) ?? Data("{}".utf8), as: UTF8.self)
    }

    /// A value that came from outside must not be able to forge a line or steer a terminal.
    private static func quotedIfNeeded(_ value: String) -> String {
        let isPlain = value.unicodeScalars.allSatisfy {
            $0.value > 0x20 && !isControl($0) && $0 != "\"" && $0 != "\\"
        }
        guard !isPlain || value.isEmpty else { return value }
        return "\"" + value.unicodeScalars.map(escaped).joined() + "\""
    }

    /// Controls, those above ASCII included (U+009B begins a terminal's command as well), line ends
    /// of Unicode, and marks that turn the direction of what follows.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case _ where isControl(scalar):
            "\\u{" + String(scalar.value, radix: 16) + "}"
        default: String(scalar)
        }
    }
}
