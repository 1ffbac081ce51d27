import Base
import Model
import Plan
import Testing
import Wire

/// Control records keep their bytes and are never taken for events.
@Suite struct ControlRecordTests {
    private func commands() throws -> [ControlCommand] {
        [
            .deleteCollection,
            .deleteEvents(timeframe: nil, filters: []),
            .deleteEvents(
                timeframe: Timestamp(milliseconds: 0)..<Timestamp(milliseconds: 100),
                filters: [.compare(try PropertyPath("a.b"), .equal, .int(1))]),
            .deleteProperty(try PropertyPath("user.email")),
            .keep(milliseconds: nil), .keep(milliseconds: 86_400_000),
        ]
    }

    @Test func bytesAreGolden() throws {
        let bytes = try commands().map { hexadecimal($0.encoded.dropLast(4)) }
        #expect(
            bytes == [
                "004d5243" + "01" + "01", "004d5243" + "01" + "02" + "00" + "00",
                "004d5243" + "01" + "02" + "01" + "00" + "c801" + "01" + "01" + "03612e62" + "00"
                    + "0402",
                "004d5243" + "01" + "03" + "0a757365722e656d61696c",
                "004d5243" + "01" + "04" + "00",
                "004d5243" + "01" + "04" + "01" + "80f0b252",
            ])
        #expect(hexadecimal(ControlCommand.deleteCollection.encoded) == "004d52430101" + "2c5a6f4c")
    }

    @Test func theyReadBackAndAreNoJSON() throws {
        for command in try commands() {
            #expect(try ControlCommand(command.encoded) == command)
            #expect(ControlCommand.isControl(command.encoded))
        }
        for text in ["{}", " {}", "\u{FEFF}{}", ""] {
            #expect(!ControlCommand.isControl(Array(text.utf8)))
        }
    }

    @Test func everyChangedBitIsAnError() throws {
        for command in try commands() {
            let clean = command.encoded
            for place in clean.indices {
                for bit in 0..<8 {
                    var changed = clean
                    changed[place] ^= 1 << bit
                    #expect(throws: ByteReaderError.self) { try ControlCommand(changed) }
                }
                #expect(throws: ByteReaderError.self) {
                    try ControlCommand(Array(clean[..<place]))
                }
            }
            #expect(throws: ByteReaderError.self) { try ControlCommand(clean + [0]) }
        }
    }

    @Test func timesOutOfRangeAreRefused() {
        for milliseconds in [0, -1, Int64.max, .min] {
            let bytes = ControlCommand.keep(milliseconds: milliseconds).encoded
            #expect(throws: ByteReaderError.self) { try ControlCommand(bytes) }
        }
    }
}
