// Why bytes are not a JSON document that Millrace accepts.

/// What is wrong with a document, and where if that is known.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of mistakes.
    package enum Code: Sendable {
        case empty
        case tooLarge
        case outOfMemory
        /// Brackets, commas or colons are not where they must be, or something follows the end.
        case structure
        case tooDeep
        /// An escape in a string is wrong.
        case string
        /// `\ud800` and the like without its other half.
        case unpairedSurrogate
        /// A word that is not `true`, `false` or `null`.
        case literal
        /// A number is malformed, or neither fits 64 bits nor is a finite double.
        case number
        case invalidUTF8
        /// A control character stands unescaped in a string.
        case controlCharacter
        case unclosedString
        case other
    }

    package let code: Code
    /// Offset of the first byte that cannot belong to a valid document; nil when unknown.
    package let offset: Int?

    package init(code: Code, offset: Int? = nil) {
        self.code = code
        self.offset = offset
    }

    /// One clause for the person who sent the document.
    package var description: String {
        guard let offset else { return text }
        return "\(text) at byte \(offset)"
    }

    private var text: String {
        switch code {
        case .empty: "the document is empty"
        case .tooLarge: "the document is too large"
        case .outOfMemory: "there is not enough memory for the document"
        case .structure: "brackets, commas or colons are misplaced, or the document is cut short"
        case .tooDeep: "the document is nested too deep"
        case .string: "a string holds an invalid escape"
        case .unpairedSurrogate: "a string holds half of a surrogate pair"
        case .literal: "a word is none of true, false and null"
        case .number: "a number is malformed or out of range"
        case .invalidUTF8: "the text is not UTF-8"
        case .controlCharacter: "a string holds an unescaped control character"
        case .unclosedString: "a string has no closing quote"
        case .other: "the document is not JSON"
        }
    }
}
