// Why an import could not begin or go on.

/// A failure of an import, in words for the person who started it.
package struct ImportError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Sendable {
        /// The file cannot be read, or is not what it is said to be.
        case input
        /// The state file or the file of rejected lines cannot be read or written, or does not fit.
        case state
        /// The collector refuses everything: a wrong key, an unknown project.
        case refused
        /// The collector did not take a batch within the time for retries.
        case unsent
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
