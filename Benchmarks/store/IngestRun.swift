// One measured run of the store: decode, apply and merge as worker and storage node do, in one
// process and without the network between them.

import Base
import Bolts
import Columns
import EventStore
import Foundation
import Glibc
import Logging
import Model
import Synchronization

/// A store being filled, with a merger on a thread of its own as a storage node has.
final class IngestRun {
    private let directory: String
    private let isFresh: Bool
    private let store: EventStore
    private let shard = ShardID(0)
    private let decoder = EventDecoder()
    private let flag = Flag()
    private let merged = DispatchSemaphore(value: 0)
    private let began = monotonicNanoseconds()
    private let cpuBegan = processSeconds()
    private let writtenBegan = bytesWritten()
    private var offset: Int64 = 0
    private var rejected = 0
    private var jsonBytes = 0
    private var decodeNanoseconds: UInt64 = 0
    private var applyNanoseconds: [UInt64] = []

    /// With `isFresh` nothing is merged, however much it becomes.
    init(directory: String, syncsEveryApply: Bool, isFresh: Bool = false) throws {
        self.directory = directory
        self.isFresh = isFresh
        var options = EventStoreOptions()
        options.syncsEveryApply = syncsEveryApply
        if isFresh { options.backlogBytesMax = .max }
        store = try EventStore(
            directory: directory, options: options, logger: Logger(label: "benchstore"))
        guard !isFresh else { return }
        let (merger, flag, merged) = (Merger(store), flag, merged)
        Thread {
            merger.run(until: flag)
            merged.signal()
        }.start()
    }

    /// What the merging thread does. It lets go of the store at the end: a store that is closed
    /// while the process exits meets RocksDB half taken down.
    private final class Merger: @unchecked Sendable {
        private var store: EventStore?

        init(_ store: EventStore) { self.store = store }

        func run(until flag: Flag) {
            while !flag.isSet {
                let isIdle = (try? store?.mergeOnce())?.isEmpty ?? true
                if isIdle { usleep(2000) }
            }
            store = nil
        }
    }

    /// Set once, read by the merging thread.
    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .acquiring) }
        func set() { value.store(true, ordering: .releasing) }
    }

    func ingest(_ lines: LineReader, batch: Int) throws {
        let key = Array("bench/views".utf8)
        var events = DecodedEvents()
        var count = 0
        var from = monotonicNanoseconds()
        while let line = try lines.next() {
            decoder.decode(offset: offset, key: key, value: line, into: &events)
            offset += 1
            count += 1
            jsonBytes += line.count + 1
            guard count == batch else { continue }
            try apply(&events, count: count, since: from)
            count = 0
            from = monotonicNanoseconds()
        }
        if count > 0 { try apply(&events, count: count, since: from) }
    }

    func ingestTiny(collections: Int, events perCollection: Int) throws {
        var events = DecodedEvents()
        var count = 0
        var from = monotonicNanoseconds()
        for round in 0..<perCollection {
            for number in 0..<collections {
                let time = "2013-01-01T00:\(10 + round % 50):\(10 + number % 50)Z"
                let event = #"{"n":\#(number),"keen":{"timestamp":"\#(time)"}}"#
                decoder.decode(
                    offset: offset, key: Array("bench/c\(number)".utf8), value: Array(event.utf8),
                    into: &events)
                offset += 1
                count += 1
                jsonBytes += event.utf8.count + 1
                guard count == 2000 else { continue }
                try apply(&events, count: count, since: from)
                count = 0
                from = monotonicNanoseconds()
            }
        }
        if count > 0 { try apply(&events, count: count, since: from) }
    }

    private func apply(
        _ events: inout DecodedEvents, count: Int, since from: UInt64
    ) throws {
        rejected += events.rejected.count
        let batch = ApplyBatch(
            shard: shard, fromOffset: offset - Int64(count), toOffset: offset,
            blocks: events.blocks(), rollups: events.rollups)
        events = DecodedEvents()
        let decoded = monotonicNanoseconds()
        decodeNanoseconds += decoded - from
        guard case .applied = try store.apply(batch) else {
            throw RunError("the store did not take a batch")
        }
        applyNanoseconds.append(monotonicNanoseconds() - decoded)
    }

    /// Lets the merger finish; what was measured, as JSON.
    func finish() throws -> String {
        let ingested = monotonicNanoseconds()
        if !isFresh {
            while store.hasMergeWork { usleep(1000) }
            flag.set()
            merged.wait()
        }
        try store.close()
        let seconds = Double(ingested - began) / 1e9
        let times = applyNanoseconds.sorted()
        func milliseconds(_ share: Double) -> Double {
            guard !times.isEmpty else { return 0 }
            return Double(times[min(Int(Double(times.count) * share), times.count - 1)]) / 1e6
        }
        return """
            {"events": \(offset), "rejected": \(rejected), "json_bytes": \(jsonBytes), \
            "seconds": \(seconds), "seconds_merged": \(Double(monotonicNanoseconds() - began) / 1e9), \
            "decode_seconds": \(Double(decodeNanoseconds) / 1e9), \
            "cpu_seconds": \(processSeconds() - cpuBegan), \
            "apply_p50_ms": \(milliseconds(0.5)), "apply_p99_ms": \(milliseconds(0.99)), \
            "bytes_written": \(bytesWritten() - writtenBegan), \
            "files": \(try files(directory).count), "peak_rss_bytes": \(peakMemory())}
            """
    }

    static func open(directory: String) throws -> String {
        let began = monotonicNanoseconds()
        let store = try EventStore(directory: directory, logger: Logger(label: "benchstore"))
        let seconds = Double(monotonicNanoseconds() - began) / 1e9
        defer { withExtendedLifetime(store) {} }
        // Opening takes the write-ahead log over into tables, so this is what stays.
        let bytes = try directoryBytes(directory)
        return """
            {"open_seconds": \(seconds), "bytes": \(bytes), "peak_rss_bytes": \(peakMemory())}
            """
    }
}

struct RunError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
