// From the input to batches: reads, cuts, parses, leaves out what is done already.
//
// The reader belongs to whoever holds it and blocks while it reads; `ImportRun` lets it run on a
// thread of its own.

internal import Base

/// What comes of asking for the next batch.
enum NextBatch: Sendable {
    case batch(ImportBatch)
    /// A pipe is silent; ask again.
    case nothingYet
    case end
}

/// Turns bytes into records; one for each format.
protocol RecordReader {
    /// Gives more bytes, after `next` has returned nil.
    mutating func append(_ bytes: [UInt8])
    /// The next record, or nil when more bytes are needed. Input without any sense throws.
    mutating func next() throws(ImportError) -> InputRecord?
    /// The last record, if the input does not end with a line end.
    mutating func finish() throws(ImportError) -> InputRecord?
}

/// Reads an input as batches.
struct BatchReader: ~Copyable {
    private var source: ByteSource
    private var records: any RecordReader
    private var hasEnded = false
    private let done: LineRanges
    private let eventsMax: Int
    private let bytesMax: Int
    private var nextLine = 1
    /// How far the file had been read when the first line came that was not done; until then 0.
    private(set) var resumedAt: Int64 = 0
    private var hasBegun = false

    /// Bytes of the file as it lies on the disk; nil for a pipe.
    var size: Int64? { source.size }

    init(
        path: String, format: ImportFormat, textColumns: Set<String>, done: LineRanges,
        eventsMax: Int, bytesMax: Int
    ) throws(ImportError) {
        source = try ByteSource(path: path)
        self.done = done
        self.eventsMax = eventsMax
        self.bytesMax = bytesMax
        records =
            switch format {
            case .ndjson: NDJSONReader()
            case .csv: CSVReader(textColumns: textColumns)
            }
    }

    /// The next batch. It is smaller than it might be where a pipe pauses.
    mutating func next() throws(ImportError) -> NextBatch {
        var batch = ImportBatch(firstLine: nextLine)
        while !hasEnded, batch.recordCount < eventsMax, batch.byteCount < bytesMax {
            if let record = try records.next() {
                add(record, to: &batch)
                continue
            }
            switch try source.next() {
            case .bytes(let bytes): records.append(bytes)
            case .nothingYet:
                return batch.recordCount == 0 ? .nothingYet : .batch(finished(batch))
            case .end:
                hasEnded = true
                if let record = try records.finish() { add(record, to: &batch) }
            }
        }
        return batch.recordCount == 0 ? .end : .batch(finished(batch))
    }

    private mutating func finished(_ batch: ImportBatch) -> ImportBatch {
        var batch = batch
        batch.position = source.position
        batch.lines = batch.lines.lowerBound..<nextLine
        return batch
    }

    /// Takes a record into the batch unless its line is done.
    private mutating func add(_ record: InputRecord, to batch: inout ImportBatch) {
        nextLine = record.line + 1
        guard !done.contains(record.line) else { return }
        if !hasBegun, record.line > 1 { resumedAt = source.position }
        hasBegun = true
        switch record {
        case .event(let line, let json): batch.append(line: line, json: json)
        case .rejected(let rejected): batch.append(rejected)
        }
    }
}
