import Base
import JSON
import Testing

@testable import Import

/// CSV by RFC 4180, held against a plain reference and against cuts at every place.
@Suite struct CSVSplitterTests {
    private func rows(_ pieces: [[UInt8]], rowBytesMax: Int = 1000) -> [CSVRow] {
        var splitter = CSVSplitter(rowBytesMax: rowBytesMax)
        var rows: [CSVRow] = []
        for piece in pieces {
            splitter.append(piece)
            while let row = splitter.next() { rows.append(row) }
        }
        if let row = splitter.finish() { rows.append(row) }
        return rows
    }

    private func rows(_ text: String) -> [CSVRow] { rows([Array(text.utf8)]) }

    private func texts(_ row: CSVRow) -> [String] {
        row.fields.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// Every text of up to six bytes over the bytes that matter gives the same rows however it is
    /// cut, and never traps.
    @Test func everySmallTextAtEveryCut() {
        let alphabet = Array("a,\"\r\n".utf8)
        var texts: [[UInt8]] = [[]]
        var all = texts
        for _ in 0..<6 {
            texts = texts.flatMap { text in alphabet.map { text + [$0] } }
            all += texts
        }
        for text in all {
            let whole = rows([text])
            for cut in 1..<max(text.count, 1) {
                #expect(
                    rows([Array(text[..<cut]), Array(text[cut...])]) == whole, "\(text) \(cut)")
            }
        }
    }

    /// Fields written by the rules come back, whatever they hold. The seed is printed.
    @Test(arguments: 1...20) func writtenRowsComeBack(seed: UInt64) {
        var random = PRNG(seed: seed)
        let alphabet = Array("ab,\"\r\n é".utf8)
        var text: [UInt8] = []
        var wanted: [[[UInt8]]] = []
        for _ in 0..<50 {
            var row: [[UInt8]] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                row.append(
                    (0..<Int.random(in: 0...5, using: &random)).map { _ in
                        alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                    })
            }
            wanted.append(row)
            text += row.map { field in
                [0x22] + field.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] } + [0x22]
            }.joined(separator: [0x2C])
            text += Bool.random(using: &random) ? [13, 10] : [10]
        }
        let cut = Int.random(in: 0...text.count, using: &random)
        let found = rows([Array(text[..<cut]), Array(text[cut...])])
        #expect(found.map { $0.fields.map(\.bytes) } == wanted, "seed \(seed)")
        #expect(found.allSatisfy { $0.fault == nil })
    }

    @Test func plainFieldsAndLineNumbers() {
        let found = rows("a,b\r\n\r\n1,\"x\ny\"\n,\n\"\"\nlast")
        #expect(found.map(texts) == [["a", "b"], ["1", "x\ny"], ["", ""], [""], ["last"]])
        #expect(found.map(\.line) == [1, 3, 5, 6, 7])
        #expect(found[3].fields[0].isQuoted)
    }

    /// A row that breaks the rules says why, and the next row is whole.
    @Test(arguments: [
        "a\"b,c", "\"a\"b,c", "\"a\" ,c", "x,\"a\" \"b\"",
    ])
    func faultyRowsSpoilOnlyThemselves(row: String) {
        let found = rows("\(row)\nnext,row\n")
        #expect(found.map { $0.fault != nil } == [true, false])
        #expect(String(decoding: found[0].text, as: UTF8.self) == row)
        #expect(texts(found[1]) == ["next", "row"])
    }

    /// A quote that is never closed costs a bounded stretch, not the rest of the file.
    @Test func unclosedQuoteIsBounded() {
        let text = "a,\"b\n" + String(repeating: "1,2\n", count: 100)
        let found = rows([Array(text.utf8)], rowBytesMax: 50)
        #expect(found.first?.fault?.contains("longer than 50") == true)
        #expect(found.filter { $0.fault == nil }.count > 80)
        #expect(rows("a,\"b").first?.fault == "a quoted field is not closed")
    }
}

/// What header and fields mean.
@Suite struct CSVReaderTests {
    private func records(_ text: String, text columns: Set<String> = []) throws -> [InputRecord] {
        var reader = CSVReader(textColumns: columns)
        reader.append(Array(text.utf8))
        var records: [InputRecord] = []
        while let record = try reader.next() { records.append(record) }
        if let record = try reader.finish() { records.append(record) }
        return records
    }

    private func events(_ text: String, text columns: Set<String> = []) throws -> [String] {
        try records(text, text: columns).compactMap { record in
            guard case .event(_, let json) = record else { return nil }
            return String(decoding: json, as: UTF8.self)
        }
    }

    @Test func dotsInTheHeaderNest() throws {
        let events = try events(
            "keen.timestamp,carrier.code,flight,carrier.name\n"
                + "2013-01-01T05:15:00-05:00,UA,1545,United\n,,7,\n")
        #expect(
            events == [
                #"{"keen":{"timestamp":"2013-01-01T05:15:00-05:00"},"#
                    + #""carrier":{"code":"UA","name":"United"},"flight":1545}"#,
                #"{"flight":7}"#,
            ])
    }

    /// The documented types, each with what is close to it and not it.
    @Test(arguments: [
        ("1", "1"), ("-0", "-0"), ("1.50", "1.50"), ("-1e5", "-1e5"), ("1E+2", "1E+2"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", #""9223372036854775808""#),
        ("007", #""007""#), ("+1", #""+1""#), ("1.", #""1.""#), (".5", #"".5""#), ("-", #""-""#),
        ("1e999", #""1e999""#), ("1e", #""1e""#), ("0x1", #""0x1""#), ("NaN", #""NaN""#),
        ("true", "true"), ("FALSE", "false"), ("tRuE", "true"), ("truer", #""truer""#),
        ("NULL", #""NULL""#), (" 1", #"" 1""#), ("\"12\"", "12"), ("\"\"", #""""#),
        ("\"a\"\"b\"", #""a\"b""#), ("ünï", #""ünï""#),
    ])
    func fieldsHaveTypes(field: String, json: String) throws {
        let events = try events("a,b\n\(field),x\n")
        #expect(events == [#"{"a":\#(json),"b":"x"}"#])
        // Whatever is written is JSON.
        for event in events { _ = try JSONValue(parsing: event) }
    }

    @Test func namedColumnsStayText() throws {
        #expect(
            try events("zip,n\n02134,5\n10001,6\n", text: ["zip"]).last
                == #"{"zip":"10001","n":6}"#)
        #expect(throws: ImportError.self) { try events("zip\n1\n", text: ["zap"]) }
    }

    @Test(arguments: [
        "a,a\n1,2", "a,a.b\n1,2", "a.b,a\n1,2", ",b\n1,2", "a..b\n1", "a.\n1", "\"a\n",
    ])
    func headersWithoutSenseAreRefused(text: String) {
        #expect(throws: ImportError.self) { try events(text) }
    }

    @Test func rowsOfAnotherWidthOrEncodingAreRejected() throws {
        var reader = CSVReader(textColumns: [])
        reader.append(Array("a,b\n1\n1,2,3\n".utf8) + [0xFF, 0x2C, 0x31, 10])
        var reasons: [String] = []
        while let record = try reader.next() {
            guard case .rejected(let line) = record else { continue }
            reasons.append("\(line.line): \(line.reason)")
        }
        #expect(
            reasons == [
                "2: the row has 1 fields, the header 2", "3: the row has 3 fields, the header 2",
                "4: the row is not UTF-8",
            ])
    }
}
