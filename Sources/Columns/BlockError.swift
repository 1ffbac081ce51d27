// What is wrong with the bytes of a block, and where.

/// Why a block could not be read: which column, and at which byte of the block.
package struct BlockError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Sendable, Equatable {
        /// The bytes are not a block, or not one of a version this program knows.
        case notABlock
        /// Fewer bytes than the block says it has.
        case truncated
        /// A checksum differs: the bytes changed since they were written.
        case checksum
        /// The disk did not deliver the bytes; may pass.
        case unreadable
        /// A field holds what no writer writes.
        case invalid
    }
    package let code: Code
    /// The column's path; nil when the header itself is wrong.
    package let column: String?
    /// Byte within the block.
    package let offset: Int
    package let message: String

    package init(code: Code, column: String? = nil, offset: Int, message: String) {
        self.code = code
        self.column = column
        self.offset = offset
        self.message = message
    }

    package var description: String {
        let place = column.map { "column '\($0)' of a block" } ?? "block header"
        return "\(place), byte \(offset): \(message)"
    }
}
