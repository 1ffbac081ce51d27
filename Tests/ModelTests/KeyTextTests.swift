import Base
import Model
import Testing

/// Keys as text come back as the same bytes, and nothing wrong is taken for a key.
@Suite struct KeyTextTests {
    private let blocks = KeyText([
        KeyPart("project", .text), KeyPart("collection", .text),
        KeyPart("first_offset", .int64, isClustering: true),
        KeyPart("index", .int32, isClustering: true),
    ])
    private let any = KeyText([KeyPart("key", .tagged)])

    @Test func goldenBytes() throws {
        #expect(
            hexadecimal(try blocks.parse("p/a b/258/1"))
                == "700001" + "6120620001" + "8000000000000102" + "80000001")
        #expect(hexadecimal(try blocks.parse("p/7")) == "700001" + "370001")
        #expect(
            hexadecimal(try any.parse("-1/a/\"-1\"/0x00ff"))
                == "017fffffffffffffff" + "02610001" + "022d310001" + "0300ffff0001")
        #expect(try blocks.parse("") == [])
        #expect(try blocks.parse("=00fF") == [0, 255])
        #expect(hexadecimal(try any.parse(#""a\/\"\\\n\u0000""#)) == "02612f225c0a00ff0001")
    }

    @Test func whatIsNoKeyIsAnError() {
        for text in [
            "p/c/x", "p/c/\"1\"", "p/c/1/99999999999", "p/c/1/1/1", "\"p", "\"p\"x", "=0", "=0g",
            "\"\\q\"", "\"\\u12\"", "\"\\ud800\"", "p/c/", "\"p\\",
        ] {
            #expect(throws: KeyTextError.self, "\(text)") { try blocks.parse(text) }
        }
        for text in ["0x0", "0xzz", "0x+1"] {
            #expect(throws: KeyTextError.self, "\(text)") { try any.parse(text) }
        }
    }

    @Test func randomKeysComeBack() throws {
        let seed: UInt64 = 9
        var random = PRNG(seed: seed)
        let scalars = [
            "a", "7", "-", "/", "\"", "\\", "\0", "\n", "é", "=", "x", "0", " ", "\u{85}",
        ]
        for _ in 0..<3000 {
            var key = KeyWriter()
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let tag = UInt8.random(in: 1...3, using: &random)
                key.append(tag)
                switch tag {
                case 1: key.append(Int64(bitPattern: random.next()))
                case 2:
                    key.append(
                        (0..<random.next() % 4).map { _ in
                            scalars[Int(random.next() % UInt64(scalars.count))]
                        }.joined())
                default:
                    key.append(
                        text: (0..<random.next() % 4).map { _ in
                            UInt8(truncatingIfNeeded: random.next() % 3 * 127)
                        })
                }
            }
            let text = any.show(key.bytes)
            #expect(try any.parse(text) == key.bytes, "seed \(seed): \(text)")
            #expect(any.accepts(key.bytes))
            // Any bytes can be shown, and say the same.
            let cut = Array(key.bytes.dropLast(Int(random.next() % 3)))
            #expect(try any.parse(any.show(cut)) == cut, "seed \(seed): \(any.show(cut))")
            #expect(try blocks.parse(blocks.show(cut)) == cut, "seed \(seed)")
        }
    }

    @Test func readableKeys() {
        var key = KeyWriter()
        key.append("shop")
        key.append("7")
        key.append(Int64(-5))
        key.append(Int32(2))
        #expect(blocks.show(key.bytes) == "shop/7/-5/2")
        #expect(blocks.show(Array(key.bytes.dropLast())).hasPrefix("="))
    }
}
