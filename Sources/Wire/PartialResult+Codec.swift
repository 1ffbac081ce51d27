// A partial result as bytes.
//
//     result     = statistics, count { group }
//     statistics = blocks read, blocks skipped, blocks cached, rows scanned, rows matched,
//                  bytes read, nanoseconds of listing, of reading, of merging, flag used rollup
//     group      = bucket, count { key value }, count { aggregate state }

internal import Aggregate
package import Base
internal import Model
package import Plan

extension PartialResult {
    package func encode(into writer: inout ByteWriter) {
        statistics.encode(into: &writer)
        writer.write(count: groups.count)
        for group in groups { group.encode(into: &writer) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let statistics = try ScanStatistics(from: &reader)
        // A bucket and two counts.
        let count = try reader.readCount(ofAtLeast: 3)
        var groups: [PartialGroup] = []
        groups.reserveCapacity(count)
        for _ in 0..<count { groups.append(try PartialGroup(from: &reader)) }
        self.init(groups: groups, statistics: statistics)
    }
}

extension PartialGroup {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(zigzag: Int64(bucket))
        writer.write(count: key.count)
        for value in key { value.encode(into: &writer) }
        writer.write(count: states.count)
        for state in states { state.encode(into: &writer) }
    }

    fileprivate init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        let bucket = try reader.readInt32()
        guard bucket >= 0, Int(bucket) < Limits.queryBucketsMax else {
            throw .invalidValue(offset: start, what: "bucket \(bucket) is out of range")
        }
        let keyCount = try reader.readCount(
            ofAtLeast: Value.encodedBytesMin, max: Limits.planGroupByMax, of: "group values")
        var key: [Value] = []
        key.reserveCapacity(keyCount)
        for _ in 0..<keyCount { key.append(try Value(from: &reader)) }
        let stateCount = try reader.readCount(
            ofAtLeast: AggregateState.encodedBytesMin, max: Limits.planAggregatesMax,
            of: "aggregate states")
        var states: [AggregateState] = []
        states.reserveCapacity(stateCount)
        for _ in 0..<stateCount { states.append(try AggregateState(from: &reader)) }
        self.init(bucket: bucket, key: key, states: states)
    }
}

extension ScanStatistics {
    func encode(into writer: inout ByteWriter) {
        writer.write(zigzag: blocksRead)
        writer.write(zigzag: blocksSkipped)
        writer.write(zigzag: blocksCached)
        writer.write(zigzag: rowsScanned)
        writer.write(zigzag: rowsMatched)
        writer.write(zigzag: bytesRead)
        writer.write(zigzag: listNanoseconds)
        writer.write(zigzag: readNanoseconds)
        writer.write(zigzag: mergeNanoseconds)
        writer.write(flag: usedRollup)
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        self.init()
        blocksRead = try reader.readZigzag()
        blocksSkipped = try reader.readZigzag()
        blocksCached = try reader.readZigzag()
        rowsScanned = try reader.readZigzag()
        rowsMatched = try reader.readZigzag()
        bytesRead = try reader.readZigzag()
        listNanoseconds = try reader.readZigzag()
        readNanoseconds = try reader.readZigzag()
        mergeNanoseconds = try reader.readZigzag()
        usedRollup = try reader.readFlag()
    }
}
