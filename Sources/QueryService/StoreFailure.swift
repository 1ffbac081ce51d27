// A storage node that did not do its part, in words for the person who asked.

package import Base
package import Model
package import RPC

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

/// The log has not said yet how many partitions, and so how many shards, there are.
package struct PartitionsUnknown: Error, Sendable {}
