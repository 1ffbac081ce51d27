// Reads the text of a pattern; TextPattern has the language.

internal import Base

/// Goes through a pattern's characters once.
struct PatternParser {
    private let characters: [UInt32]
    private var place = 0
    private var depth = 0
    private var foldsCase = false

    init(_ text: String) { characters = text.unicodeScalars.map(\.value) }

    private var next: UInt32? { place < characters.count ? characters[place] : nil }

    private func error(_ what: String) -> PatternError {
        PatternError(message: "\(what), at character \(min(place, characters.count - 1) + 1)")
    }

    /// Passes over a sign, if it is the next.
    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard next == sign.value else { return false }
        place += 1
        return true
    }

    private mutating func take(_ text: String) -> Bool {
        let signs = text.unicodeScalars.map(\.value)
        guard characters[place...].starts(with: signs) else { return false }
        place += signs.count
        return true
    }

    mutating func pattern() throws(PatternError) -> PatternNode {
        foldsCase = take("(?i)")
        let node = try choice()
        guard next == nil else { throw error("')' closes nothing") }
        return node
    }

    private mutating func choice() throws(PatternError) -> PatternNode {
        var parts = [try sequence()]
        while take("|" as Unicode.Scalar) { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var parts: [PatternNode] = []
        while let sign = next, sign != ("|" as Unicode.Scalar).value,
            sign != (")" as Unicode.Scalar).value
        {
            parts.append(try repetition(of: try atom()))
        }
        return .sequence(parts)
    }

    private mutating func repetition(of node: PatternNode) throws(PatternError) -> PatternNode {
        guard let (least, most) = try quantifier() else { return node }
        _ = take("?" as Unicode.Scalar)
        return .repeated(node, least: least, most: most)
    }

    private mutating func quantifier() throws(PatternError) -> (least: Int, most: Int?)? {
        if take("*" as Unicode.Scalar) { return (0, nil) }
        if take("+" as Unicode.Scalar) { return (1, nil) }
        if take("?" as Unicode.Scalar) { return (0, 1) }
        guard take("{" as Unicode.Scalar) else { return nil }
        guard let least = number() else { throw error("'{' needs a number") }
        var most: Int? = least
        if take("," as Unicode.Scalar) { most = number() }
        guard take("}" as Unicode.Scalar) else { throw error("'{' is not closed") }
        guard most.map({ $0 >= least }) ?? true else { throw error("the range is empty") }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let digit = next, (0x30...0x39).contains(digit) {
            // More than any program may have; what is left of the number is passed over.
            value = min((value ?? 0) * 10 + Int(digit - 0x30), Limits.patternStepsMax + 1)
            place += 1
        }
        return value
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        guard let sign = next else { throw error("the pattern ends too early") }
        place += 1
        switch Unicode.Scalar(sign) {
        case "(": return try group()
        case "[": return .character(try characterClass())
        case ".": return .character(Self.complement([0x0A...0x0A]))
        case "^": return .start
        case "$": return .end
        case "\\": return .character(try escape())
        case "*", "+", "?", "{":
            place -= 1
            throw error("there is nothing to repeat")
        default: return .character(folded([sign...sign]))
        }
    }

    private mutating func group() throws(PatternError) -> PatternNode {
        if next == ("?" as Unicode.Scalar).value, !take("?:") {
            throw error("'(?' begins what is not supported: only (?: ) groups, and (?i) in front")
        }
        depth += 1
        guard depth <= Limits.planFilterDepthMax else { throw error("groups nest too deep") }
        let node = try choice()
        guard take(")" as Unicode.Scalar) else { throw error("'(' is not closed") }
        depth -= 1
        return node
    }

    // MARK: Characters

    /// What follows a backslash.
    private mutating func escape() throws(PatternError) -> [ClosedRange<UInt32>] {
        guard let sign = next else { throw error("a backslash ends the pattern") }
        place += 1
        switch Unicode.Scalar(sign) {
        case "d": return Self.digits
        case "D": return Self.complement(Self.digits)
        case "w": return Self.word
        case "W": return Self.complement(Self.word)
        case "s": return Self.space
        case "S": return Self.complement(Self.space)
        case "n": return [0x0A...0x0A]
        case "t": return [0x09...0x09]
        case "r": return [0x0D...0x0D]
        case "x": return folded(try hexadecimal(count: 2))
        case "u":
            guard take("{" as Unicode.Scalar) else { throw error("\\u needs {HEX}") }
            let range = try hexadecimal(count: nil)
            guard take("}" as Unicode.Scalar) else { throw error("'{' is not closed") }
            return folded(range)
        default:
            guard !Self.word.contains(where: { $0.contains(sign) }) else {
                place -= 1
                throw error("this escape is not supported")
            }
            return [sign...sign]
        }
    }

    private mutating func hexadecimal(
        count: Int?
    ) throws(PatternError) -> [ClosedRange<UInt32>] {
        var digits = ""
        while let sign = next, let scalar = Unicode.Scalar(sign),
            scalar.properties.isASCIIHexDigit, digits.count < count ?? 6
        {
            digits.unicodeScalars.append(scalar)
            place += 1
        }
        guard count.map({ $0 == digits.count }) ?? true,
            let value = UInt32(digits, radix: 16), Unicode.Scalar(value) != nil
        else { throw error("expected hexadecimal digits of a character") }
        return [value...value]
    }

    private mutating func characterClass() throws(PatternError) -> [ClosedRange<UInt32>] {
        let isNegated = take("^" as Unicode.Scalar)
        var ranges: [ClosedRange<UInt32>] = []
        while true {
            guard let sign = next else { throw error("'[' is not closed") }
            if sign == ("]" as Unicode.Scalar).value, !ranges.isEmpty {
                place += 1
                break
            }
            ranges += try classMember()
        }
        let members = folded(ranges)
        return isNegated ? Self.complement(members) : Self.merged(members)
    }

    /// A character, a range of them, or an escape.
    private mutating func classMember() throws(PatternError) -> [ClosedRange<UInt32>] {
        guard let first = try classCharacter() else { throw error("'[' is not closed") }
        guard first.count == 1, first[0].count == 1, next == ("-" as Unicode.Scalar).value,
            place + 1 < characters.count,
            characters[place + 1] != ("]" as Unicode.Scalar).value
        else { return first }
        place += 1
        guard let last = try classCharacter(), last.count == 1, last[0].count == 1,
            first[0].lowerBound <= last[0].lowerBound
        else { throw error("this is no range of characters") }
        return [first[0].lowerBound...last[0].lowerBound]
    }

    private mutating func classCharacter() throws(PatternError) -> [ClosedRange<UInt32>]? {
        guard let sign = next else { return nil }
        place += 1
        return sign == ("\\" as Unicode.Scalar).value ? try escape() : [sign...sign]
    }

    // MARK: Sets of characters

    private static let digits: [ClosedRange<UInt32>] = [0x30...0x39]
    private static let word: [ClosedRange<UInt32>] = [
        0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A,
    ]
    private static let space: [ClosedRange<UInt32>] = [0x09...0x0D, 0x20...0x20]

    /// With the other case of letters of ASCII, if case does not count.
    private func folded(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        guard foldsCase else { return ranges }
        var folded = ranges
        for range in ranges {
            for (letters, step) in [(0x41...0x5A as ClosedRange<UInt32>, 32), (0x61...0x7A, -32)]
            where letters.overlaps(range) {
                let inside = range.clamped(to: letters)
                folded.append(
                    UInt32(Int(inside.lowerBound) + step)...UInt32(Int(inside.upperBound) + step))
            }
        }
        return Self.merged(folded)
    }

    private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] =
                    last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    private static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var rest: [ClosedRange<UInt32>] = []
        var low: UInt32 = 0
        for range in merged(ranges) {
            if range.lowerBound > low { rest.append(low...range.lowerBound - 1) }
            low = range.upperBound + 1
        }
        if low <= 0x10FFFF { rest.append(low...0x10FFFF) }
        return rest
    }
}
