import Base
import Columns
import Testing

/// The bytes of docs/formats/block.md, drawn there. Changing them is changing the format.
@Suite struct BlockGoldenTests {
    static func sample() -> BlockBuilder {
        var builder = BlockBuilder()
        let (a, b) = (builder.column("a"), builder.column("b"))
        for row in 0..<3 {
            builder.beginRow(timestamp: 1000 + Int64(row))
            if row < 2 { builder.appendDouble(Double(row) + 0.5, to: a) }
            builder.appendString(row == 1 ? "y" : "x", to: b)
            builder.endRow()
        }
        return builder
    }

    private static let fixed =
        "4d52424b" + "d0000000" + "a0ea1a23" + "01010000" + "03000000" + "03000000" + "0d010000"
        + "00000000" + "e803000000000000" + "ea03000000000000"
    private static let directory =
        "00000000" + "01000000" + "d0000000" + "10000000" + "be6fafe7" + "21020000" + "01000000"
        + "00000000" + "000000000000e03f" + "000000000000f83f"
        + "01000000" + "01000000" + "e0000000" + "1e000000" + "dddb00e3" + "40000000" + "00000000"
        + "00000000" + "0000000000000000" + "0000000000000000"
        + "02000000" + "0e000000" + "00010000" + "0d000000" + "533f1cbf" + "10010000" + "00000000"
        + "00000000" + "e803000000000000" + "ea03000000000000"
    private static let paths = "61" + "62" + "6b65656e2e74696d657374616d70"
    private static let numbers = "012103" + "0101" + "00" + "0500000000000000" + "04" + "a0"
    private static let texts =
        "0006" + "02000000" + "02000000" + "00" + "0100000000000000" + "00" + "02000000" + "00"
        + "7879" + "00" + "01" + "02"
    private static let times = "0004" + "00" + "e803000000000000" + "02" + "24"

    @Test func freshBlock() {
        #expect(
            hexadecimal(Self.sample().encode())
                == Self.fixed + Self.directory + Self.paths + Self.numbers + Self.texts + "0000"
                + Self.times)
    }

    @Test func sealedChunksLieAtMultiplesOf64() throws {
        let bytes = Self.sample().encode(form: .sealed)
        for column in 0..<3 {
            let chunk = Int(bytes[48 + column * 48 + 8]) | Int(bytes[48 + column * 48 + 9]) << 8
            #expect(chunk % 64 == 0)
        }
        #expect(try Block(bytes).rowCount == 3)
    }
}
