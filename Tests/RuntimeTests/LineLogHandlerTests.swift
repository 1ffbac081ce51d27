import Foundation
import Logging
import Testing

@testable import Runtime

/// A log line is one line, whatever is in it, and a JSON line is JSON.
@Suite struct LineLogHandlerTests {
    private struct Cause: Error, CustomStringConvertible { let description = "disk full" }

    private func line(isJSON: Bool, metadata: Logger.Metadata = [:], error: (any Error)? = nil)
        -> String
    {
        var handler = LineLogHandler(label: "store", level: .info, isJSON: isJSON)
        handler[metadataKey: "shard"] = "3"
        let event = LogEvent(
            level: .warning, message: "write refused", error: error, metadata: metadata,
            source: "EventStore", file: "f", function: "g", line: 1)
        return handler.line(event, at: 1_588_327_200_123)
    }

    @Test func textIsGolden() {
        #expect(
            line(isJSON: false, metadata: ["a": "two words"], error: Cause())
                == "2020-05-01T10:00:00.123Z warning store: write refused "
                + #"a="two words" error="disk full" shard=3"#)
    }

    @Test func foreignTextCannotForgeALine() {
        let text = line(
            isJSON: false, metadata: ["peer": "x\n2020 error store: fire\r\u{1B}[2J\"q"])
        #expect(!text.contains("\n") && !text.contains("\r") && !text.contains("\u{1B}"))
        #expect(text.contains(#""x\n2020 error store: fire\r\u{1b}[2J\"q""#))
    }

    @Test(arguments: ["\u{9B}", "\u{85}", "\u{2028}", "\u{202E}", "\u{2066}"])
    func controlsAboveASCIIAreEscaped(control: String) {
        #expect(!line(isJSON: false, metadata: ["peer": "x\(control)y"]).contains(control))
    }

    @Test func jsonIsGolden() throws {
        let text = line(isJSON: true, metadata: ["a": "x\ny", "level": "fake"], error: Cause())
        #expect(
            text == #"{"a":"x\ny","error":"disk full","label":"store","level":"warning","#
                + #""message":"write refused","shard":"3","time":"2020-05-01T10:00:00.123Z"}"#)
    }
}
