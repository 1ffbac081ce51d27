import Base
import JSON
import Testing

/// The scanner says what the parser says, or nothing.
@Suite struct JSONScannerTests {
    /// What the scanner makes of a document, with simdjson's values where it says nothing itself.
    private enum Scanned: Equatable {
        case unknown
        case string([UInt8])
        case number(JSONNumber)
        case document([UInt8])
    }

    private func scan(_ text: String) -> Scanned { scan(Array(text.utf8)) }

    private func scan(_ bytes: [UInt8]) -> Scanned {
        let scratch = JSONScratch()
        return bytes.withUnsafeBytes { bytes in
            guard var scanner = JSONScanner(bytes, scratch: scratch) else { return .unknown }
            let found: Scanned
            switch scanner.peek() {
            case UInt8(ascii: "\""):
                guard let text = scanner.string() else { return .unknown }
                found = .string(Array(text))
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                guard let text = scanner.document() else { return .unknown }
                found = .document(Array(text))
            case 0: return .unknown
            default:
                guard let number = scanner.number() else { return .unknown }
                found = .number(number)
            }
            return scanner.isAtEnd() ? found : .unknown
        }
    }

    /// The same by the parser; nil if the document is refused or a word.
    private func parsed(_ bytes: [UInt8], _ parser: JSONParser) -> Scanned? {
        guard let root = try? parser.parse(bytes).root else { return nil }
        switch root.kind {
        case .string: return .string(Array(root.string?.bytes ?? .init(start: nil, count: 0)))
        case .int: return .number(.int(root.int ?? 0))
        case .double: return .number(.double(root.double ?? 0))
        case .null, .bool: return nil
        case .array, .object:
            var writer = JSONWriter()
            writer.value(root)
            return .document(writer.bytes)
        }
    }

    @Test(
        arguments: [
            ("0", .int(0)), ("-0", .int(0)), ("7", .int(7)), ("-12345678", .int(-12_345_678)),
            ("123456789", .int(123_456_789)),
            ("999999999999999999", .int(999_999_999_999_999_999)), (" 10 ", .int(10)),
            ("0.00", .double(0)), ("-0.0", .double(-0.0)), ("208.23", .double(208.23)),
            ("0.1", .double(0.1)), ("0.9007199254740991", .double(0.9007199254740991)),
            ("90071992547409.92", .double(90_071_992_547_409.92)),
        ] as [(String, JSONNumber)])
    func numbersAreKnown(text: String, number: JSONNumber) {
        guard case .number(let found) = scan(text) else {
            Issue.record("\(text) is not known")
            return
        }
        switch (found, number) {
        case (.double(let left), .double(let right)):
            #expect(left.bitPattern == right.bitPattern, "\(text)")
        default: #expect(found == number, "\(text)")
        }
    }

    @Test(arguments: [
        "01", "-", "-a", "1.", ".5", "1e5", "1.5E3", "1.2.3", "+1", "1234567890123456789",
        "0.1234567890123456789", "9007199254740993.5", "12x", "1 2", "00000000", "--1",
    ])
    func otherNumbersAreLeftToTheParser(text: String) { #expect(scan(text) == .unknown) }

    @Test func stringsAreUnescaped() {
        let text =
            #""plain text of some length, then \"quotes\" \\ \/ \b\f\n\r\t \u00e9\ud83d\ude00é語😀""#
        let expected = "plain text of some length, then \"quotes\" \\ / \u{8}\u{C}\n\r\t é😀é語😀"
        #expect(scan(text) == .string(Array(expected.utf8)))
        #expect(scan("\"\"") == .string([]))
        #expect(scan("\"1234567\"") == .string(Array("1234567".utf8)))
        #expect(scan("\"12345678\"") == .string(Array("12345678".utf8)))
    }

    @Test(arguments: [
        "\"", "\"abc", "\"a\\\"", "\"\\x\"", "\"\\ud800\"", "\"\\ude00\"", "\"\\ud800\\u0041\"",
        "\"\\u00g0\"", "\"\\u12\"", "\"a\nb\"", "\"a\tlonger than a word\"", "\"a\" b",
    ])
    func wrongStringsAreLeftToTheParser(text: String) { #expect(scan(text) == .unknown) }

    /// Every pair of bytes behind a byte that is not ASCII, and every first byte before a good
    /// rest: the edges of UTF-8.
    @Test func onlyUTF8IsTaken() {
        for first in UInt8(0x80)...0xFF {
            for second in UInt8(0x70)...0xFF {
                for rest in [[], [0x80], [0x80, 0xBF], [0x80, 0x7F]] as [[UInt8]] {
                    let inside = [first, second] + rest
                    let isValid = String(validating: inside, as: UTF8.self) != nil
                    let expected = isValid ? Scanned.string(inside) : .unknown
                    #expect(scan([0x22] + inside + [0x22]) == expected, "\(inside)")
                }
            }
        }
    }

    @Test func arraysLoseTheirSpacesOnly() {
        #expect(
            scan("[ 1 , \"a b\" , [ true ,null, { \"c\" : -2 } ] , { } , [ ] ]")
                == .document(Array("[1,\"a b\",[true,null,{\"c\":-2}],{},[]]".utf8)))
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        for text in [
            "[1.5]", "[-0]", "[1,]", "[,1]", "[\"\\n\"]", "{\"a\"}", "{\"a\":1,}", "{1:2}", "[1}",
            "[tru]", "[", "{\"a\":", deep,
        ] {
            #expect(scan(text) == .unknown, "\(text)")
        }
    }

    /// Documents of all kinds and their damages: never anything else than the parser says, and of
    /// those that nobody has damaged, most.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func whatIsSaidIsWhatTheParserSays(seed: UInt64) {
        var random = PRNG(seed: seed)
        let parser = JSONParser()
        var known = 0
        for _ in 0..<2_000 {
            var bytes = Self.document(&random, depth: 3)
            let isDamaged = Bool.random(using: &random)
            if isDamaged {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch random.next() % 3 {
                case 0: bytes[place] = .random(in: 0...255, using: &random)
                case 1:
                    bytes[place] =
                        Array("\"\\{}[],:0e.- \u{1}".utf8).randomElement(using: &random) ?? 0
                default: bytes.removeSubrange(place...)
                }
            }
            let found = scan(bytes)
            guard found != .unknown else { continue }
            known += 1
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(parsed(bytes, parser) == found, "seed \(seed): \(text)")
            if case .number(.double(let value)) = found,
                case .number(.double(let other))? = parsed(bytes, parser)
            {
                #expect(value.bitPattern == other.bitPattern, "seed \(seed): \(text)")
            }
        }
        #expect(known > 500, "seed \(seed)")
    }

    private static func document(_ random: inout PRNG, depth: Int) -> [UInt8] {
        let space = ["", "", " ", "\n\t"].randomElement(using: &random) ?? ""
        var text: String
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0:
            text = "\(Int64(bitPattern: random.next() >> random.next(upperBound: 64 as UInt64)))"
        case 1:
            text = "\(Int.random(in: -99_999...99_999, using: &random)).\(random.next() >> 20)"
            if Bool.random(using: &random) { text.removeLast(max(text.count - 9, 0)) }
        case 2: text = "\(Double(bitPattern: random.next()))"
        case 3: text = ["true", "false", "null", "{}", "[]"].randomElement(using: &random) ?? ""
        case 4, 5: text = string(&random)
        case 6, 7:
            let elements = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                String(decoding: document(&random, depth: depth - 1), as: UTF8.self)
            }
            text = "[\(elements.joined(separator: ","))]"
        default:
            let members = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                string(&random) + ":"
                    + String(decoding: document(&random, depth: depth - 1), as: UTF8.self)
            }
            text = "{\(members.joined(separator: ","))}"
        }
        return Array((space + text + space).utf8)
    }

    private static func string(_ random: inout PRNG) -> String {
        let pieces = [
            "a", "word", "é", "語", "😀", "\\n", "\\\"", "\\/", "\\u00e9", "\\ud83d\\ude00",
            "sixteen letters ", "\u{7F}",
        ]
        // Mostly plain ones, or hardly any array would be known.
        let count = Int.random(in: 0...5, using: &random)
        let isPlain = random.next() % 4 > 0
        let text = (0..<count).map { _ in
            (isPlain
                ? pieces[..<5].randomElement(using: &random) : pieces.randomElement(using: &random))
                ?? ""
        }
        return "\"\(text.joined())\""
    }
}
