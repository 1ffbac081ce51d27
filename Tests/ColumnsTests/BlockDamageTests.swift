import Base
import Columns
import Model
import Testing

/// Damaged bytes are found or harmless; they never stop the process.
@Suite struct BlockDamageTests {
    private func smallBlock(seed: UInt64, form: BlockForm = .fresh) -> [UInt8] {
        var random = PRNG(seed: seed)
        let rows = randomRows(9, shapes: ColumnShape.allCases, random: &random)
        return builder(of: rows).encode(form: form)
    }

    @Test func everyChangedByteIsDetectedOrHarmless() throws {
        let bytes = smallBlock(seed: 1)
        let rows = try plainRows(of: Block(bytes))
        for offset in bytes.indices {
            for mask in [UInt8(0x01), 0x80, 0xFF] {
                var damaged = bytes
                damaged[offset] ^= mask
                // Padding between chunks carries nothing: there the rows must be the same.
                if let read = try? plainRows(of: Block(damaged)) {
                    #expect(sameBits(read, rows), "byte \(offset) ^ \(mask)")
                }
            }
        }
    }

    @Test func everyTruncationIsAnError() {
        let bytes = smallBlock(seed: 2)
        for count in bytes.indices {
            #expect(throws: BlockError.self) { try Block(Array(bytes[..<count])) }
        }
        #expect(throws: BlockError.self) { try Block(bytes + [0]) }
    }

    /// Bytes whose checksums are right but whose contents are wrong, as a broken writer would make
    /// them: any error will do, a trap will not.
    @Test func wrongContentsUnderRightChecksumsAreErrorsOrValues() throws {
        var random = PRNG(seed: 3)
        for round in 0..<20 {
            let bytes = smallBlock(seed: UInt64(round), form: round % 2 == 0 ? .fresh : .sealed)
            for _ in 0..<300 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let offset = Int.random(in: 16..<bytes.count, using: &random)
                    damaged[offset] = UInt8(truncatingIfNeeded: random.next())
                }
                repairChecksums(&damaged)
                guard let block = try? Block(damaged) else { continue }
                _ = try? plainRows(of: block)
                merge(block)
            }
        }
    }

    /// What a merger does with a block that it can read.
    private func merge(_ block: Block) {
        var builder = BlockBuilder()
        if (try? builder.append(block)) != nil { _ = builder.encode(form: .sealed) }
    }

    /// JSON has no such numbers; a zone map that held one would be a trap.
    @Test(arguments: [Double.nan, .infinity, -.infinity, -.nan])
    func numbersThatAreNotFiniteAreErrors(number: Double) throws {
        // -0.0 and a third keep the column raw; the latter is looked for and overwritten.
        var builder = BlockBuilder()
        for value in [-0.0, 1.0 / 3.0] {
            builder.beginRow(timestamp: 1)
            builder.appendDouble(value, to: builder.column("x"))
            builder.endRow()
        }
        var bytes = builder.encode()
        let third = littleEndian((1.0 / 3.0).bitPattern)
        let place = try #require(
            bytes.indices.last { bytes[$0...].starts(with: third) })
        bytes.replaceSubrange(place..<place + 8, with: littleEndian(number.bitPattern))
        repairChecksums(&bytes)
        let column = try #require(try Block(bytes).column(PropertyPath("x")))
        let error = #expect(throws: BlockError.self) { try column.decode() }
        #expect(error?.code == .invalid)
    }

    private func littleEndian(_ bits: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    }

    @Test func anErrorNamesTheColumn() throws {
        var bytes = builder(of: [PlainRow(timestamp: 1, values: ["zz": .string("text")])]).encode()
        bytes[bytes.count - 1] ^= 1
        let block = try Block(bytes)
        let error = #expect(throws: BlockError.self) { try block.verifyChecksums() }
        #expect(error?.code == .checksum)
        #expect(error?.column == "zz")
        #expect((error?.offset ?? 0) > 48)
    }

    @Test func otherVersionsAreRefused() {
        var bytes = smallBlock(seed: 4)
        bytes[12] = 2
        let error = #expect(throws: BlockError.self) { try Block(bytes) }
        #expect(error?.code == .notABlock)
    }

    private func repairChecksums(_ bytes: inout [UInt8]) {
        func field(_ offset: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        func store(_ value: UInt32, at offset: Int) {
            for index in 0..<4 {
                bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
            }
        }
        for column in 0..<field(20) {
            let entry = 48 + column * 48
            guard entry + 48 <= bytes.count else { break }
            let begin = field(entry + 8)
            let end = begin + field(entry + 12)
            if end <= bytes.count { store(crc32c(bytes[begin..<end]), at: entry + 16) }
        }
        let header = field(4)
        if header >= 12, header <= bytes.count { store(crc32c(bytes[12..<header]), at: 8) }
    }
}
