// A topic id: 16 bytes, sent as they are.

/// A 128-bit id. The all-zero value means "no id".
package struct KafkaUUID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static let zero = KafkaUUID(high: 0, low: 0)

    /// A random id in the layout of RFC 9562 version 4.
    package static func random(using generator: inout some RandomNumberGenerator) -> KafkaUUID {
        KafkaUUID(
            high: (generator.next() as UInt64) & ~0xF000 | 0x4000,
            low: (generator.next() as UInt64) & ~(3 << 62) | (2 << 62))
    }

    package var isZero: Bool { high == 0 && low == 0 }

    /// 32 lower-case hexadecimal digits.
    package var text: String {
        func digits(_ value: UInt64) -> String {
            let short = String(value, radix: 16)
            return String(repeating: "0", count: 16 - short.count) + short
        }
        return digits(high) + digits(low)
    }

    /// Reads what `text` wrote.
    package init?(text: String) {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}
