import Aggregate
import Base
import Model
import Testing

/// States survive their byte form, the bytes are the documented ones, and no bytes trap.
@Suite struct AggregateCodecTests {
    private func bytes(_ state: AggregateState) -> [UInt8] {
        var writer = ByteWriter()
        state.encode(into: &writer)
        return writer.bytes
    }

    private func state(_ kind: AggregateKind, _ values: [Value?]) throws -> AggregateState {
        var state = AggregateState(empty: kind)
        for value in values { try state.add(value) }
        return state
    }

    /// Golden bytes: changing one breaks clusters of mixed versions.
    @Test func goldenBytes() throws {
        let half: [UInt8] = [0, 0, 0, 0, 0, 0, 0xE0, 0x3F]
        let zero = [UInt8](repeating: 0, count: 8)
        #expect(bytes(.count(300)) == [0, 0xAC, 0x02])
        #expect(
            bytes(try state(.countUnique, [.int(2), .string("a")]))
                == [33, 20, 1, 4, 1, 1, 0x61])
        #expect(bytes(try state(.sum, [.int(-3)])) == [2, 0, 5])
        #expect(bytes(try state(.sum, [.int(1), .double(0.5)])) == [2, 1, 2] + half + zero)
        #expect(
            bytes(try state(.sum, [.int(.max), .int(.max)]))
                == [2, 2, 0xFE] + [UInt8](repeating: 0xFF, count: 7) + zero)
        #expect(bytes(try state(.average, [.int(7)])) == [3, 0, 14, 1])
        #expect(bytes(try state(.minimum, [.double(0.5)])) == [4, 5] + half)
        #expect(bytes(AggregateState(empty: .maximum)) == [5, 1])
        #expect(bytes(try state(.selectUnique, [.bool(true)])) == [38, 2])
        #expect(bytes(AggregateState(empty: .selectUnique)) == [38, 0])
        // Over a span of 40 three numbers have 3 bits of their own: 0, 1, 0; what is left of the
        // distances, 0, 1 and 5, sets bits 0, 2 and 7.
        #expect(
            bytes(try state(.selectUnique, [.int(-5), .int(4), .int(35)]))
                == [38, 4, 3, 9, 40, 0b000_001_000, 0, 0b1000_0101, 0])
        // Texts by their hashes, not by their bytes.
        #expect(
            bytes(try state(.selectUnique, ["a", "bc", "d"].map { .string($0) }))
                == [38, 16, 3, 2, 1, 1] + Array("bcda".utf8))
        #expect(
            bytes(try state(.numbers, [.double(0.5), .int(1), .double(1)]))
                == [39, 6, 1, 2, 1, 2, 1] + [UInt8](repeating: 0x80, count: 7) + [0xE0, 0x7F, 0])
        #expect(bytes(AggregateState(empty: .standardDeviation)) == [8, 0])
        #expect(
            bytes(try state(.standardDeviation, [.double(0.5), .double(0.5)]))
                == [8, 2] + half + zero)
    }

    /// Cells of tables and nodes of older versions have the values one by one.
    @Test func formerBytesAreRead() throws {
        func read(_ bytes: [UInt8]) throws -> AggregateState {
            var reader = ByteReader(bytes)
            let state = try AggregateState(from: &reader)
            #expect(reader.isAtEnd)
            return state
        }
        let half: [UInt8] = [0, 0, 0, 0, 0, 0, 0xE0, 0x3F]
        #expect(
            try read([1, 2, 4, 4, 6, 1, 0x61]) == state(.countUnique, [.int(2), .string("a")]))
        #expect(try read([6, 1, 3]) == state(.selectUnique, [.bool(true)]))
        #expect(
            try read([7, 0, 2, 5] + half + [1, 4, 2, 2])
                == state(.numbers, [.double(0.5), .int(1), .double(1)]))
    }

    @Test(arguments: AggregateKind.allCases)
    func roundTripAndTruncation(kind: AggregateKind) throws {
        var random = PRNG(seed: 5)
        let values = (0..<60).map { _ in AggregateStateTests.anyValue(&random) }
        let original = try state(kind, values)
        let encoded = bytes(original)
        var reader = ByteReader(encoded)
        #expect(try AggregateState(from: &reader) == original)
        #expect(reader.isAtEnd)
        for length in 0..<encoded.count {
            #expect(throws: ByteReaderError.self) {
                var reader = ByteReader(encoded[..<length])
                _ = try AggregateState(from: &reader)
            }
        }
    }

    @Test(
        arguments: [
            [9], [0] + [UInt8](repeating: 0xFF, count: 9) + [1], [2, 4, 0], [1, 2, 3, 2],
            [1, 2, 4, 2, 4, 2], [1, 1, 1], [4, 6, 1, 0x61], [1, 0xFF, 0xFF, 0xFF, 0x7F],
            [5, 5, 0, 0, 0, 0, 0, 0, 0xF8, 0x7F],
            [7, 2, 0], [7, 0, 1, 4, 2, 0], [7, 0, 2, 4, 2, 1, 4, 2, 1], [7, 0, 1, 6, 1, 0x61, 1],
            [33, 64], [33, 4, 0], [33, 4, 2, 0, 0], [33, 4, 2, 0, 1, 1, 0], [34, 0, 0], [41, 0],
            [33, 4, 2, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0],
            [33, 8, 1, 0], [33, 16, 0], [33, 16, 2, 1, 1, 0x61, 0x61], [33, 16, 1, 1, 0xFF],
            [33, 16, 2, 1, 1, 0xC3, 0xA9], [33, 16, 1, 9, 0x61], [39, 8, 0], [39, 2, 1, 2, 2],
            [39, 2, 1, 2, 1, 0],
            [9, 0], [9] + [UInt8](repeating: 52, count: 16_384),
            [8, 1] + [UInt8](repeating: 0, count: 15) + [0xBF],
        ] as [[UInt8]])
    func badBytesAreErrors(bytes: [UInt8]) {
        #expect(throws: ByteReaderError.self) {
            var reader = ByteReader(bytes)
            _ = try AggregateState(from: &reader)
        }
    }

    /// Random bytes either decode or are an error; whatever decodes has a result.
    @Test func randomBytesNeverTrap() {
        var random = PRNG(seed: 11)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<40, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            if !bytes.isEmpty {
                bytes[0] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 33, 38, 39][Int(bytes[0]) % 13]
            }
            var reader = ByteReader(bytes)
            guard let state = try? AggregateState(from: &reader) else { continue }
            _ = state.result
            var sum = state
            try? sum.merge(state)
        }
    }
}
