// Requests of every kind with seeded contents: plausible, odd and absurd ones.

import Base
import KafkaWire

@testable import LogServer

/// Fills every field from a generator. Names are often ones that exist.
struct SeededCodec: KafkaCodec {
    let version: Int16
    var random: PRNG

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func integer(_ extremes: [Int64]) -> Int64 {
        switch below(8) {
        case 0: extremes[below(extremes.count)]
        case 1: Int64(below(1 << 20))
        case 2: -1
        default: Int64(below(4))
        }
    }

    mutating func int8(_ value: inout Int8) {
        value = Int8(truncatingIfNeeded: integer([.max, 127, -128]))
    }
    mutating func int16(_ value: inout Int16) {
        value = Int16(truncatingIfNeeded: integer([32767, -32768, 100]))
    }
    mutating func int32(_ value: inout Int32) {
        value = Int32(truncatingIfNeeded: integer([Int64(Int32.max), Int64(Int32.min), -2]))
    }
    mutating func int64(_ value: inout Int64) { value = integer([.max, .min, -2, -3, 1 << 40]) }
    mutating func bool(_ value: inout Bool) { value = below(2) == 0 }
    mutating func uuid(_ value: inout KafkaUUID) {
        value = KafkaUUID(high: random.next(), low: random.next())
    }

    mutating func string(_ value: inout String?, nullable: Bool) {
        if nullable, below(4) == 0 { return value = nil }
        let names = [
            "t", "g", "", "consumer", "range", "cleanup.policy", "../x", "__consumer_offsets",
        ]
        value = below(6) == 0 ? "x\(below(1000))" : names[below(names.count)]
    }

    mutating func bytes(_ value: inout [UInt8]?, nullable: Bool) {
        if nullable, below(4) == 0 { return value = nil }
        value = (0..<below(40)).map { _ in UInt8(truncatingIfNeeded: below(256)) }
    }

    mutating func records(_ value: inout KafkaRecords?) {
        guard below(10) > 0 else { return value = nil }
        var content = batch((0...below(5)).map { "value \($0)" })
        // The checksum is made good again half of the time, to come past it.
        for _ in 0..<below(4) {
            content[below(content.count)] = UInt8(truncatingIfNeeded: below(256))
        }
        if below(2) == 0, content.count >= 61 {
            let sum = crc32c(content[21...])
            for index in 0..<4 {
                content[17 + index] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * index))
            }
        }
        if below(6) == 0 { content.removeLast(below(content.count)) }
        value = .owned(content)
    }

    mutating func array<Element>(
        _ values: inout [Element]?, nullable: Bool, empty: Element,
        visit: (inout Element, inout SeededCodec) throws(KafkaWireError) -> Void
    ) throws(KafkaWireError) {
        if nullable, below(6) == 0 { return values = nil }
        var filled: [Element] = []
        for _ in 0..<below(3) {
            var element = empty
            try visit(&element, &self)
            filled.append(element)
        }
        values = filled
    }

    mutating func structure(_ value: inout some KafkaStruct) throws(KafkaWireError) {
        try value.visit(&self)
        for tag in type(of: value).tags where below(2) == 0 { try value.visitTag(tag, &self) }
    }
}

/// A whole frame of that kind.
func seededFrame<Request: KafkaRequest>(
    _ kind: Request.Type, version: Int16, using random: inout PRNG
) throws -> [UInt8] {
    var codec = SeededCodec(version: version, random: PRNG(seed: random.next()))
    var request = Request()
    try codec.structure(&request)
    return try encodeRequest(request, version: version, correlationID: 7, clientID: "fuzz")
        .flatMap(\.self)
}
