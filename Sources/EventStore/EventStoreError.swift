// What the event store says when it cannot do something, and the one place where the errors of the
// parts below become it.

internal import Base
internal import Columns
internal import Model
internal import RowStore

/// A failed operation on the event store.
package struct EventStoreError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Equatable {
        /// The batch is not one that a worker makes; sending it again changes nothing.
        case badBatch
        /// The call asks for what is not allowed or makes no sense.
        case badRequest
        /// The table or shard is not here.
        case notFound
        /// The call asks for more than a limit allows.
        case tooLarge
        /// Merging does not keep up; may pass.
        case busy
        /// Stored bytes are not what was written. The message names file and place.
        case damaged
        /// The disk is full or refuses; may pass.
        case disk
        /// Another process has the directory open.
        case locked
        /// The directory was written by a newer version.
        case newerFormat
        /// The store has been closed.
        case closed
    }
    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }
}

extension EventStoreError {
    init(_ error: RowStoreError) {
        let code: Code =
            switch error.code {
            case .locked: .locked
            case .damaged: .damaged
            case .disk, .other: .disk
            }
        self.init(code, error.message, cause: error)
    }

    init(_ error: DiskError) {
        self.init(
            error.reason.hasPrefix("another process") ? .locked : .disk, "\(error)", cause: error)
    }

    /// Damage within a block, and where that block is.
    init(_ error: BlockError, in place: String) {
        self.init(
            error.code == .unreadable ? .disk : .damaged, "\(place): \(error)", cause: error)
    }

    /// Whatever was thrown, as an error of this library if a part of the store threw it.
    static func wrapping(_ error: any Error) -> any Error {
        switch error {
        case let error as RowStoreError: EventStoreError(error)
        case let error as DiskError: EventStoreError(error)
        case is ByteReaderError, is KeyError, is InvalidName:
            EventStoreError(
                .damaged, "a cell of the row store cannot be read: \(error)", cause: error)
        default: error
        }
    }
}
