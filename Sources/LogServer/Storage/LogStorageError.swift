// What goes wrong between the log server and its data directory.

package import Base

/// A failure that keeps the server from starting, or a partition from being served.
package struct LogStorageError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// The disk refused.
        case disk
        /// Bytes are not what was written.
        case damaged
        /// Written by a later version.
        case newerFormat
        /// Another process uses the directory.
        case locked
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package init(_ error: DiskError) { self.init(.disk, error.description) }

    package var description: String { message }
}
