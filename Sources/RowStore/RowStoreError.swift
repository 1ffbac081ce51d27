// What the row store says when it cannot do something.

/// A failed operation on the row store.
package struct RowStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Sendable, Equatable {
        /// Another process has the store open.
        case locked
        /// Stored bytes are not what was written.
        case damaged
        /// The disk is full or refuses.
        case disk
        /// Anything else RocksDB reports.
        case other
    }
    package let code: Code
    package let message: String

    package init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
