import Base
import Bolts
import Columns
import Model
import TestSupport
import Testing

/// Scanned events become exactly what parsed ones become: the same rows, the same rejections.
@Suite struct EventScanFuzzTests {
    @Test(arguments: LongRun.seeds("fuzz", short: 3, perSecond: 4))
    func scannedIsParsed(seed: UInt64) {
        var random = PRNG(seed: seed)
        let decoders = [EventDecoder(), EventDecoder(scans: false)]
        var events = [DecodedEvents(), DecodedEvents()]
        for offset in 0..<3_000 {
            var bytes = Array(Self.event(&random, number: offset).utf8)
            if random.next() % 8 == 0 { Self.damage(&bytes, &random) }
            // A collection of its own for damage would hide what a failure leaves behind.
            let key = Array("p/c\(random.next() % 3)".utf8)
            for side in 0...1 {
                decoders[side].decode(
                    offset: Int64(offset), key: key, value: bytes, into: &events[side])
            }
        }
        #expect(events[0].rejected == events[1].rejected, "seed \(seed)")
        #expect(events[0].rollups == events[1].rollups, "seed \(seed)")
        #expect(events[0].parts.map(\.rows.rowCount).reduce(0, +) > 1_500, "seed \(seed)")
        let blocks = events.map { $0.blocks().map(\.bytes) }
        #expect(blocks[0] == blocks[1], "seed \(seed)")
    }

    /// An event that is left to the parser, and those behind it, are rows like any other.
    @Test func whatIsNotScannedIsParsed() throws {
        let decoder = EventDecoder()
        var events = DecodedEvents()
        for (offset, value) in ["1e3", "1", "[1.5]", "12345678901234567890", "2"].enumerated() {
            let event = #"{"a": \#(value), "keen": {"timestamp": "2020-05-01T10:30:00.000Z"}}"#
            decoder.decode(
                offset: Int64(offset), key: Array("p/c".utf8), value: Array(event.utf8),
                into: &events)
        }
        let block = try #require(events.parts.first).rows.finish()
        let column = try #require(try block.column(PropertyPath("a"))).decode()
        #expect(
            (0..<5).map { column.value(at: $0) } == [
                .double(1000), .int(1), .json("[1.5]"), .double(12_345_678_901_234_567_168),
                .int(2),
            ])
    }

    /// Times of one day and of others, of the usual form and of others, right and wrong, after each
    /// other in every order.
    @Test(arguments: LongRun.seeds("fuzz", short: 3, perSecond: 4))
    func timesAreWhatTheySay(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        let decoder = EventDecoder()
        var events = DecodedEvents()
        var expected: [Int64] = []
        for offset in 0..<5_000 {
            let day = random.next() % 4 == 0 ? Int64.random(in: -9_000...9_000, using: &random) : 7
            let time = day * 86_400_000 + Int64.random(in: 0..<86_400_000, using: &random)
            var text = Timestamp(milliseconds: time).iso8601
            let isDamaged = random.next() % 4 == 0
            if isDamaged {
                text[.random(in: 0..<text.count, using: &random)] =
                    Array("0123456789:.-TtZz +/;".utf8).randomElement(using: &random) ?? 0
            }
            if let time = Timestamp(iso8601: text) { expected.append(time.milliseconds) }
            let event = #"{"keen":{"timestamp":"\#(String(decoding: text, as: UTF8.self))"}}"#
            decoder.decode(
                offset: Int64(offset), key: Array("p/c".utf8), value: Array(event.utf8),
                into: &events)
        }
        let block = try Block(try #require(events.blocks().first).bytes)
        let column = try #require(block.column(.timestamp)).decode()
        #expect(column.ints == expected, "seed \(seed)")
        #expect(events.rejected.count == 5_000 - expected.count, "seed \(seed)")
    }

    private static func event(_ random: inout PRNG, number: Int) -> String {
        let (comma, colon) = random.next() % 2 == 0 ? (",", ":") : (" ,\n", " : ")
        func pick(_ values: [String]) -> String { values.randomElement(using: &random) ?? "" }
        let texts = [
            "\"x\"", "\"some longer text\"", "\"\"", "\"é語😀 and more\"", "\"a\\/b\\u00e9\\n\"",
            "\"id-\(number)\"", "\"\\ud83d\\ude00\"",
        ]
        let numbers = [
            "\(number)", "0", "-5", "12345678", "1.25", "0.00", "-0.5", "1e3", "-0", "-0.0",
            "1234567890123456789", "99999999999999999999", "0.1234567890123456789",
        ]
        let others = ["true", "false", "null", "[1,\"a\"]", "[ 1 , [2.5] ]", "{}", "{ }", "[]"]
        var members = [
            "\"user\"\(colon)\(pick(numbers))", "\"text\"\(colon)\(pick(texts))",
            "\"flag\"\(colon)\(pick(others))",
            "\"nest\"\(colon){\"a\"\(colon)\(pick(numbers))\(comma)\"b\"\(colon)\(pick(texts))}",
        ]
        switch random.next() % 8 {
        case 0: members.shuffle(using: &random)
        case 1: members.append("\"text\"\(colon)\(pick(numbers + others))")
        case 2: members.append("\"n\\u0061me \(random.next() % 5)\\n\"\(colon)\(pick(texts))")
        case 3: members.append("\"\"\(colon)1")
        case 4: members.append("\"keen\"\(colon){\"created_at\"\(colon)\(pick(texts + numbers))}")
        default: break
        }
        let times = [
            "\"2020-05-01T10:30:00.123Z\"", "\"2020-05-01T10:\(10 + number % 50):00.000Z\"",
            "\"2020-05-01\"", "\"2020-05-01T10:30+02:00\"",
        ]
        let time = random.next() % 32 == 0 ? pick(texts + numbers + others) : pick(times)
        let created = random.next() % 8 == 0 ? pick(texts + numbers) : pick(times)
        members.append(
            "\"keen\"\(colon){\"created_at\"\(colon)\(created)\(comma)\"timestamp\"\(colon)\(time)}"
        )
        return "{\(members.joined(separator: comma))}" + (random.next() % 4 == 0 ? "\n" : "")
    }

    private static func damage(_ bytes: inout [UInt8], _ random: inout PRNG) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch random.next() % 4 {
        case 0: bytes[place] = .random(in: 0...255, using: &random)
        case 1:
            let marks = Array("\"\\{}[],:0e.- \u{1}".utf8)
            bytes[place] = marks.randomElement(using: &random) ?? 0
        case 2: bytes.removeSubrange(place...)
        default: bytes.remove(at: place)
        }
    }
}
