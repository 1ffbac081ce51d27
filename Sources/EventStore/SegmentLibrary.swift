// The segment files of a store: writing them in the order that a crash cannot hurt, opening them
// once, and sweeping what no manifest knows.

internal import Base
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
    private let state = Mutex(State())

    init(directory: String, disk: any Disk) throws {
        self.directory = directory
        self.disk = disk
        try disk.makeDirectory(directory)
    }

    func path(of number: UInt64) -> String { directory + "/" + SegmentFormat.fileName(number) }

    /// Removes files that `referenced` does not name: a merge wrote them and stopped before its
    /// manifest did. Returns how many. Numbers are never used twice, also not those of orphans.
    func sweep(keeping referenced: Set<UInt64>) throws -> Int {
        var swept = 0
        var greatest = referenced.max() ?? 0
        for name in try disk.names(in: directory) {
            let number = SegmentFormat.number(ofFile: name)
            if let number { greatest = max(greatest, number) }
            if let number, referenced.contains(number) { continue }
            guard number != nil || name.hasSuffix(".tmp") else { continue }
            try disk.remove(directory + "/" + name)
            swept += 1
        }
        let next = greatest + 1
        state.withLock { $0.nextNumber = next }
        return swept
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
        let target = path(of: builder.number)
        let temporary = target + ".tmp"
        try disk.create(temporary, pieces: builder.finish())
        try disk.rename(temporary, to: target)
        try disk.syncDirectory(directory)
    }

    func segment(_ number: UInt64) throws -> Segment {
        if let segment = state.withLock({ $0.open[number] }) { return segment }
        // Two threads may both open it; the one that comes second drops its own.
        let opened = try Segment(path(of: number), number: number, disk: disk)
        return state.withLock { state in
            if let segment = state.open[number] { return segment }
            state.open[number] = opened
            return opened
        }
    }
}
