import Base
import JSON
import Testing

/// What the writer writes, the parser reads back unchanged; damage is an error and never a trap.
@Suite struct JSONRoundTripTests {
    private static func value(depth: Int, _ random: inout PRNG) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2:
            return .int(Int64(bitPattern: random.next() >> random.next(upperBound: 64 as UInt64)))
        case 3: return .double(double(&random))
        case 4, 5: return .string(text(&random))
        case 6:
            return .array(
                (0..<Int.random(in: 0..<6, using: &random)).map { _ in
                    value(depth: depth - 1, &random)
                })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<6, using: &random) {
                object[text(&random)] = value(depth: depth - 1, &random)
            }
            return .object(object)
        }
    }

    private static func double(_ random: inout PRNG) -> Double {
        let value = Double(bitPattern: random.next())
        if value.isFinite, Bool.random(using: &random) { return value }
        return Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 64
    }

    private static func text(_ random: inout PRNG) -> String {
        let alphabet: [Character] = [
            "a", "\"", "\\", "\n", "\u{1}", "é", "語", "😀", "/", "\u{7F}", "\0", "\u{2028}",
        ]
        return String(
            (0..<Int.random(in: 0..<12, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? "x"
            })
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomTreesSurvive(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        for _ in 0..<2_000 {
            let value = Self.value(depth: 4, &random)
            let encoded = value.encoded
            #expect(try JSONValue(parsing: encoded) == value, "seed \(seed)")
            let parser = JSONParser()
            var writer = JSONWriter()
            writer.value(try parser.parse(encoded).root)
            #expect(writer.bytes == encoded, "seed \(seed)")
        }
    }

    @Test(arguments: [4, 5] as [UInt64])
    func everyTruncationAndManyDamagesAreErrorsOrDocuments(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        let parser = JSONParser()
        for _ in 0..<100 {
            let encoded = JSONValue.array([Self.value(depth: 3, &random)]).encoded
            for length in 0..<encoded.count {
                let error = #expect(throws: JSONError.self, "seed \(seed)") {
                    _ = try parser.parse(encoded[..<length])
                }
                if let error, error.code == .structure { #expect(error.offset != nil) }
            }
            for _ in 0..<100 {
                var damaged = encoded
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
                do {
                    // Damage that is still JSON must be walkable to its end.
                    var writer = JSONWriter()
                    writer.value(try parser.parse(damaged).root)
                    _ = try JSONValue(parsing: writer.bytes)
                } catch { #expect(!error.description.isEmpty) }
            }
        }
    }

    @Test(
        arguments: [
            (0.1, "0.1", "0.1"), (10, "10.0", "10"), (-0.5, "-0.5", "-0.5"),
            (1e20, "1e+20", "1e+20"),
            (9_007_199_254_740_992, "9007199254740992.0", "9007199254740992"),
            (.nan, "null", "null"),
            (.infinity, "null", "null"),
        ] as [(Double, String, String)])
    func numbersArePrintedShortest(value: Double, asDouble: String, asNumber: String) {
        var writer = JSONWriter()
        writer.double(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == asDouble)
        writer = JSONWriter()
        writer.number(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == asNumber)
    }

    @Test func commasTakeCareOfThemselves() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("a")
        writer.beginArray()
        writer.int(1)
        writer.beginObject()
        writer.endObject()
        writer.raw("[2]".utf8)
        writer.endArray()
        writer.key("b\"")
        writer.null()
        writer.key("c")
        writer.int(Int64.min)
        writer.endObject()
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == "{\"a\":[1,{},[2]],\"b\\\"\":null,\"c\":-9223372036854775808}")
    }
}
