// Regular expressions: the pattern of the `regex` filter, read once into a program for an automaton
// that looks at each character of a text once. There is nothing in the language that would need to
// go back, so no pattern is slow: what a text costs is its length times the program's.
//
//   x . [a-z] [^a-z] \d \w \s \D \W \S        characters; `.` is all but a line feed
//   xy  x|y  (x)  (?:x)                       one after the other, one or the other, groups
//   x*  x+  x?  x{2}  x{2,}  x{2,5}           repetition; a `?` after it changes nothing here
//   ^ $                                       the text's beginning and its end
//   (?i) in front                             letters of ASCII in either case
//   \n \t \r \xHH \u{H…} \(any sign)          single characters

internal import Base

/// Why a text is no pattern.
package struct PatternError: Error, Sendable, Equatable {
    /// With the place, in characters from 1 on.
    package let message: String
}

/// A pattern, ready to run (`PatternMatcher` in Scan). Equal to another of the same text.
package struct TextPattern: Sendable {
    /// One step of the automaton. Numbers are places in the program.
    package enum Step: Sendable {
        /// A character in one of the ranges, which ascend.
        case character([ClosedRange<UInt32>])
        case fork(Int, Int)
        case jump(Int)
        case start
        case end
        case found
    }

    package let text: String
    package let program: [Step]

    package init(_ text: String) throws(PatternError) {
        guard text.utf8.count <= Limits.patternBytesMax else {
            throw PatternError(message: "it has more than \(Limits.patternBytesMax) bytes")
        }
        var parser = PatternParser(text)
        let node = try parser.pattern()
        var compiler = PatternCompiler()
        try compiler.add(node)
        self.text = text
        program = compiler.program + [.found]
    }
}

extension TextPattern: Hashable {
    package static func == (left: TextPattern, right: TextPattern) -> Bool {
        Array(left.text.utf8) == Array(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(Array(text.utf8)) }
}

/// What a pattern is made of.
indirect enum PatternNode {
    case character([ClosedRange<UInt32>])
    case start
    case end
    case sequence([PatternNode])
    case choice([PatternNode])
    /// `most` nil: as often as it goes.
    case repeated(PatternNode, least: Int, most: Int?)
}

/// Makes steps of nodes.
private struct PatternCompiler {
    var program: [TextPattern.Step] = []
    /// Repetitions of nothing make no steps, but take their time.
    private var visits = 0

    private mutating func emit(_ step: TextPattern.Step) throws(PatternError) -> Int {
        guard program.count < Limits.patternStepsMax else { throw Self.tooLong }
        program.append(step)
        return program.count - 1
    }

    private static let tooLong = PatternError(
        message: "written out, it has more than \(Limits.patternStepsMax) steps")

    mutating func add(_ node: PatternNode) throws(PatternError) {
        visits += 1
        guard visits <= 4 * Limits.patternStepsMax else { throw Self.tooLong }
        switch node {
        case .character(let ranges): _ = try emit(.character(ranges))
        case .start: _ = try emit(.start)
        case .end: _ = try emit(.end)
        case .sequence(let parts): for part in parts { try add(part) }
        case .choice(let parts): try add(parts[...])
        case .repeated(let inner, let least, let most):
            for _ in 0..<least { try add(inner) }
            guard let most else { return try addLoop(inner) }
            var forks: [Int] = []
            for _ in least..<max(most, least) {
                forks.append(try emit(.jump(0)))
                try add(inner)
            }
            for fork in forks { program[fork] = .fork(fork + 1, program.count) }
        }
    }

    private mutating func addLoop(_ inner: PatternNode) throws(PatternError) {
        let fork = try emit(.jump(0))
        try add(inner)
        _ = try emit(.jump(fork))
        program[fork] = .fork(fork + 1, program.count)
    }

    private mutating func add(_ parts: ArraySlice<PatternNode>) throws(PatternError) {
        guard let first = parts.first else { return }
        guard parts.count > 1 else { return try add(first) }
        let fork = try emit(.jump(0))
        try add(first)
        let jump = try emit(.jump(0))
        program[fork] = .fork(fork + 1, program.count)
        try add(parts.dropFirst())
        program[jump] = .jump(program.count)
    }
}
