// Makes the set of events that the storage benchmarks use: a shop's page views over thirty days, the
// same for the same seed, one a line as the log would hold them.
//
//     timestamp   30 days, ascending with a few seconds of disorder
//     user_id     1 to 1,000,000, a few of them very busy; a number, or text when `textUsers`
//     country     one of 60, skewed        page       one of 5,000, skewed; some hold "checkout"
//     device      one of 5                 referrer   one of 2,000, skewed
//     amount      cents, about half 0      items      0 to 12
//     session_ms  0 to 3,600,000           ab         true or false

import Base

/// Events one after the other.
struct EventGenerator {
    private var random: PRNG
    private let textUsers: Bool
    private let stepMilliseconds: Double
    private var elapsed = 0.0
    /// 2013-01-01T00:00Z.
    private let start: Int64 = 1_356_998_400_000
    private static let spanMilliseconds = 30.0 * 86_400_000
    private static let devices = ["desktop", "phone", "tablet", "tv", "watch"]

    init(count: Int, seed: UInt64, textUsers: Bool) {
        random = PRNG(seed: seed)
        self.textUsers = textUsers
        stepMilliseconds = Self.spanMilliseconds / Double(max(count, 1))
    }

    /// Small numbers far more often than large ones: the square of an even draw.
    private mutating func skewed(_ count: Int) -> Int {
        let draw = Double.random(in: 0..<1, using: &random)
        return Int(draw * draw * Double(count))
    }

    /// Appends the next event and a line feed.
    mutating func appendNext(to bytes: inout [UInt8]) {
        elapsed += stepMilliseconds
        let time = start + Int64(elapsed) - Int64.random(in: 0..<5000, using: &random)
        let user = skewed(1_000_000) + 1
        let page = skewed(5_000)
        let cents = Bool.random(using: &random) ? skewed(50_000) : 0
        append(#"{"user_id":"#, to: &bytes)
        append(textUsers ? "\"user-\(String(user, radix: 36))\"" : String(user), to: &bytes)
        append(#","country":"c\#(skewed(60))","page":"/"#, to: &bytes)
        append(page % 50 == 7 ? "checkout/\(page)" : "page/\(page)", to: &bytes)
        append(#"","device":""# + Self.devices[skewed(5)], to: &bytes)
        append(#"","referrer":"r\#(skewed(2_000)).example","amount":"#, to: &bytes)
        append("\(cents / 100).\(cents / 10 % 10)\(cents % 10)", to: &bytes)
        append(#","items":\#(Int.random(in: 0...12, using: &random)),"session_ms":"#, to: &bytes)
        append(String(skewed(3_600_001)), to: &bytes)
        append(#","ab":\#(Bool.random(using: &random)),"keen":{"id":""#, to: &bytes)
        appendHex(random.next(), digits: 16, to: &bytes)
        appendHex(random.next(), digits: 8, to: &bytes)
        append(#"","created_at":""#, to: &bytes)
        append(Self.text(time + 40), to: &bytes)
        append(#"","timestamp":""#, to: &bytes)
        append(Self.text(time), to: &bytes)
        append("\"}}\n", to: &bytes)
    }

    private func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: text.utf8)
    }

    private func appendHex(_ value: UInt64, digits: Int, to bytes: inout [UInt8]) {
        for digit in 0..<digits {
            let nibble = UInt8(truncatingIfNeeded: value >> (4 * UInt64(digit)) & 15)
            bytes.append(nibble < 10 ? 0x30 + nibble : 0x57 + nibble)
        }
    }

    /// January 2013 only: the day is all that changes.
    private static func text(_ milliseconds: Int64) -> String {
        let inMonth = max(milliseconds - 1_356_998_400_000, 0)
        let day = inMonth / 86_400_000 + 1
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let (hour, minute) = (inMonth / 3_600_000 % 24, inMonth / 60_000 % 60)
        let fraction = inMonth % 1000
        let digits =
            fraction < 10 ? "00\(fraction)" : fraction < 100 ? "0\(fraction)" : "\(fraction)"
        return
            "2013-01-\(two(day))T\(two(hour)):\(two(minute)):\(two(inMonth / 1000 % 60)).\(digits)Z"
    }
}
