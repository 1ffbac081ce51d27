// Bodies of `apply`: what a worker sends a shard, and how the shard met it.
//
//     ApplyRequest   = count { shard, from offset, to offset, count { collection, block bytes },
//                      count { collection, hour, event count },
//                      optional { collection, control bytes } }
//     ApplyResponse  = count { u8 outcome: 1 applied, 2 already applied, 3 gap; next offset }

package import Base
package import Model

/// Batches to store. Each is applied on its own, in the order given.
package struct ApplyRequest: Message, Equatable {
    package var batches: [ApplyBatch]

    package init(batches: [ApplyBatch]) { self.batches = batches }

    package func encode(into writer: inout ByteWriter) {
        writer.write(count: batches.count)
        for batch in batches { batch.encode(into: &writer) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        // Shard, two offsets, two counts and a flag take a byte each at least.
        let count = try reader.readCount(ofAtLeast: 6)
        batches = []
        batches.reserveCapacity(count)
        for _ in 0..<count { batches.append(try ApplyBatch(from: &reader)) }
    }
}

/// One outcome for each batch of the request, in its order.
package struct ApplyResponse: Message, Equatable {
    package var outcomes: [ApplyOutcome]

    package init(_ outcomes: [ApplyOutcome]) { self.outcomes = outcomes }

    package func encode(into writer: inout ByteWriter) {
        writer.write(count: outcomes.count)
        for outcome in outcomes {
            switch outcome {
            case .applied(let next): writer.write(outcome: 1, next: next)
            case .alreadyApplied(let next): writer.write(outcome: 2, next: next)
            case .gap(let next): writer.write(outcome: 3, next: next)
            }
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let count = try reader.readCount(ofAtLeast: 2)
        outcomes = []
        outcomes.reserveCapacity(count)
        for _ in 0..<count {
            let start = reader.offset
            let tag = try reader.readByte()
            let next = try reader.readZigzag()
            switch tag {
            case 1: outcomes.append(.applied(next: next))
            case 2: outcomes.append(.alreadyApplied(next: next))
            case 3: outcomes.append(.gap(next: next))
            default: throw .invalidValue(offset: start, what: "unknown apply outcome \(tag)")
            }
        }
    }
}

extension ByteWriter {
    fileprivate mutating func write(outcome tag: UInt8, next: Int64) {
        write(tag)
        write(zigzag: next)
    }
}

extension ApplyBatch {
    package func encode(into writer: inout ByteWriter) {
        writer.write(shard)
        writer.write(zigzag: fromOffset)
        writer.write(zigzag: toOffset)
        writer.write(count: blocks.count)
        for block in blocks {
            writer.write(block.collection)
            writer.write(counted: block.bytes)
        }
        writer.write(count: rollups.count)
        for delta in rollups {
            writer.write(delta.collection)
            writer.write(zigzag: delta.hour)
            writer.write(zigzag: delta.count)
        }
        writer.write(flag: control != nil)
        guard let control else { return }
        writer.write(control.collection)
        writer.write(counted: control.bytes)
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let shard = try reader.readShard()
        let start = reader.offset
        let fromOffset = try reader.readZigzag()
        let toOffset = try reader.readZigzag()
        guard fromOffset >= 0, toOffset >= fromOffset else {
            throw .invalidValue(
                offset: start, what: "offsets \(fromOffset) to \(toOffset) are no range")
        }
        self.init(
            shard: shard, fromOffset: fromOffset, toOffset: toOffset,
            blocks: try Self.readBlocks(&reader), rollups: try Self.readRollups(&reader),
            control: try Self.readControl(&reader))
    }

    private static func readControl(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> CollectionControl? {
        guard try reader.readFlag() else { return nil }
        let collection = try reader.readCollection()
        return CollectionControl(
            collection: collection, bytes: Array(try reader.readCounted()))
    }

    private static func readBlocks(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [CollectionBlock] {
        // Two names of a character each, and a count of bytes.
        let count = try reader.readCount(ofAtLeast: 5)
        var blocks: [CollectionBlock] = []
        blocks.reserveCapacity(count)
        for _ in 0..<count {
            let collection = try reader.readCollection()
            blocks.append(
                CollectionBlock(collection: collection, bytes: Array(try reader.readCounted())))
        }
        return blocks
    }

    private static func readRollups(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [RollupDelta] {
        let count = try reader.readCount(ofAtLeast: 6)
        var rollups: [RollupDelta] = []
        rollups.reserveCapacity(count)
        for _ in 0..<count {
            let collection = try reader.readCollection()
            let hour = try reader.readZigzag()
            rollups.append(
                RollupDelta(collection: collection, hour: hour, count: try reader.readZigzag()))
        }
        return rollups
    }
}
