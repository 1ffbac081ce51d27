import Base
import Columns
import Model
import Testing

/// What a builder was given, a block gives back, bit for bit and in the order of time.
@Suite struct BlockRoundTripTests {
    @Test(arguments: ColumnShape.allCases)
    func everyShapeComesBack(shape: ColumnShape) throws {
        for (seed, count) in [1, 2, 7, 8, 255, 256, 257, 700, 1300].enumerated() {
            var random = PRNG(seed: UInt64(seed))
            let rows = randomRows(count, shapes: [shape], random: &random)
            for form in [BlockForm.fresh, .sealed] {
                let block = try builder(of: rows).finish(sortByTimestamp: false, form: form)
                let isSame = try sameBits(plainRows(of: block), rows)
                #expect(isSame, "seed \(seed), \(count) rows of \(shape)")
                try block.verifyValues()
            }
        }
    }

    @Test func sortingIsStableAndKeepsRowsTogether() throws {
        var random = PRNG(seed: 99)
        var rows = randomRows(1000, shapes: ColumnShape.allCases, random: &random)
        for index in rows.indices { rows[index].timestamp /= 100_000 }
        let block = try builder(of: rows).finish()
        let order = rows.enumerated().sorted {
            ($0.element.timestamp, $0.offset) < ($1.element.timestamp, $1.offset)
        }
        #expect(block.isSortedByTimestamp)
        #expect(try sameBits(plainRows(of: block), order.map(\.element)))
        #expect(block.minTimestamp == order.first?.element.timestamp)
        #expect(block.maxTimestamp == order.last?.element.timestamp)
    }

    @Test func extremeTimesSort() throws {
        let times: [Int64] = [.max, .min, 0, -1, .max, .min]
        let block = try builder(of: times.map { PlainRow(timestamp: $0) }).finish()
        #expect(try plainRows(of: block).map(\.timestamp) == times.sorted())
    }

    @Test func mergingBlocksIsBuildingFromAllTheirRows() throws {
        var random = PRNG(seed: 5)
        let parts = (0..<40).map { part in
            randomRows(
                1 + part % 9, shapes: part % 3 == 0 ? [.mixed] : ColumnShape.allCases,
                random: &random)
        }
        var merged = BlockBuilder()
        for part in parts {
            try merged.append(try builder(of: part).finish(sortByTimestamp: false))
        }
        let expected = builder(of: parts.flatMap { $0 })
        #expect(merged.rowCount == expected.rowCount)
        #expect(
            try sameBits(plainRows(of: merged.finish()), plainRows(of: expected.finish())))
    }

    @Test func fullBlock() throws {
        var builder = BlockBuilder()
        let number = builder.column("n")
        let rare = builder.column("rare")
        for row in 0..<Limits.blockRowsMax {
            builder.beginRow(timestamp: Int64(row) * 1000)
            builder.appendInt(Int64(row * 7 % 1001), to: number)
            if row % 9999 == 0 { builder.appendString("r\(row)", to: rare) }
            builder.endRow()
        }
        let block = try builder.finish(form: .sealed)
        let column = try #require(block.column(PropertyPath("n"))).decode()
        #expect(column.ints.enumerated().allSatisfy { $0.element == Int64($0.offset * 7 % 1001) })
        let texts = try #require(block.column(PropertyPath("rare"))).decode()
        #expect(texts.value(at: 9999) == .string("r9999"))
        #expect(texts.value(at: 9998) == nil)
        // 10 bits a number, a few bits a time and nothing for what is missing.
        #expect(block.byteCount < Limits.blockRowsMax * 2)
    }

    @Test func emptyBlock() throws {
        let block = try BlockBuilder().finish()
        #expect(block.rowCount == 0)
        try block.verifyValues()
    }

    @Test func tenThousandPropertiesNeitherBreakNorGrowTheOthers() throws {
        var builder = BlockBuilder()
        for row in 0..<10_000 {
            builder.beginRow(timestamp: Int64(row))
            builder.appendInt(Int64(row), to: builder.column("common"))
            builder.appendInt(Int64(row), to: builder.column("property.\(row)"))
            builder.endRow()
        }
        let block = try builder.finish()
        #expect(block.columnCount == 10_002)
        for row in [0, 1, 4999, 9999] {
            let column = try #require(block.column(PropertyPath("property.\(row)"))).decode()
            #expect(column.value(at: row) == .int(Int64(row)))
            #expect(column.value(at: (row + 1) % 10_000) == nil)
        }
        #expect(block.column(try PropertyPath("property.10000")) == nil)
        #expect(block.byteCount < 10_000 * 200)
    }

    @Test func theLastOfTwoValuesOfARowWins() throws {
        var builder = BlockBuilder()
        let column = builder.column("a")
        builder.beginRow(timestamp: 1)
        builder.appendString("first", to: column)
        builder.appendInt(2, to: column)
        builder.appendString("no", to: builder.column("keen.timestamp"))
        builder.endRow()
        let rows = try plainRows(of: builder.finish())
        #expect(rows == [PlainRow(timestamp: 1, values: ["a": .int(2)])])
    }

    @Test func zoneMapsSayWhatIsInside() throws {
        let rows = [
            PlainRow(timestamp: 5, values: ["a": .int(-3), "b": .double(0.5), "c": .null]),
            PlainRow(timestamp: 6, values: ["a": .int(9), "b": .int(7)]),
        ]
        let block = try builder(of: rows).finish()
        let a = try #require(block.column(PropertyPath("a")))
        #expect(a.kinds == .int && a.numberRange == .ints(-3...9) && a.missingCount == 0)
        let b = try #require(block.column(PropertyPath("b")))
        #expect(b.kinds == .numbers && b.numberRange == .doubles(0.5...7))
        let c = try #require(block.column(PropertyPath("c")))
        #expect(c.kinds == [.null, .missing] && c.missingCount == 1 && c.nullCount == 1)
        #expect(block.column(.timestamp)?.numberRange == .ints(5...6))
    }
}
