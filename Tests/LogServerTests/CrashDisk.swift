// A disk in memory that stops at a chosen step, and what a kill or a power cut leaves of it. Files
// live on while they are open, as on a real one; names change on the disk only with a sync of their
// directory, or by chance before it, in order.

import Base
import Glibc
import Synchronization

@testable import LogServer

final class CrashDisk: LogDisk {
    struct Contents {
        var now: [UInt8] = []
        var durable: [UInt8] = []
        var modified: Int64 = 0
    }

    enum NameChange {
        case set(String, Int)
        case remove(String)
        case rename(String, String)

        func apply(to names: inout [String: Int]) {
            switch self {
            case .set(let path, let file): names[path] = file
            case .remove(let path): names[path] = nil
            case .rename(let path, let target): names[target] = names.removeValue(forKey: path)
            }
        }
    }

    struct State {
        var files: [Int: Contents] = [:]
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var pending: [NameChange] = []
        var directories: Set<String> = []
        /// Changes that still succeed.
        var stepsLeft = Int.max
        var clock: Int64 = 5000

        mutating func change(_ change: NameChange) {
            change.apply(to: &names)
            pending.append(change)
        }
    }

    private let state: Mutex<State>

    init(_ state: State = State()) { self.state = Mutex(state) }

    var stepsLeft: Int {
        get { state.withLock { $0.stepsLeft } }
        set { state.withLock { $0.stepsLeft = newValue } }
    }

    /// When files change from now on.
    var clock: Int64 {
        get { state.withLock { $0.clock } }
        set { state.withLock { $0.clock = newValue } }
    }

    var paths: [String] { state.withLock { $0.names.keys.sorted() } }

    /// The machine after `kill -9`.
    func afterKill() -> CrashDisk {
        var next = state.withLock { $0 }
        next.stepsLeft = .max
        return CrashDisk(next)
    }

    /// The machine after a power cut, when `kept` of the changes of names had come to the disk, and
    /// of every file's contents what `left` says.
    func afterPowerCut(
        kept: Int, left: (Contents) -> [UInt8] = { $0.durable }
    ) -> CrashDisk {
        var next = state.withLock { $0 }
        for change in next.pending.prefix(kept) { change.apply(to: &next.durableNames) }
        next.names = next.durableNames
        next.pending = []
        next.files = next.files.mapValues {
            let bytes = left($0)
            return Contents(now: bytes, durable: bytes, modified: $0.modified)
        }
        next.stepsLeft = .max
        return CrashDisk(next)
    }

    var pendingCount: Int { state.withLock { $0.pending.count } }

    fileprivate func step<Result: Sendable>(
        _ path: String, _ body: (inout State) -> Result
    ) throws(DiskError) -> Result {
        let result = state.withLock { state -> Result? in
            guard state.stepsLeft > 0 else { return nil }
            if state.stepsLeft != .max { state.stepsLeft -= 1 }
            return body(&state)
        }
        guard let result else {
            throw DiskError(operation: "change", path: path, code: EIO, reason: "stopped")
        }
        return result
    }

    fileprivate func look<Result: Sendable>(_ body: (State) -> Result) -> Result {
        state.withLock { body($0) }
    }

    // MARK: Disk

    func makeDirectory(_ path: String) { state.withLock { _ = $0.directories.insert(path) } }

    func names(in directory: String) throws(DiskError) -> [String] {
        look { state in
            state.names.keys.filter { $0.hasPrefix(directory + "/") }
                .map { String($0.dropFirst(directory.utf8.count + 1)) }.sorted()
        }
    }

    func create(_ path: String, pieces: [[UInt8]]) throws(DiskError) {
        let bytes = pieces.flatMap(\.self)
        try step(path) { state in
            let file = state.files.count
            state.files[file] = Contents(now: bytes, durable: bytes, modified: state.clock)
            state.change(.set(path, file))
        }
    }

    func rename(_ path: String, to target: String) throws(DiskError) {
        try step(path) { $0.change(.rename(path, target)) }
    }

    func syncDirectory(_ path: String) throws(DiskError) {
        try step(path) { state in
            state.durableNames = state.names
            state.pending = []
        }
    }

    func remove(_ path: String) throws(DiskError) {
        try step(path) { state in
            if state.names[path] != nil { state.change(.remove(path)) }
        }
    }

    func removeDirectory(_ path: String) {}

    func map(_ path: String) throws(DiskError) -> MappedFile {
        throw DiskError(operation: "map", path: path, reason: "not in memory")
    }

    func read(_ path: String) throws(DiskError) -> [UInt8]? {
        look { state in state.names[path].flatMap { state.files[$0]?.now } }
    }

    func openFile(_ path: String, isNew: Bool) throws(DiskError) -> any LogFile {
        if isNew {
            let file = try step(path) { state in
                let file = state.files.count
                state.files[file] = Contents()
                state.change(.set(path, file))
                return file
            }
            return CrashFile(path: path, file: file, disk: self)
        }
        guard let file = look({ $0.names[path] }) else {
            throw DiskError(operation: "open", path: path, code: ENOENT, reason: "none")
        }
        return CrashFile(path: path, file: file, disk: self)
    }
}

private struct CrashFile: LogFile {
    let path: String
    let file: Int
    let disk: CrashDisk

    private var contents: CrashDisk.Contents { disk.look { $0.files[file] ?? .init() } }

    func byteCount() throws(DiskError) -> Int { contents.now.count }

    func write(
        _ head: [UInt8], _ rest: ArraySlice<UInt8>, at position: Int
    ) throws(DiskError) {
        let (file, bytes) = (file, head + rest)
        try disk.step(path) { state in
            var contents = state.files[file] ?? .init()
            contents.now = contents.now.prefix(position) + bytes
            contents.modified = state.clock
            state.files[file] = contents
        }
    }

    func read(_ count: Int, at position: Int) throws(DiskError) -> [UInt8] {
        Array(contents.now.dropFirst(position).prefix(count))
    }

    func sync() throws(DiskError) {
        let file = file
        try disk.step(path) { state in
            let now = state.files[file]?.now ?? []
            state.files[file]?.durable = now
        }
    }

    func truncate(to byteCount: Int) throws(DiskError) {
        let file = file
        try disk.step(path) { state in
            let kept = Array((state.files[file]?.now ?? []).prefix(byteCount))
            state.files[file]?.now = kept
        }
    }

    func modifiedMilliseconds() -> Int64? { contents.modified }
}
