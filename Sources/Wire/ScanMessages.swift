// Bodies of `scan`: a plan for some shards of a node, and their merged partial result.
//
//     ScanRequest  = count { shard }, plan
//     ScanResponse = partial result

package import Base
package import Model
package import Plan

/// Asks a node to run a plan over some of its shards.
package struct ScanRequest: Message, Equatable {
    package var shards: [ShardID]
    package var plan: ScanPlan

    package init(shards: [ShardID], plan: ScanPlan) {
        self.shards = shards
        self.plan = plan
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(shards)
        plan.encode(into: &writer)
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        shards = try reader.readShards()
        plan = try ScanPlan(from: &reader)
    }
}

/// The partial result merged over the shards of the request.
package struct ScanResponse: Message, Equatable {
    package var result: PartialResult

    package init(_ result: PartialResult) { self.result = result }

    package func encode(into writer: inout ByteWriter) { result.encode(into: &writer) }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        result = try PartialResult(from: &reader)
    }
}
