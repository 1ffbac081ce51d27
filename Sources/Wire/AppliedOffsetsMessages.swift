// Bodies of `appliedOffsets`: how far each shard of a node is.
//
//     AppliedOffsetsRequest  = count { shard }              (none: every shard of the node)
//     AppliedOffsetsResponse = count { shard, next offset that the shard wants }

package import Base
package import Model

/// Asks for the applied offsets of some shards, or of all when the list is empty.
package struct AppliedOffsetsRequest: Message, Equatable {
    package var shards: [ShardID]

    package init(shards: [ShardID] = []) { self.shards = shards }

    package func encode(into writer: inout ByteWriter) { writer.write(shards) }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        shards = try reader.readShards()
    }
}

/// The applied offset of one shard.
package struct AppliedOffset: Sendable, Hashable {
    package var shard: ShardID
    /// The next offset the shard wants; everything below it is stored.
    package var offset: Int64

    package init(shard: ShardID, offset: Int64) {
        self.shard = shard
        self.offset = offset
    }
}

package struct AppliedOffsetsResponse: Message, Equatable {
    package var offsets: [AppliedOffset]

    package init(_ offsets: [AppliedOffset]) { self.offsets = offsets }

    package func encode(into writer: inout ByteWriter) {
        writer.write(count: offsets.count)
        for entry in offsets {
            writer.write(entry.shard)
            writer.write(zigzag: entry.offset)
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let count = try reader.readCount(ofAtLeast: 2)
        offsets = []
        offsets.reserveCapacity(count)
        for _ in 0..<count {
            let shard = try reader.readShard()
            offsets.append(AppliedOffset(shard: shard, offset: try reader.readZigzag()))
        }
    }
}
