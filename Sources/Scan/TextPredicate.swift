// Conditions on strings, evaluated once for each distinct string of a block and looked up by code
// for its rows.

internal import Base
internal import Columns
internal import Kernels
internal import Plan

/// What a filter asks of strings.
enum TextPredicate {
    case among([[UInt8]], BytesTable)
    case compare(ComparisonKind, [UInt8])
    case contains([UInt8])
    case matches(TextPattern)

    /// Lists up to this length are compared one by one instead of hashed.
    private static let comparedMax = 4

    init(among texts: [String]) {
        let members = texts.map { Array($0.utf8) }
        var table = BytesTable()
        for member in members { member.withUnsafeBytes { _ = table.number(of: $0) } }
        self = .among(members, table)
    }

    /// Sets a 1 in `table` for each string of the dictionary that satisfies the predicate; returns
    /// how many do. `table` has an element for every code.
    func evaluate(_ dictionary: StringDictionary, into table: inout [UInt8]) -> Int {
        switch self {
        case .contains(let needle) where !needle.isEmpty:
            return Self.search(dictionary, for: needle, into: &table)
        case .matches(let pattern):
            var matcher = PatternMatcher(pattern)
            return mark(dictionary, in: &table) { matcher.finds($0) }
        case .contains: return mark(dictionary, in: &table) { _ in true }
        case .compare(let comparison, let literal):
            return literal.withUnsafeBytes { literal in
                mark(dictionary, in: &table) { Self.holds($0, comparison, literal) }
            }
        case .among(let members, let set):
            if members.count > Self.comparedMax {
                return mark(dictionary, in: &table) { set.contains($0) }
            }
            return mark(dictionary, in: &table) { text in
                members.contains {
                    $0.withUnsafeBytes { Self.order(text, $0, isEquality: true) == 0 }
                }
            }
        }
    }

    private func mark(
        _ dictionary: StringDictionary, in table: inout [UInt8],
        where holds: (UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        var found = 0
        dictionary.bytes.withUnsafeBytes { bytes in
            for code in 0..<dictionary.stringCount {
                let range = Int(dictionary.offsets[code])..<Int(dictionary.offsets[code + 1])
                guard holds(UnsafeRawBufferPointer(rebasing: bytes[range])) else { continue }
                table[code] = 1
                found += 1
            }
        }
        return found
    }

    /// One search through all strings together; what crosses from one into the next is no match.
    private static func search(
        _ dictionary: StringDictionary, for needle: [UInt8], into table: inout [UInt8]
    ) -> Int {
        let offsets = dictionary.offsets
        let end = Int(offsets[dictionary.stringCount])
        var found = 0
        dictionary.bytes.withUnsafeBytes { all in
            let strings = UnsafeRawBufferPointer(rebasing: all[..<end])
            needle.withUnsafeBytes { needle in
                var position = 0
                var code = 0
                while let match = firstOccurrence(of: needle, in: strings, from: position) {
                    while Int(offsets[code + 1]) <= match { code += 1 }
                    if match + needle.count <= Int(offsets[code + 1]) {
                        table[code] = 1
                        found += 1
                        position = Int(offsets[code + 1])
                    } else {
                        position = match + 1
                    }
                }
            }
        }
        return found
    }

    private static func holds(
        _ text: UnsafeRawBufferPointer, _ comparison: ComparisonKind,
        _ literal: UnsafeRawBufferPointer
    ) -> Bool {
        let order = order(text, literal, isEquality: false)
        switch comparison {
        case .equal: return order == 0
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        case .greaterOrEqual: return order >= 0
        }
    }

    /// Negative, zero or positive, byte by byte; a prefix comes first. For equality alone, texts of
    /// different sizes need no look.
    private static func order(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, isEquality: Bool
    ) -> Int {
        if isEquality, left.count != right.count { return left.count - right.count }
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return Int(left[index]) - Int(right[index])
        }
        return left.count - right.count
    }
}
