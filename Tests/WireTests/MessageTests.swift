import Aggregate
import Base
import Model
import Plan
import Testing
import Wire

/// Messages keep their bytes, read back as themselves, and bad bytes are errors, never traps.
@Suite struct MessageTests {
    @Test func bytesAreGolden() throws {
        #expect(
            hexadecimal(try Samples.apply().encoded())
                == "01" + "06" + "14" + "d804" + "01" + "027031" + "07666c6967687473" + "02dead"
                + "01" + "027031" + "07666c6967687473" + "01" + "0a" + "00")
        #expect(hexadecimal(Samples.applied.encoded()) == "03" + "01d804" + "02a006" + "0300")
        #expect(hexadecimal(Samples.offsets.encoded()) == "02" + "0002" + "02808080808040")
        #expect(
            hexadecimal(try Samples.schema().encoded())
                == "01" + "07666c6967687473" + "f8a503" + "02" + "066f726967696e" + "01"
                + "0e6b65656e2e74696d657374616d70" + "04")
        #expect(
            hexadecimal(Samples.scanned().encoded())
                == "04" + "00" + "06" + "808010" + "9a01" + "12" + "080a0c" + "01" + "02"
                + "02" + "0001" + "0101" + "01" + "01" + "10" + "01025541" + "0100"
                + "01" + "00" + "2528")
        let path = "0c636172726965722e636f6465"
        #expect(
            hexadecimal(try Samples.extract().encoded())
                == "010e" + "027031" + "07666c6967687473" + "01" + "00" + "9003" + "01" + "03"
                + "0e6b65656e2e74696d657374616d70" + "01" + "01" + path + "ac02" + "01")
        #expect(
            hexadecimal(try Samples.extracted().encoded())
                == "01" + "0e" + "c801" + "027b7d" + "0000000000" + "00000000" + "00")
        #expect(
            hexadecimal(try Samples.scan().encoded())
                == "02000e" + "027031" + "07666c6967687473" + "01" + "00" + "9003"
                + "03" + "01" + path + "05" + "06025541" + "02" + path + "02" + "0402" + "01"
                + "05" + "07" + "03" + "03" + path + "01" + "04" + path + "05000000000000e03f"
                + "0600" + "01" + path + "03" + "00" + "c801" + "9003"
                + "02" + "0000" + "0201" + path + "00")
    }

    @Test func bytesOfRowsAreGolden() {
        let table = "0475736572" + "0174"
        #expect(
            hexadecimal(Samples.tables.encoded())
                == "01" + "01" + table + "01" + "02" + "036b6579" + "0400" + "016e" + "0101"
                + "056279746573" + "01")
        #expect(
            hexadecimal(Samples.slice.encoded())
                == table + "0106" + "0101" + "010102" + "01" + "01020105" + "ac02" + "40")
        #expect(
            hexadecimal(GetResponse(Samples.cell).encoded())
                == "01" + "0101" + "09" + "020708" + "01" + "016e" + "0401")
        #expect(
            hexadecimal(Samples.put.encoded())
                == "06" + table + "05" + "010101" + "020203" + "01c801" + "010101" + "00" + "00"
                + "020102" + "0104" + "030103" + "0400" + "0109")
    }

    @Test func everyMessageReadsBackAsItself() throws {
        for (name, bytes, again) in try Samples.messages() {
            #expect(try again(bytes[...]) == bytes, "\(name)")
        }
        #expect(try ScanRequest(decoding: try Samples.scan().encoded()[...]) == Samples.scan())
        #expect(
            try ScanResponse(decoding: Samples.scanned().encoded()[...]) == Samples.scanned())
    }

    @Test func everyTruncationAndEveryExtraByteIsAnError() throws {
        for (name, bytes, again) in try Samples.messages() {
            for count in bytes.indices {
                #expect(throws: ByteReaderError.self, "\(name) cut to \(count)") {
                    try again(bytes[..<count])
                }
            }
            #expect(throws: ByteReaderError.self, "\(name) with one more") {
                try again((bytes + [0])[...])
            }
        }
    }

    @Test func randomPlansReadBack() throws {
        var random = PRNG(seed: 7)
        for round in 0..<2_000 {
            var generator = PlanGenerator(random: random)
            let plan = try generator.plan()
            random = generator.random
            let request = ScanRequest(shards: [ShardID(Int32(round))], plan: plan)
            #expect(
                try ScanRequest(decoding: request.encoded()[...]) == request,
                "seed 7, round \(round)")
        }
    }

    @Test(arguments: [(31, true), (32, false)])
    func filtersNestOnlySoDeep(nots: Int, isAccepted: Bool) throws {
        var filter = Filter.all([])
        for _ in 0..<nots { filter = .not(filter) }
        let plan = ScanPlan(
            collection: try Samples.collection(), filters: [filter],
            aggregates: [AggregateRequest(kind: .count)])
        let bytes = ScanRequest(shards: [], plan: plan).encoded()
        #expect(((try? ScanRequest(decoding: bytes[...])) != nil) == isAccepted)
    }

    /// A stack would not survive recursion by the bytes of a whole frame.
    @Test func aMillionNestedFiltersAreAnError() {
        #expect(throws: ByteReaderError.self) {
            var reader = ByteReader([UInt8](repeating: 5, count: 1_000_000))
            _ = try Filter(from: &reader)
        }
    }

    @Test func swappedTimeframeAndUnorderedBoundariesAreErrors() throws {
        for numbers in [[1, 10, 2, 0, 0, 0, 1, 0, 0], [0, 0, 0, 2, 10, 2, 1, 0, 0]] as [[UInt8]] {
            var writer = ByteWriter()
            writer.write("p1")
            writer.write("c")
            writer.write(numbers)
            #expect(throws: ByteReaderError.self) {
                var reader = ByteReader(writer.bytes)
                _ = try ScanPlan(from: &reader)
            }
        }
    }

    @Test func namesAreCheckedOnArrival() {
        var writer = ByteWriter()
        writer.write("not a project")
        writer.write(UInt8(0))
        #expect(throws: ByteReaderError.self) { try SchemaRequest(decoding: writer.bytes[...]) }
    }
}
