// An instant, in milliseconds since 1970-01-01T00:00:00Z, and its ISO 8601 text. Proleptic
// Gregorian calendar by Howard Hinnant's days_from_civil / civil_from_days algorithms (public
// domain); leap seconds do not exist, as in POSIX.

/// A point in time with millisecond precision.
package struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: Self, right: Self) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// `2020-05-01T10:00:00.123Z`
    package var description: String { String(decoding: iso8601, as: UTF8.self) }

    /// The text above as ASCII bytes.
    package var iso8601: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(24)
        append(to: &text)
        return text
    }

    /// Appends the text above to `text`.
    package func append(to text: inout [UInt8]) {
        let day = milliseconds.floorDivided(by: 86_400_000)
        let date = CivilDate(daysSinceEpoch: day)
        let rest = Int(milliseconds - day * 86_400_000)
        if date.year < 0 { text.append(UInt8(ascii: "-")) }
        let year = Int(date.year.magnitude) % 10_000
        // Bytes of one place at once: an answer by hours has thousands of times.
        let form: InlineArray<24, UInt8> = [
            digit(year / 1000), digit(year / 100), digit(year / 10), digit(year),
            UInt8(ascii: "-"), digit(date.month / 10), digit(date.month),
            UInt8(ascii: "-"), digit(date.day / 10), digit(date.day),
            UInt8(ascii: "T"), digit(rest / 36_000_000), digit(rest / 3_600_000 % 24),
            UInt8(ascii: ":"), digit(rest / 600_000 % 6), digit(rest / 60_000),
            UInt8(ascii: ":"), digit(rest / 10_000 % 6), digit(rest / 1000),
            UInt8(ascii: "."), digit(rest / 100), digit(rest / 10), digit(rest),
            UInt8(ascii: "Z"),
        ]
        for index in form.indices { text.append(form[index]) }
    }

    /// Parses the ISO 8601 forms that Keen's clients send: date only; hours and minutes; seconds
    /// with any number of decimals (cut to milliseconds); `Z`, `+hh`, `+hhmm`, `+hh:mm` or no zone,
    /// which means `zoneSeconds` east of UTC. Years 0001 to 9999. `nil` for anything else.
    package init?(iso8601 text: some Collection<UInt8>, zoneSeconds: Int = 0) {
        guard let civil = CivilTime(iso8601: text) else { return nil }
        self.init(
            milliseconds: civil.millisecondsAsUTC - Int64(civil.zoneSeconds ?? zoneSeconds) * 1000)
    }
}

extension Timestamp {
    /// The same of bytes in one place, without copying them if they are of the form that collectors
    /// write: `2020-05-01T10:00:00.123Z`.
    package init?(iso8601 bytes: Span<UInt8>) {
        if let milliseconds = Self.usualForm(bytes) {
            self.init(milliseconds: milliseconds)
        } else {
            var copy: [UInt8] = []
            for index in bytes.indices { copy.append(bytes[index]) }
            self.init(iso8601: copy)
        }
    }

    /// Nil if the text must be looked at more closely.
    private static func usualForm(_ bytes: Span<UInt8>) -> Int64? {
        guard bytes.count == 24, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), bytes[19] == UInt8(ascii: "."),
            bytes[23] == UInt8(ascii: "Z")
        else { return nil }
        var worst: UInt8 = 0
        func digit(_ index: Int) -> Int {
            let value = bytes[index] &- 0x30
            worst = max(worst, value)
            return Int(value)
        }
        func pair(_ index: Int) -> Int { digit(index) * 10 + digit(index + 1) }
        let year = pair(0) * 100 + pair(2)
        let (month, day) = (pair(5), pair(8))
        let (hour, minute, second) = (pair(11), pair(14), pair(17))
        let millisecond = pair(20) * 10 + digit(22)
        // Leap seconds are looked at more closely, and so is what is wrong.
        guard worst <= 9, year >= 1, (1...12).contains(month), day >= 1, day <= 31, hour <= 23,
            minute <= 59, second <= 59,
            day <= 28 || day <= CivilDate.daysInMonth(year: year, month: month)
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        return days * 86_400_000 + Int64(((hour * 60 + minute) * 60 + second) * 1000 + millisecond)
    }
}

/// A date of the Gregorian calendar.
package struct CivilDate: Hashable, Sendable {
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int

    package init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    package init(daysSinceEpoch: Int64) {
        let shifted = daysSinceEpoch + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = Int(shifted - era * 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01, negative before. Months beyond 1...12 are not accepted.
    package var daysSinceEpoch: Int64 {
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = shiftedYear.floorDivided(by: 400)
        let yearOfEra = shiftedYear - era * 400
        let shiftedMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Sunday is 0.
    package var dayOfWeek: Int { Int((daysSinceEpoch + 4).floorModulo(7)) }

    package static func daysInMonth(year: Int, month: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// A date and a time of day as written, with its zone if one was written.
package struct CivilTime: Hashable, Sendable {
    package var date: CivilDate
    package var millisecondOfDay: Int64
    /// Seconds east of UTC, or nil when the text named no zone.
    package var zoneSeconds: Int?

    /// Milliseconds since the epoch if the text were UTC.
    package var millisecondsAsUTC: Int64 { date.daysSinceEpoch * 86_400_000 + millisecondOfDay }

    /// Parses the forms that `Timestamp.init(iso8601:zoneSeconds:)` lists.
    package init?(iso8601 text: some Collection<UInt8>) {
        // A generic copy goes byte by byte through witnesses; nearly every text has its bytes at
        // hand.
        let bytes = text.withContiguousStorageIfAvailable { Array($0) } ?? Array(text)
        var scanner = DigitScanner(bytes)
        guard let year = scanner.number(digits: 4), year >= 1, scanner.skip("-"),
            let month = scanner.number(digits: 2), (1...12).contains(month), scanner.skip("-"),
            let day = scanner.number(digits: 2), day >= 1,
            day <= CivilDate.daysInMonth(year: year, month: month)
        else { return nil }
        date = CivilDate(year: year, month: month, day: day)
        millisecondOfDay = 0
        if scanner.isAtEnd { return }
        guard scanner.skip("T") || scanner.skip("t") || scanner.skip(" "),
            let hour = scanner.number(digits: 2), hour <= 23, scanner.skip(":"),
            let minute = scanner.number(digits: 2), minute <= 59
        else { return nil }
        var second = 0
        var millisecond = 0
        if scanner.skip(":") {
            guard let whole = scanner.number(digits: 2), whole <= 60 else { return nil }
            second = min(whole, 59)
            if scanner.skip(".") || scanner.skip(",") {
                guard let fraction = scanner.milliseconds() else { return nil }
                millisecond = fraction
            }
        }
        millisecondOfDay = Int64(((hour * 60 + minute) * 60 + second) * 1000 + millisecond)
        guard scanner.readZone(into: &zoneSeconds), scanner.isAtEnd else { return nil }
    }
}

/// Reads fixed-width digits of ASCII text.
private struct DigitScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    mutating func number(digits: Int) -> Int? {
        guard position + digits <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position + digits] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        position += digits
        return value
    }

    /// One to many decimals; what lies beyond the third is cut off.
    mutating func milliseconds() -> Int? {
        var value = 0
        var seen = 0
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 {
            if seen < 3 { value = value * 10 + Int(bytes[position] - 0x30) }
            seen += 1
            position += 1
        }
        guard seen > 0 else { return nil }
        for _ in min(seen, 3)..<3 { value *= 10 }
        return value
    }

    /// False if there is something that is no zone.
    mutating func readZone(into seconds: inout Int?) -> Bool {
        if isAtEnd { return true }
        if skip("Z") || skip("z") {
            seconds = 0
            return true
        }
        let sign = skip("+") ? 1 : skip("-") ? -1 : 0
        guard sign != 0, let hour = number(digits: 2), hour <= 18 else { return false }
        var minute = 0
        if !isAtEnd {
            _ = skip(":")
            guard let written = number(digits: 2), written <= 59 else { return false }
            minute = written
        }
        seconds = sign * (hour * 3600 + minute * 60)
        return true
    }
}

extension FixedWidthInteger {
    /// Division that rounds down, so that instants before 1970 land in the right day.
    @inlinable package func floorDivided(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder != 0 && (remainder < 0) != (divisor < 0) ? quotient - 1 : quotient
    }

    /// The remainder that goes with `floorDivided`: never negative for a positive divisor.
    @inlinable package func floorModulo(_ divisor: Self) -> Self {
        self - floorDivided(by: divisor) * divisor
    }
}

/// The last decimal digit of a number.
private func digit(_ value: Int) -> UInt8 { 0x30 + UInt8(truncatingIfNeeded: value % 10) }
