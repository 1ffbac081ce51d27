import Base
import Testing

@testable import Import

/// Lines come out the same however the bytes are cut into pieces, and memory is bounded.
@Suite struct LineSplitterTests {
    private func lines(_ pieces: [[UInt8]], lineBytesMax: Int = 100) -> [Line] {
        var splitter = LineSplitter(lineBytesMax: lineBytesMax)
        var lines: [Line] = []
        for piece in pieces {
            splitter.append(piece)
            while let line = splitter.next() { lines.append(line) }
        }
        if let line = splitter.finish() { lines.append(line) }
        return lines
    }

    /// Every text of up to six bytes over a small alphabet, at every cut into two pieces, has the
    /// lines that splitting the whole text has.
    @Test func everySmallTextAtEveryCut() {
        let alphabet = Array("a\r\n".utf8)
        var texts: [[UInt8]] = [[]]
        for _ in 0..<6 { texts += texts.flatMap { text in alphabet.map { text + [$0] } } }
        for text in Set(texts) {
            var expected = text.split(separator: 10, omittingEmptySubsequences: false).map(
                Array.init)
            if expected.last == [] { expected.removeLast() }
            let wanted = expected.map { $0.last == 13 ? Array($0.dropLast()) : $0 }
            for cut in 0...text.count {
                let found = lines([Array(text[..<cut]), Array(text[cut...])])
                #expect(found.map(\.bytes) == wanted, "\(text) at \(cut)")
                #expect(found.map(\.number) == Array(1..<(wanted.count + 1)))
            }
        }
    }

    /// A line at the limit is whole; one beyond it is marked, cut short, and harms no other.
    @Test func longLinesAreMarkedAndBounded() {
        let long = [UInt8](repeating: 0x61, count: 5000)
        for end in [[10], [13, 10]] as [[UInt8]] {
            let text = Array(long[..<3000]) + end + Array(long[..<3001]) + end + [0x62] + end
            for step in [1, 7, 4096, 10_000] {
                let pieces = stride(from: 0, to: text.count, by: step).map {
                    Array(text[$0..<min($0 + step, text.count)])
                }
                let found = lines(pieces, lineBytesMax: 3000)
                #expect(found.map(\.isTooLong) == [false, true, false])
                #expect(found[0].bytes.count == 3000)
                #expect(found[1].bytes.count <= 1024)
                #expect(found[2].bytes == [0x62])
            }
        }
    }
}

/// One bad line of ndjson is rejected with its number; the others are events.
@Suite struct NDJSONReaderTests {
    @Test func badLinesAreNamed() {
        var reader = NDJSONReader()
        reader.append(Array("{\"a\":1}\n\n  \n[1]\n{\"a\":\n42\r\n{} \n{\"b\":2}".utf8))
        var records: [InputRecord] = []
        while let record = reader.next() { records.append(record) }
        if let record = reader.finish() { records.append(record) }
        #expect(records.map(\.line) == [1, 4, 5, 6, 7, 8])
        let events = records.compactMap { record -> String? in
            guard case .event(_, let json) = record else { return nil }
            return String(decoding: json, as: UTF8.self)
        }
        #expect(events == [#"{"a":1}"#, "{} ", #"{"b":2}"#])
    }
}
