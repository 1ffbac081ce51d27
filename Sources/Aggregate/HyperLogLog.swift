// How many different values there are, in 16 KiB however many. P. Flajolet and others,
// "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm", 2007, with 64-bit
// hashes as in S. Heule and others, "HyperLogLog in Practice", 2013. It is only used beyond a
// million values, where the plain estimate has no bias.

internal import Base
package import Model

/// A sketch of a set. The same values give the same sketch, in whatever order and parts.
package struct HyperLogLog: Sendable, Equatable {
    private static let indexBits = 14
    static let registerCount = 1 << indexBits
    /// The greatest rank: all other bits are zero.
    private static let rankMax = UInt8(64 - indexBits + 1)

    private var registers = [UInt8](repeating: 0, count: registerCount)

    package init() {}

    /// Adds a canonical value that is not null.
    package mutating func insert(_ value: Value) { insert(hash: Self.hash(of: value)) }

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
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in writer.bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ hash >> 33
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
