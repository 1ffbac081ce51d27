// The one place where the errors of storing and scanning become statuses of the RPC.

internal import Aggregate
internal import EventStore
internal import Plan
internal import RPC
internal import Scan
internal import Wire

extension RPCError {
    /// What a peer is told about an error of the store.
    init(store error: any Error) {
        switch error {
        case let error as RPCError: self = error
        case let error as EventStoreError:
            self.init(Self.status(error.code), error.message, cause: error)
        case let error as PartialError:
            self.init(Self.status(error), error.description, cause: error)
        case let error as AggregateError:
            self.init(Self.status(.aggregate(error)), error.description, cause: error)
        case let error as ScanLimitError:
            self.init(.resourceExhausted, error.description, cause: error)
        case let error as ScanBudgetError:
            self.init(Self.status(error), error.description, cause: error)
        case let error as ExtractionTooLarge:
            self.init(.resourceExhausted, error.description, cause: error)
        case is UnwantedRead:
            self.init(.deadlineExceeded, "the scan was not done in time", cause: error)
        default: self.init(.internal, "\(error)", cause: error)
        }
    }

    private static func status(_ code: EventStoreError.Code) -> RPCStatus {
        switch code {
        case .badBatch, .badRequest: .badRequest
        case .notFound: .notFound
        case .tooLarge: .resourceExhausted
        case .busy: .overloaded
        case .disk, .closed: .unavailable
        case .damaged, .locked, .newerFormat: .internal
        }
    }

    private static func status(_ error: ScanBudgetError) -> RPCStatus {
        switch error {
        case .query: .resourceExhausted
        case .node: .overloaded
        }
    }

    private static func status(_ error: PartialError) -> RPCStatus {
        switch error {
        case .tooManyGroups, .aggregate(.tooManyDistinctValues): .resourceExhausted
        case .mismatch: .internal
        case .aggregate: .internal
        }
    }
}
