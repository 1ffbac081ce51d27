// The segment files of a store: writing them in the order that a crash cannot hurt, opening them
// once, and sweeping what no manifest knows.

internal import Base
internal import Columns
internal import Model
internal import Synchronization

/// All segments of one directory. Segments stay open; a scan that holds one's blocks keeps the
/// mapping whatever happens to the file.
final class SegmentLibrary: Sendable {
    private struct State {
        var open: [UInt64: Segment] = [:]
        var nextNumber: UInt64 = 1
    }

    private let directory: String
    private let disk: any Disk
    private let dictionaries: DictionaryCache
    private let state = Mutex(State())

    init(directory: String, disk: any Disk, dictionaries: DictionaryCache) throws {
        self.dictionaries = dictionaries
        self.directory = directory
        self.disk = disk
        try disk.makeDirectory(directory)
    }

    func path(of number: UInt64) -> String { directory + "/" + SegmentFormat.fileName(number) }

    /// Files that `referenced` does not name: a merge wrote them and stopped before its manifest
    /// did. From here on numbers follow those of all files, these too, and are at least `next`.
    func orphans(keeping referenced: Set<UInt64>, next: UInt64) throws -> [String] {
        var orphans: [String] = []
        var greatest = max(referenced.max() ?? 0, next > 0 ? next - 1 : 0)
        for name in try disk.names(in: directory) {
            let number = SegmentFormat.number(ofFile: name)
            if let number { greatest = max(greatest, number) }
            if let number, referenced.contains(number) { continue }
            if number != nil || name.hasSuffix(".tmp") { orphans.append(name) }
        }
        let following = greatest + 1
        state.withLock { $0.nextNumber = following }
        return orphans
    }

    /// The number that the next segment will get.
    var nextNumber: UInt64 { state.withLock { $0.nextNumber } }

    func remove(_ name: String) throws { try disk.remove(directory + "/" + name) }

    /// Removes a segment that no manifest cell and no reader names.
    func drop(_ number: UInt64) throws {
        state.withLock { $0.open[number] = nil }
        try disk.remove(path(of: number))
    }

    func takeNumber() -> UInt64 {
        state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
    }

    /// Makes a segment durable. After this returns it is there, whole, whatever happens; before,
    /// it is an orphan at most.
    func write(_ builder: SegmentBuilder) throws {
        try write(builder.finish(), to: path(of: builder.number))
    }

    private func write(_ pieces: [[UInt8]], to target: String) throws {
        let temporary = target + ".tmp"
        do {
            try disk.create(temporary, pieces: pieces)
            try disk.rename(temporary, to: target)
            try disk.syncDirectory(directory)
        } catch {
            // The disk may be full: half a file must not keep it so. What cannot be removed now is
            // swept at the next start.
            try? disk.remove(temporary)
            try? disk.remove(target)
            throw error
        }
    }

    /// Copies a segment file from elsewhere under a number of this store, made durable as `write`
    /// does.
    func adopt(_ source: String, shard: ShardID, as number: UInt64) throws {
        let file = try disk.map(source)
        let rest = file.copy(SegmentFormat.headerByteCount..<file.byteCount)
        guard let rest, !file.hasFaulted else {
            throw EventStoreError(.damaged, "segment '\(source)' cannot be read")
        }
        let header = SegmentFormat.header(shard: shard, number: number)
        try write([header, rest], to: path(of: number))
    }

    /// The segment, opened and checked anew.
    func reopened(_ number: UInt64) throws -> Segment {
        try Segment(path(of: number), number: number, disk: disk, dictionaries: dictionaries)
    }

    func segment(_ number: UInt64) throws -> Segment {
        if let segment = state.withLock({ $0.open[number] }), !segment.hasFaulted {
            return segment
        }
        // Two threads may both open it; the one that comes second drops its own.
        let opened = try reopened(number)
        return state.withLock { state in
            if let segment = state.open[number], !segment.hasFaulted { return segment }
            state.open[number] = opened
            return opened
        }
    }
}
