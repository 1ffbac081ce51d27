// A partial result as bytes.
//
//     result     = statistics, groups, count { column of states }
//     statistics = blocks read, blocks skipped, blocks cached, rows scanned, rows matched,
//                  bytes read, nanoseconds of listing, of reading, of merging, flag used rollup

internal import Aggregate
package import Base
internal import Model
package import Plan

extension PartialResult {
    package func encode(into writer: inout ByteWriter) {
        statistics.encode(into: &writer)
        keys.encode(into: &writer)
        writer.write(count: states.count)
        for column in states { column.encode(into: &writer) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let statistics = try ScanStatistics(from: &reader)
        let keys = try GroupKeys(from: &reader)
        let count = try reader.readCount(
            ofAtLeast: 1, max: Limits.planAggregatesMax, of: "aggregates")
        var states: [StateColumn] = []
        for _ in 0..<count {
            states.append(try StateColumn(from: &reader, count: keys.count))
        }
        self.init(keys: keys, states: states, statistics: statistics)
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
