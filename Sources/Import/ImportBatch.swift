// One bulk request's worth of events, as read: the unit that is sent and acknowledged.

/// Events that travel together, with the lines that they come from.
package struct ImportBatch: Sendable, Equatable {
    /// All lines that the batch speaks for: its events, its rejected lines and empty ones.
    package var lines: Range<Int>
    /// Lines that were rejected without being sent.
    package private(set) var rejected: [RejectedLine] = []
    private var rejectedBytes = 0
    /// The line of each event.
    package private(set) var eventLines: [Int] = []
    /// The events' JSON, one after the other; event i ends at `ends[i]`.
    private var json: [UInt8] = []
    private var ends: [Int] = []
    /// How far the file had been read, in bytes as it lies on the disk.
    package var position: Int64 = 0

    package init(firstLine: Int) { lines = firstLine..<firstLine }

    package var eventCount: Int { ends.count }
    /// Events and rejected lines.
    package var recordCount: Int { ends.count + rejected.count }
    /// Memory that the batch takes.
    package var byteCount: Int { json.count + rejectedBytes }

    package mutating func append(_ line: RejectedLine) {
        rejected.append(line)
        rejectedBytes += line.text.count
    }

    package mutating func append(line: Int, json event: [UInt8]) {
        eventLines.append(line)
        json += event
        ends.append(json.count)
    }

    /// The JSON of one event.
    package func event(_ index: Int) -> ArraySlice<UInt8> {
        json[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }
}
