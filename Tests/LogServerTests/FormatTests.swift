// The bytes on the disk, as docs/formats/log.md draws them.

import Base
import KafkaWire
import Testing

@testable import LogServer

@Suite struct FormatTests {
    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    @Test func checkpointFiles() throws {
        let bytes = Checkpoint.encode(.partition, payload: [0xAA, 0xBB])
        #expect(
            hex(bytes.dropLast(4)) == "4d4c4350" + "03000000" + "01000000" + "02000000" + "aabb")
        let disk = MemoryDisk()
        disk["/d/x"] = bytes
        var reader = try #require(
            try Checkpoint.read(.partition, from: "x", in: "/d", disk: disk))
        #expect(try reader.readBytes(2) == [0xAA, 0xBB])
        #expect(try Checkpoint.read(.partition, from: "y", in: "/d", disk: disk) == nil)
        for index in bytes.indices {
            disk["/d/x"] = bytes
            disk["/d/x"]?[index] ^= 1
            #expect(throws: LogStorageError.self) {
                try Checkpoint.read(.partition, from: "x", in: "/d", disk: disk)
            }
        }
    }

    @Test func theListOfTopics() throws {
        var settings = TopicSettings()
        try settings.set("cleanup.policy", to: "compact")
        let topic = TopicRecord(
            name: "ab", id: KafkaUUID(high: 0x0102, low: 0x0304), isInternal: true,
            partitionCount: 3, settings: settings)
        let bytes = TopicRecord.encode([topic])
        #expect(
            hex(bytes) == "01" + "0000000000000102" + "0000000000000304" + "026162" + "01" + "03"
                + "01" + "0e636c65616e75702e706f6c696379" + "07636f6d70616374")
        var reader = ByteReader(bytes)
        #expect(try TopicRecord.decode(&reader) == [topic])
    }

    @Test func thePartitionsCheckpoint() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk)
        var epochs = LeaderEpochs()
        epochs.advance(at: 7)
        try log.saveCheckpoint(logStart: 5, epochs: epochs)
        let bytes = try #require(disk["/p/partition.checkpoint"])
        #expect(
            hex(bytes.dropFirst(16).dropLast(4)) == "0500000000000000" + "02" + "00000000"
                + "0000000000000000" + "01000000" + "0700000000000000" + "0000000000000000"
                + "00")
    }

    @Test func segmentNames() {
        #expect(Segment.fileName(baseOffset: 0) == "00000000000000000000.log")
        #expect(Segment.fileName(baseOffset: .max) == "09223372036854775807.log")
        #expect(Segment.baseOffset(fileName: "00000000000000000042.log") == 42)
        for name in ["42.log", "0000000000000000004x.log", "00000000000000000042.idx"] {
            #expect(Segment.baseOffset(fileName: name) == nil)
        }
    }

    /// A segment of two batches, byte for byte.
    @Test func aSegment() throws {
        let disk = MemoryDisk()
        let log = try openLog(disk)
        try log.add(batch(["a"]))
        try log.add(batch(["b"]))
        let bytes = try #require(disk["/p/00000000000000000000.log"])
        #expect(
            hex(bytes.prefix(69)) == "0000000000000000" + "00000039" + "00000000" + "02"
                + hex(bytes[17..<21]) + "0000" + "00000000" + "00000000000003e8"
                + "00000000000003e8" + "ffffffffffffffff" + "ffff" + "ffffffff" + "00000001"
                + "0e" + "00" + "00" + "00" + "01" + "02" + "61" + "00")
        #expect(hex(bytes[69..<77]) == "0000000000000001")
        #expect(bytes.count == 138)
    }
}
