import Base
import JSON
import Testing

/// Documents are read as JSON says; anything else is refused with its kind and place.
@Suite struct JSONParserTests {
    @Test(
        arguments: [
            ("null", .null), ("true", true), (" false ", false), ("0", 0), ("-1", -1),
            ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)),
            ("18446744073709551615", .double(18_446_744_073_709_551_616)),
            ("1.5", 1.5), ("1.0", .double(1)), ("1e3", .double(1000)), ("-0.0", .double(-0.0)),
            ("5e-324", .double(.leastNonzeroMagnitude)),
            ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
            ("\"\"", ""), ("\"a\\n\\u00e9\\ud83d\\ude00\\\\\"", "a\né😀\\"), ("\"\\u0000\"", "\0"),
            ("[]", []), ("{}", [:]), ("[1,[2],{\"a\":null}]", [1, [2], ["a": nil]]),
            ("{\"a\":{\"b\":[]},\"c\":\"d\"}", ["a": ["b": []], "c": "d"]),
            ("\u{FEFF}{\"a\":1}", ["a": 1]),
        ] as [(String, JSONValue)])
    func reads(text: String, expected: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == expected)
    }

    @Test(
        arguments: [
            ("", .empty, nil), ("  ", .empty, nil), ("{", .structure, 1), ("[1,]", .structure, 3),
            ("{\"a\" 1}", .structure, 5), ("{\"a\":1,}", .structure, 7), ("[1] x", .structure, 4),
            ("{\"a\":1}}", .structure, 7), ("[1}", .structure, 2), ("tru", .literal, 3),
            ("[nulL]", .literal, 4), ("[1.]", .number, 3), ("[01]", .number, 2),
            ("[18446744073709551616]", .number, 1), ("[1e400]", .number, 1),
            ("[+1]", .structure, 1),
            ("[\"\\x\"]", .string, 2), ("[\"\\ud800\"]", nil, 2), ("[\"a\\udc00\"]", nil, 3),
            ("[\"\\ud800\\ud800\"]", nil, 2), ("\"abc", .unclosedString, 4),
            ("[\"a\u{1}\"]", .controlCharacter, 3), ("\u{FEFF}[1}", .structure, 5),
        ] as [(String, JSONError.Code?, Int?)])
    func refuses(text: String, code: JSONError.Code?, offset: Int?) throws {
        let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
        if let code { #expect(error.code == code, "\(text)") }
        #expect(error.offset == offset, "\(text): \(error)")
    }

    @Test func invalidUTF8IsRefusedWithItsPlace() throws {
        let bytes = Array("[\"é".utf8) + [0xC3, 0x28] + Array("\"]".utf8)
        let error = try #require(throws: JSONError.self) { try JSONValue(parsing: bytes) }
        #expect(error == JSONError(code: .invalidUTF8, offset: 4))
    }

    @Test func nestingBeyondTheLimitIsRefused() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(
                (String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        let parser = JSONParser(depthMax: 8)
        _ = try parser.parse(nested(7))
        #expect(throws: JSONError(code: .tooDeep)) { _ = try parser.parse(nested(9)) }
        #expect(throws: JSONError(code: .tooDeep)) {
            try JSONValue(parsing: nested(Limits.jsonDepthMax + 1))
        }
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: [UInt8](repeating: 0x5B, count: 1 << 20))
        }
    }

    @Test func ofRepeatedNamesTheLastCounts() throws {
        let value = try JSONValue(parsing: "{\"a\":1,\"b\":2,\"a\":3}")
        #expect(value == ["a": 3, "b": 2])
        let parser = JSONParser()
        #expect(try parser.parse(Array("{\"a\":1,\"b\":2,\"a\":3}".utf8)).root["a"]?.int == 3)
    }

    /// A parser that met a huge document goes on working, with less memory.
    @Test func oneParserTakesAnySizesInAnyOrder() throws {
        let parser = JSONParser()
        for count in [1, 300_000, 2, 1_000, 250_000, 1] {
            let text = "[" + Array(repeating: "12345678", count: count).joined(separator: ",") + "]"
            var sum = 0
            for element in try parser.parse(Array(text.utf8)).root.elements {
                sum += Int(element.int ?? 0)
            }
            #expect(sum == count * 12_345_678)
        }
    }

    @Test func tapeGivesKindsWithoutStrings() throws {
        let parser = JSONParser()
        let root = try parser.parse(
            Array("{\"n\":null,\"i\":1,\"d\":2.5,\"s\":\"x\",\"a\":[1,2],\"o\":{}}".utf8)
        ).root
        #expect(
            root.members.map { $0.value.kind } == [.null, .int, .double, .string, .array, .object])
        #expect(root["s"]?.string?.equals("x") == true)
        #expect(root["a"]?.childCount == 2)
        #expect(root["a"]?.elements.reduce(0) { $0 + ($1.int ?? 0) } == 3)
        #expect(root["i"]?.members.contains { _ in true } == false)
        #expect(root["missing"] == nil)
        #expect(root["i"]?.double == 1)
    }

    /// Counting tokens along the tape leads to every value's place in the source.
    @Test func tokensLeadToTheSource() throws {
        let text = " { \"a\" : [ 10 , {\"b\":\"x,y\"} ] , \"c\" : true } "
        let bytes = Array(text.utf8)
        let parser = JSONParser()
        let tape = try parser.parse(bytes)
        let found = (0..<tape.tokenCount).map { bytes[tape.sourceOffset(ofToken: $0)] }
        #expect(String(decoding: found, as: UTF8.self) == "{\":[1,{\":\"}],\":t}")
    }
}
