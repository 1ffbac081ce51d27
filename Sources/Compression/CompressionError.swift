// What can go wrong with compressed bytes.

/// Why bytes could not be compressed or decompressed.
package struct CompressionError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Sendable, Equatable {
        /// The input is not what it claims to be.
        case damaged
        /// The output would be larger than the caller allows.
        case tooLarge
        /// The library refused: memory or a wrong setting.
        case refused
    }
    package let code: Code
    package let message: String

    package init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
