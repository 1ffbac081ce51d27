// How many different values there are, in 16 KiB however many. P. Flajolet and others,
// "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm", 2007, with 64-bit
// hashes as in S. Heule and others, "HyperLogLog in Practice", 2013. It is only used beyond a
// million values, where the plain estimate has no bias.

internal import Base
internal import Kernels
internal import Model

/// A sketch of a set. The same values give the same sketch, in whatever order and parts.
package struct HyperLogLog: Sendable, Equatable {
    private static let indexBits = 14
    static let registerCount = 1 << indexBits
    /// The greatest rank: all other bits are zero.
    private static let rankMax = UInt8(64 - indexBits + 1)

    private var registers = [UInt8](repeating: 0, count: registerCount)

    package init() {}

    /// Adds every value of a set.
    package mutating func insert(_ values: DistinctValues) {
        if values.hasFalse { insert(hash: Self.hash(of: .bool(false))) }
        if values.hasTrue { insert(hash: Self.hash(of: .bool(true))) }
        for value in values.ints { insert(hash: Self.hash(of: value)) }
        for key in values.fractions {
            insert(hash: Self.hash(of: .double(OrderedDouble.value(key))))
        }
        insert(values.strings, tagged: Value.string("").tagByte)
        insert(values.documents, tagged: Value.json("").tagByte)
    }

    private mutating func insert(_ texts: TextSet, tagged tag: UInt8) {
        for index in 0..<texts.count {
            texts.withText(index) { text in
                var hash = FNV()
                hash.add(tag)
                hash.add(varint: UInt64(text.count))
                for byte in text { hash.add(byte) }
                insert(hash: hash.mixed)
            }
        }
    }

    mutating func insert(hash: UInt64) {
        let index = Int(hash >> (64 - Self.indexBits))
        let rest = hash << Self.indexBits
        let rank = min(UInt8(rest.leadingZeroBitCount) + 1, Self.rankMax)
        registers[index] = max(registers[index], rank)
    }

    package mutating func merge(_ other: HyperLogLog) {
        for index in registers.indices {
            registers[index] = max(registers[index], other.registers[index])
        }
    }

    /// The standard error is 0.81 %.
    package var estimate: Int64 {
        var sum = 0.0
        for rank in registers { sum += Double(sign: .plus, exponent: -Int(rank), significand: 1) }
        let count = Double(Self.registerCount)
        return Int64((0.7213 / (1 + 1.079 / count) * count * count / sum).rounded())
    }

    /// Part of the format of states: FNV-1a over the bytes of the value, mixed as in MurmurHash3,
    /// because FNV leaves the upper bits of short texts nearly alone.
    static func hash(of value: Value) -> UInt64 {
        var writer = ByteWriter()
        value.encode(into: &writer)
        var hash = FNV()
        for byte in writer.bytes { hash.add(byte) }
        return hash.mixed
    }

    /// The same for an integer, without writing it down.
    static func hash(of value: Int64) -> UInt64 {
        var hash = FNV()
        hash.add(Value.int(0).tagByte)
        hash.add(varint: UInt64(bitPattern: value << 1 ^ value >> 63))
        return hash.mixed
    }

    private struct FNV {
        private var state: UInt64 = 0xcbf2_9ce4_8422_2325

        mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }

        mutating func add(varint value: UInt64) {
            var rest = value
            while rest >= 0x80 {
                add(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            add(UInt8(truncatingIfNeeded: rest))
        }

        var mixed: UInt64 {
            var hash = (state ^ state >> 33) &* 0xff51_afd7_ed55_8ccd
            hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
            return hash ^ hash >> 33
        }
    }

    func encode(into writer: inout ByteWriter) { writer.write(registers) }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        registers = Array(try reader.readBytes(Self.registerCount))
        guard registers.allSatisfy({ $0 <= Self.rankMax }) else {
            throw .invalidValue(offset: start, what: "a register of a sketch out of range")
        }
    }
}
