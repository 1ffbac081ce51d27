// A storage node that did not do its part, in words for the person who asked.

package import Base
package import Model
internal import Query
package import RPC
internal import Wire

/// Why a storage node's part of an answer is missing.
package struct StoreFailure: Error, Sendable, CustomStringConvertible {
    package let address: HostPort
    /// The shards that only this node can read.
    package let shards: [ShardID]
    package let cause: RPCError

    package var description: String {
        let numbers = shards.map(\.description).joined(separator: ", ")
        return "store \(address)" + (shards.isEmpty ? "" : " (shards \(numbers))")
            + ": \(cause.message)"
    }
}

extension StoreFailure {
    /// Whether the node could not be asked, or not in time; its answer would be right.
    var isAbsence: Bool {
        switch cause.status {
        case .deadlineExceeded, .unavailable, .connectionLost, .overloaded, .cancelled: true
        case .ok, .badRequest, .unauthenticated, .unknownMethod, .notFound, .internal,
            .protocolViolation, .resourceExhausted:
            false
        }
    }

    /// For an answer that does without.
    var missing: MissingShards {
        MissingShards(
            store: address.description, shards: shards.map(\.number), reason: cause.message)
    }
}

/// The log has not said yet how many partitions, and so how many shards, there are.
package struct PartitionsUnknown: Error, Sendable {}
