import Base
import EventStore
import Model
import Synchronization
import Testing

/// The process may end between any two steps of a merge: the store that opens afterwards has the
/// same contents, and the merge can be done again.
@Suite struct CrashTests {
    private let name = collection("a")

    @Test(arguments: [false, true])
    func everyStepOfAMerge(beforeTheStep: Bool) throws {
        var stops = 0
        for step in 0..<20 {
            let directory = try TemporaryDirectory()
            var random = PRNG(seed: 7)
            let events = randomEvents(250, collections: [name], random: &random)
            let isStopped = try stopMerge(
                directory, events: events, at: step, beforeTheStep: beforeTheStep)
            let store = try open(directory)
            try expectEqual(store, events, "stopped at step \(step)")
            #expect(store.appliedOffset(ShardID(0)) == 250)
            while store.hasMergeWork { _ = try store.mergeOnce() }
            #expect(store.freshRowCount < 100)
            try expectEqual(store, events, "merged again after step \(step)")
            #expect(try segmentFiles(directory) == store.verify().segments)
            guard isStopped else { break }
            stops += 1
        }
        // Create, rename, sync.
        #expect(stops == 3)
    }

    private func stopMerge(
        _ directory: TemporaryDirectory, events: [PlainEvent], at step: Int, beforeTheStep: Bool
    ) throws -> Bool {
        let disk = StoppingDisk()
        let store = try open(directory, disk: disk)
        for (index, event) in events.enumerated() {
            _ = try store.apply(batch([event], from: Int64(index)))
        }
        disk.stop(after: step, beforeTheStep: beforeTheStep)
        do {
            while store.hasMergeWork { _ = try store.mergeOnce() }
        } catch { #expect(error is EventStoreError) }
        return disk.hasStopped
    }

    /// Copies of a segment may be anywhere: its number never names another file.
    @Test func theNumberOfAnOrphanIsNotUsedAgain() throws {
        let directory = try TemporaryDirectory()
        var random = PRNG(seed: 8)
        let events = randomEvents(250, collections: [name], random: &random)
        // After the rename, so that the file has its name.
        #expect(try stopMerge(directory, events: events, at: 1, beforeTheStep: false))
        let orphans = try LocalDisk().names(in: directory.path + "/store/segments")
        #expect(orphans.count == 1)
        for _ in 0..<2 { _ = try open(directory) }
        let store = try open(directory)
        while store.hasMergeWork { _ = try store.mergeOnce() }
        let files = try LocalDisk().names(in: directory.path + "/store/segments")
        #expect(!files.isEmpty && files.allSatisfy { $0 > orphans[0] }, "\(files)")
    }

    private func segmentFiles(_ directory: TemporaryDirectory) throws -> Int {
        try LocalDisk().names(in: directory.path + "/store/segments").count
    }
}

/// A disk that stops for good at a chosen step: from there on every call fails, as after a crash.
final class StoppingDisk: Disk {
    private struct State {
        var stepsLeft = Int.max
        var stopsBefore = false
        var hasStopped = false
    }
    private let disk = LocalDisk()
    private let state = Mutex(State())

    var hasStopped: Bool { state.withLock { $0.hasStopped } }

    func stop(after steps: Int, beforeTheStep: Bool) {
        state.withLock { $0 = State(stepsLeft: steps, stopsBefore: beforeTheStep) }
    }

    private func step(_ name: String, _ body: () throws(DiskError) -> Void) throws(DiskError) {
        let (runs, fails) = state.withLock { state in
            if state.hasStopped { return (false, true) }
            if state.stepsLeft > 0 {
                state.stepsLeft -= 1
                return (true, false)
            }
            state.hasStopped = true
            return (!state.stopsBefore, true)
        }
        if runs { try body() }
        if fails { throw DiskError(operation: name, path: "", reason: "stopped by the test") }
    }

    func create(_ path: String, pieces: [[UInt8]]) throws(DiskError) {
        try step("create") { () throws(DiskError) in try disk.create(path, pieces: pieces) }
    }
    func rename(_ path: String, to target: String) throws(DiskError) {
        try step("rename") { () throws(DiskError) in try disk.rename(path, to: target) }
    }
    func syncDirectory(_ path: String) throws(DiskError) {
        try step("sync") { () throws(DiskError) in try disk.syncDirectory(path) }
    }
    func makeDirectory(_ path: String) throws(DiskError) { try disk.makeDirectory(path) }
    func names(in directory: String) throws(DiskError) -> [String] {
        try disk.names(in: directory)
    }
    func remove(_ path: String) throws(DiskError) {
        guard !hasStopped else {
            throw DiskError(operation: "remove", path: path, reason: "stopped by the test")
        }
        try disk.remove(path)
    }
    func map(_ path: String) throws(DiskError) -> MappedFile { try disk.map(path) }
    func read(_ path: String) throws(DiskError) -> [UInt8]? { try disk.read(path) }
}
