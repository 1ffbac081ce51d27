import Base
import Foundation
import Plan
import Testing

@testable import Scan

/// Patterns find what Foundation's engine, another author's, finds; what they cannot do is refused.
@Suite struct PatternTests {
    private func finds(_ pattern: String, _ text: String) throws -> Bool {
        var matcher = PatternMatcher(try TextPattern(pattern))
        return Array(text.utf8).withUnsafeBytes { matcher.finds($0) }
    }

    @Test(arguments: [
        ("", "", true), ("", "a", true), ("^$", "a", false), ("a.c", "xabcx", true),
        ("a.c", "a\nc", false), ("^a.c$", "aéc", true), ("^a.c$", "a🙂c", true),
        ("[^a]", "aaa", false), ("[]a]", "]", true), ("[a-]", "-", true), ("[\\d-]", "-", true),
        ("\\x41\\u{1F642}", "A🙂", true), ("(?i)straße", "STRAßE", true), ("(?i)[a-c]", "B", true),
        ("(?i)[^b]", "B", false), ("x{0}", "", true), ("^x{2,3}$", "xxxx", false),
        ("a|^$|b", "", true), ("\\.", "a", false),
        ("^(a?){30}a{30}$", String(repeating: "a", count: 30), true),
    ])
    func single(pattern: String, text: String, expected: Bool) throws {
        #expect(try finds(pattern, text) == expected, "\(pattern)")
    }

    @Test(arguments: [
        "(", ")", "[", "[a", "a{", "a{2", "a{3,2}", "*", "a**", "a+*", "|*", "\\", "\\1", "\\b",
        "(?=a)",
        "(?<n>a)", "[b-a]", "\\xG0", "\\u{110000}", "\\u{D800}", "x{5000}",
    ])
    func wrongOnesAreRefused(pattern: String) {
        #expect(throws: PatternError.self) { try TextPattern(pattern) }
    }

    @Test func randomOnesAgreeWithFoundation() throws {
        let seed: UInt64 = 31
        var random = PRNG(seed: seed)
        func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        func pattern(_ depth: Int) -> String {
            func atom() -> String {
                switch below(depth > 0 ? 8 : 6) {
                case 0: return "."
                case 1: return ["[ab]", "[^a]", "[a-é]", "\\d"][below(4)]
                case 6: return "(\(pattern(depth - 1)))"
                case 7: return "(?:\(pattern(depth - 1))|\(pattern(depth - 1)))"
                default: return ["a", "b", "1", "é"][below(4)]
                }
            }
            return (0..<1 + below(3)).map { _ in
                atom() + ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", ""][below(10)]
            }.joined()
        }
        var matches = 0
        for round in 0..<1_500 {
            let text = (0..<below(7)).map { _ in ["a", "b", "1", "é"][below(4)] }.joined()
            let wanted = ["", "^"][below(2)] + pattern(2) + ["", "$"][below(2)]
            let expression = try NSRegularExpression(pattern: wanted)
            let range = NSRange(text.startIndex..., in: text)
            let expected = expression.firstMatch(in: text, range: range) != nil
            matches += expected ? 1 : 0
            try #require(
                try finds(wanted, text) == expected,
                "seed \(seed), round \(round): '\(wanted)' in '\(text)'")
        }
        #expect((200..<1_300).contains(matches), "neither all nor nothing: \(matches)")
    }
}
