import Base
import Glibc
import Testing

@testable import Import

/// From files to batches: gzip, limits, lines that are done.
@Suite struct BatchReaderTests {
    private func batches(
        _ path: String, format: ImportFormat = .ndjson, done: LineRanges = LineRanges(),
        eventsMax: Int = 10, bytesMax: Int = 1 << 20
    ) throws -> [ImportBatch] {
        var reader = try BatchReader(
            path: path, format: format, textColumns: [], done: done, eventsMax: eventsMax,
            bytesMax: bytesMax)
        var batches: [ImportBatch] = []
        while case .batch(let batch) = try reader.next() { batches.append(batch) }
        return batches
    }

    private func numbered(_ count: Int) -> [UInt8] {
        Array((1...count).map { "{\"n\":\($0)}\n" }.joined().utf8)
    }

    private func numbers(_ batches: [ImportBatch]) -> [String] {
        batches.flatMap { batch in
            (0..<batch.eventCount).map { String(decoding: batch.event($0), as: UTF8.self) }
        }
    }

    /// Plain, gzipped, several members, with a byte order mark: the same events.
    @Test func everyFormOfAFileReadsTheSame() async throws {
        try await withDirectory { directory in
            let text = numbered(30_000)
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            let forms: [String: [UInt8]] = [
                "plain": text, "marked": mark + text, "zipped": storedGzip(text),
                "members": storedGzip(Array(text[..<1000])) + storedGzip(Array(text[1000...])),
                "marked and zipped": storedGzip(mark + text), "no last end": text.dropLast(),
            ]
            let wanted = (1...30_000).map { "{\"n\":\($0)}" }
            for (name, bytes) in forms {
                try write(bytes, to: "\(directory)/f")
                #expect(numbers(try batches("\(directory)/f", eventsMax: 999)) == wanted, "\(name)")
            }
        }
    }

    @Test func cutOrForeignGzipIsAnError() async throws {
        try await withDirectory { directory in
            let zipped = storedGzip(numbered(100))
            let damaged: [[UInt8]] = [
                zipped.dropLast(), Array(zipped[..<20]), [0x1F, 0x8B, 9, 9, 9, 9, 9],
            ]
            for bytes in damaged {
                try write(bytes, to: "\(directory)/f")
                #expect(throws: ImportError.self) { try batches("\(directory)/f") }
            }
            #expect(throws: ImportError.self) { try batches("\(directory)/missing") }
            #expect(throws: ImportError.self) { try batches(directory) }
        }
    }

    /// Batches end at either limit, and their lines join without a gap.
    @Test func batchesAreBoundedAndContiguous() async throws {
        try await withDirectory { directory in
            try write(numbered(35) + Array("\nbad\n{}\n".utf8), to: "\(directory)/f")
            let found = try batches("\(directory)/f")
            #expect(found.map(\.recordCount) == [10, 10, 10, 7])
            #expect(found.map(\.lines) == [1..<11, 11..<21, 21..<31, 31..<39])
            #expect(found.last?.rejected.map(\.line) == [37])
            let small = try batches("\(directory)/f", bytesMax: 20)
            #expect(small.allSatisfy { $0.byteCount < 20 + 10 })
            #expect(numbers(small) == numbers(found))
            try write([], to: "\(directory)/empty")
            #expect(try batches("\(directory)/empty").isEmpty)
        }
    }

    /// What a pipe has given so far need not wait for what it gives later.
    @Test func silentPipeHandsOverWhatItHas() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/pipe"
            try #require(mkfifo(path, 0o600) == 0)
            let writer = open(path, O_RDWR)
            var reader = try BatchReader(
                path: path, format: .ndjson, textColumns: [], done: LineRanges(), eventsMax: 10,
                bytesMax: 1000)
            #expect(reader.size == nil)
            func send(_ text: String) { _ = write(writer, text, text.utf8.count) }
            send("{")
            guard case .nothingYet = try reader.next() else { Issue.record("too early"); return }
            send("}\n{}\n{\"half\":")
            guard case .batch(let two) = try reader.next() else { Issue.record("no batch"); return }
            #expect(two.eventCount == 2)
            send("1}")
            close(writer)
            guard case .batch(let last) = try reader.next() else { Issue.record("no end"); return }
            #expect(last.eventCount == 1 && last.eventLines == [3])
            guard case .end = try reader.next() else { Issue.record("more"); return }
        }
    }

    /// Lines that are done do not come again, whatever their pattern. The seed is printed.
    @Test(arguments: 1...10) func doneLinesAreLeftOut(seed: UInt64) async throws {
        try await withDirectory { directory in
            var random = PRNG(seed: seed)
            try write(numbered(200), to: "\(directory)/f")
            var done = LineRanges()
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                let start = Int.random(in: 1...200, using: &random)
                done.insert(start..<(start + Int.random(in: 0...40, using: &random)))
            }
            let found = try batches("\(directory)/f", done: done)
            let wanted = (1...200).filter { !done.contains($0) }.map { "{\"n\":\($0)}" }
            #expect(numbers(found) == wanted, "seed \(seed)")
        }
    }
}

/// The set of lines against a plain set, and the state's file.
@Suite struct ImportStateTests {
    @Test(arguments: 1...20) func rangesAreASet(seed: UInt64) {
        var random = PRNG(seed: seed)
        var ranges = LineRanges()
        var plain: Set<Int> = []
        for _ in 0..<30 {
            let start = Int.random(in: 1...60, using: &random)
            let range = start..<(start + Int.random(in: 0...6, using: &random))
            ranges.insert(range)
            plain.formUnion(range)
            #expect((0...70).allSatisfy { ranges.contains($0) == plain.contains($0) }, "\(seed)")
            for (left, right) in zip(ranges.ranges, ranges.ranges.dropFirst()) {
                #expect(left.upperBound < right.lowerBound, "seed \(seed)")
            }
        }
    }

    private let identity = ImportIdentity(
        project: "p", collection: "c d", format: .csv, size: 12, checksum: 99)

    @Test func stateReadsBack() throws {
        var state = ImportState(identity: identity)
        state.finish([1..<5, 9..<12], events: 6, rejected: 1)
        #expect(try ImportState(json: state.json) == state)
        state.isComplete = true
        #expect(try ImportState(json: state.json) == state)
    }

    @Test(arguments: ["", "{}", "[]", #"{"version":2}"#]) func damagedStateIsAnError(text: String) {
        #expect(throws: (any Error).self) { try ImportState(json: Array(text.utf8)) }
    }

    @Test func absurdRangesAreErrors() throws {
        let good = String(decoding: ImportState(identity: identity).json, as: UTF8.self)
        for done in ["[[5,1]]", "[[0,3]]", "[[1]]", "[1]", "[[1,9223372036854775807]]"] {
            let text = good.replacing("\"done\":[]", with: "\"done\":\(done)")
            #expect(throws: ImportError.self) { try ImportState(json: Array(text.utf8)) }
        }
    }
}
