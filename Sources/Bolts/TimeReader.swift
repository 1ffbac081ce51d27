// Reads the times of events. They mostly have the form that collectors write and are of the day of
// the one before, so that only the time of day must be worked out.

internal import Model

/// Reads one time after the other.
struct TimeReader {
    /// The first eleven bytes of a text of the usual form, `2020-05-01T`, and their day.
    /// None yet: no text has these bytes.
    private var first = UInt64.max
    private var last = UInt64.max
    private var dayMilliseconds: Int64 = 0

    /// As `Timestamp.init(iso8601:)` has it.
    @inline(__always)
    mutating func time(_ text: UnsafeBufferPointer<UInt8>) -> Timestamp? {
        guard text.count == 24, let base = UnsafeRawPointer(text.baseAddress) else {
            return Timestamp(iso8601: text.span)
        }
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        // Bytes 0 to 7; 8 to 15; 16 to 23.
        let words = (word(0), word(8), word(16))
        guard let milliseconds = Self.timeOfDay(words.1, words.2) else {
            return Timestamp(iso8601: text.span)
        }
        if words.0 != first || words.1 & 0xFF_FFFF != last {
            guard let time = Timestamp(iso8601: text.span) else { return nil }
            // Another byte between date and time may be as good, but is not what is kept here.
            guard words.1 >> 16 & 0xFF == 0x54 else { return time }
            (first, last) = (words.0, words.1 & 0xFF_FFFF)
            dayMilliseconds = time.milliseconds - milliseconds
        }
        return Timestamp(milliseconds: dayMilliseconds + milliseconds)
    }

    /// The time of `hh:mm` in the upper five bytes of one word, and `:ss.mmmZ` in the other.
    @inline(__always)
    private static func timeOfDay(_ upper: UInt64, _ lower: UInt64) -> Int64? {
        // Digits as their values, marks as 0.
        let minutes = upper >> 24 ^ 0x30_303A_3030
        let seconds = lower ^ 0x5A30_3030_2E30_303A
        guard !isWrong(minutes, marks: 0xFF_0000),
            !isWrong(seconds, marks: 0xFF00_0000_FF00_00FF)
        else { return nil }
        let hour = digit(minutes, 0) &* 10 &+ digit(minutes, 1)
        let minute = digit(minutes, 3) &* 10 &+ digit(minutes, 4)
        let second = digit(seconds, 1) &* 10 &+ digit(seconds, 2)
        let fraction =
            digit(seconds, 4) &* 100 &+ digit(seconds, 5) &* 10 &+ digit(seconds, 6)
        guard hour < 24, minute < 60, second < 60 else { return nil }
        return ((hour &* 60 &+ minute) &* 60 &+ second) &* 1000 &+ fraction
    }

    @inline(__always)
    private static func isWrong(_ digits: UInt64, marks: UInt64) -> Bool {
        (digits | (digits &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 != 0
            || digits & marks != 0
    }

    @inline(__always)
    private static func digit(_ digits: UInt64, _ index: UInt64) -> Int64 {
        Int64(truncatingIfNeeded: digits &>> (8 &* index) & 15)
    }
}
