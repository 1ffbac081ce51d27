// Ids of events: 24 hexadecimal digits, unique over all processes of a cluster.

internal import Base

/// Twelve bytes, as in an ObjectId: seconds since 1970, five random bytes of the generator, and a
/// counter that began at random.
struct EventID: Hashable, Sendable {
    /// Seconds since 1970; wraps in 2106.
    let seconds: UInt32
    /// The random bytes, then the counter's three.
    let rest: UInt64

    /// Where the event goes: spread evenly whatever the clock and the counter do.
    func partition(of count: Int32) -> Int32 {
        // One step of SplitMix64 is a hash of all 64 bits.
        var random = PRNG(seed: rest ^ UInt64(seconds) << 32)
        return Int32(truncatingIfNeeded: random.next() % UInt64(count))
    }
}

/// Where an event with a uniqueness token goes, so that all events of one token meet: CRC-32C of
/// the record's key, a zero byte and the token. docs/formats/events.md says so to other writers.
func partition(ofToken token: [UInt8], key: [UInt8], count: Int32) -> Int32 {
    Int32(crc32c(key + [0] + token) % UInt32(count))
}

/// Makes ids. Each loop has one.
struct EventIDs {
    private let random: UInt64
    private var counter: UInt64

    /// `seed` makes this generator's ids differ from those of all others.
    init(seed: UInt64) {
        random = seed >> 24
        counter = seed & 0xFF_FFFF
    }

    /// The next id. Ids repeat only beyond 16,777,216 events in one second.
    mutating func next(milliseconds: Int64) -> EventID {
        counter = (counter + 1) & 0xFF_FFFF
        return EventID(
            seconds: UInt32(truncatingIfNeeded: milliseconds / 1000),
            rest: random << 24 | counter)
    }
}

extension [UInt8] {
    /// Lower-case hexadecimal digits.
    mutating func append(_ id: EventID) {
        append(hex: UInt64(id.seconds), digits: 8)
        append(hex: id.rest, digits: 16)
    }

    private mutating func append(hex value: UInt64, digits: Int) {
        for shift in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: (value >> UInt64(shift)) & 15)
            append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }
}
