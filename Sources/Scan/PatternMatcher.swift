// Runs a pattern over texts: all ways through its program at once, one character after the other.

internal import Plan

/// Looks for one pattern. Keeps its memory from text to text.
struct PatternMatcher {
    private let program: [TextPattern.Step]
    /// Steps that the last character led to.
    private var entries: [Int] = []
    /// Steps that wait for the next character.
    private var waiting: [Int] = []
    /// The round in which each step was reached last.
    private var reached: [Int]
    private var round = 0
    private var open: [Int] = []

    init(_ pattern: TextPattern) {
        program = pattern.program
        reached = [Int](repeating: 0, count: pattern.program.count)
    }

    /// Whether the pattern is found anywhere in a text.
    mutating func finds(_ text: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        entries.removeAll(keepingCapacity: true)
        while true {
            round += 1
            waiting.removeAll(keepingCapacity: true)
            // The pattern may begin at every character.
            entries.append(0)
            for index in entries.indices where follow(entries[index], place, text.count) {
                return true
            }
            guard place < text.count else { return false }
            let (character, width) = Self.character(text, at: place)
            place += width
            entries.removeAll(keepingCapacity: true)
            for step in waiting {
                if case .character(let ranges) = program[step], Self.has(ranges, character) {
                    entries.append(step + 1)
                }
            }
        }
    }

    /// Goes on from a step to all that wait for a character; whether the end is among them.
    private mutating func follow(_ first: Int, _ place: Int, _ count: Int) -> Bool {
        open.append(first)
        while let step = open.popLast() {
            guard reached[step] != round else { continue }
            reached[step] = round
            switch program[step] {
            case .character: waiting.append(step)
            case .jump(let next): open.append(next)
            case .fork(let one, let other):
                open.append(other)
                open.append(one)
            case .start: if place == 0 { open.append(step + 1) }
            case .end: if place == count { open.append(step + 1) }
            case .found:
                open.removeAll(keepingCapacity: true)
                return true
            }
        }
        return false
    }

    private static func has(_ ranges: [ClosedRange<UInt32>], _ character: UInt32) -> Bool {
        for range in ranges where range.contains(character) { return true }
        return false
    }

    /// The character at a place, and how many bytes it has. What is no UTF-8 is not stored; should
    /// it come all the same, each byte is a character that no pattern has.
    private static func character(
        _ text: UnsafeRawBufferPointer, at place: Int
    ) -> (character: UInt32, width: Int) {
        let first = UInt32(text[place])
        let width =
            switch first {
            case 0..<0x80: 1
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF4: 4
            default: 0
            }
        if width == 1 { return (first, 1) }
        guard width > 0, place + width <= text.count else { return (.max, 1) }
        var character = first & (0x7F >> UInt32(width))
        for index in place + 1..<place + width {
            let byte = UInt32(text[index])
            guard byte & 0xC0 == 0x80 else { return (.max, 1) }
            character = character << 6 | byte & 0x3F
        }
        return (character, width)
    }
}
