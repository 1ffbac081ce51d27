// Bolts that are written for one row at a time: the adapter feeds them from batches and gathers
// what they emit into batches again.

package import Model

/// A processing step by rows. As `Bolt`, except that it is shown each row of a batch and then the
/// batch's end. What it emits until then belongs to the batch.
package protocol RowBolt {
    mutating func prepare() async throws
    mutating func execute(_ row: Row, into output: inout RowCollector) async throws
    /// All rows of a batch have been executed: the moment to emit what was added up over them. Sums
    /// that are kept longer may be lost or counted twice when a batch is replayed.
    mutating func finishBatch(into output: inout RowCollector) async throws
    mutating func tick() async
    mutating func cleanup() async
}

extension RowBolt {
    package mutating func prepare() async throws {}
    package mutating func finishBatch(into output: inout RowCollector) async throws {}
    package mutating func tick() async {}
    package mutating func cleanup() async {}
}

/// Takes the rows that a bolt emits during one batch.
package struct RowCollector: Sendable {
    private var batches: [(stream: StreamDeclaration, batch: RowBatch)]

    init(_ streams: [StreamDeclaration]) {
        batches = streams.map { ($0, RowBatch(fields: $0.fields)) }
    }

    /// The values in the order of the stream's fields.
    package mutating func emit(_ row: [Value], to stream: StreamName) {
        guard let index = batches.firstIndex(where: { $0.stream.name == stream }) else {
            preconditionFailure("a row for the stream \(stream), which is not declared")
        }
        batches[index].batch.append(row)
    }

    fileprivate func send(into output: inout OutputCollector<RowBatch>) {
        for (stream, batch) in batches where batch.rowCount > 0 {
            output.emit(batch, to: stream.name)
        }
    }
}

/// A bolt of a `RowBolt`.
package struct ByRow<Rows: RowBolt>: Bolt {
    private var rows: Rows
    private let streams: [StreamDeclaration]

    /// `emits` are the streams of the bolt's declaration.
    package init(_ rows: Rows, emits streams: [StreamDeclaration] = []) {
        self.rows = rows
        self.streams = streams
    }

    package mutating func prepare() async throws { try await rows.prepare() }

    package mutating func execute(
        _ tuple: Tuple<RowBatch>, into output: inout OutputCollector<RowBatch>
    ) async throws {
        var collector = RowCollector(streams)
        for index in 0..<tuple.payload.rowCount {
            try await rows.execute(tuple.payload[row: index], into: &collector)
        }
        try await rows.finishBatch(into: &collector)
        collector.send(into: &output)
    }

    package mutating func tick() async { await rows.tick() }
    package mutating func cleanup() async { await rows.cleanup() }
}
