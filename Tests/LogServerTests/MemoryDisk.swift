// A disk in memory that can run full, fail, and lose power: then only what was synced is left.

import Base
import Glibc
import Synchronization

@testable import LogServer

final class MemoryDisk: LogDisk {
    struct File {
        var contents: [UInt8] = []
        /// What a power cut leaves of the contents.
        var durable: [UInt8] = []
    }

    struct State {
        var files: [String: File] = [:]
        /// Paths that a power cut leaves.
        var durablePaths: Set<String> = []
        var directories: Set<String> = []
        var bytesFree = Int.max
        var failsSyncs = false
        var failsDirectorySyncs = false
        /// Called with the path before a sync does anything.
        var beforeSync: @Sendable (String) -> Void = { _ in }
        /// Called after every step that changes something.
        var afterStep: @Sendable (MemoryDisk) -> Void = { _ in }
        var syncCount = 0
        var writeCount = 0
        /// Bytes read out of growing files.
        var readBytes = 0
    }

    private let state: Mutex<State>

    init(_ state: State = State()) { self.state = Mutex(state) }

    func change<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result {
        state.withLock(body)
    }

    fileprivate func stepped() { state.withLock { $0.afterStep }(self) }

    var readBytes: Int { state.withLock { $0.readBytes } }

    var syncCount: Int { state.withLock { $0.syncCount } }

    /// The machine as it is after the power came back.
    func afterPowerCut() -> MemoryDisk {
        let old = state.withLock { ($0.files, $0.durablePaths, $0.directories) }
        var next = State()
        next.directories = old.2
        next.durablePaths = old.1
        for (path, file) in old.0 where old.1.contains(path) {
            next.files[path] = File(contents: file.durable, durable: file.durable)
        }
        return MemoryDisk(next)
    }

    /// The machine as it is after `kill -9`: what was written is there.
    func copy() -> MemoryDisk {
        var next = State()
        let old = state.withLock { ($0.files, $0.durablePaths, $0.directories) }
        (next.files, next.durablePaths, next.directories) = old
        return MemoryDisk(next)
    }

    subscript(path: String) -> [UInt8]? {
        get { state.withLock { $0.files[path]?.contents } }
        set {
            let contents = newValue
            state.withLock { state in
                state.files[path] = contents.map { File(contents: $0, durable: $0) }
            }
        }
    }

    var paths: [String] { state.withLock { $0.files.keys.sorted() } }

    // MARK: Disk

    func makeDirectory(_ path: String) { state.withLock { _ = $0.directories.insert(path) } }

    func names(in directory: String) throws(DiskError) -> [String] {
        let prefix = directory + "/"
        return state.withLock { state in
            let all = Array(state.files.keys) + Array(state.directories)
            let names = all.filter { $0.hasPrefix(prefix) }.map {
                String($0.dropFirst(prefix.count).prefix { $0 != "/" })
            }
            return Array(Set(names)).sorted()
        }
    }

    func create(_ path: String, pieces: [[UInt8]]) throws(DiskError) {
        let bytes = pieces.flatMap(\.self)
        let isFull = state.withLock { state in
            guard bytes.count <= state.bytesFree else { return true }
            if state.bytesFree != .max { state.bytesFree -= bytes.count }
            state.files[path] = File(contents: bytes, durable: bytes)
            return false
        }
        if isFull { throw Self.noSpace(path) }
        stepped()
    }

    func rename(_ path: String, to target: String) throws(DiskError) {
        state.withLock { state in
            let file = state.files.removeValue(forKey: path)
            state.files[target] = file
        }
        stepped()
    }

    func syncDirectory(_ path: String) throws(DiskError) {
        guard !state.withLock({ $0.failsDirectorySyncs }) else {
            throw DiskError(operation: "sync", path: path, code: EIO, reason: "I/O")
        }
        state.withLock { state in
            let prefix = path + "/"
            state.durablePaths = state.durablePaths.filter { !$0.hasPrefix(prefix) }
                .union(state.files.keys.filter { $0.hasPrefix(prefix) })
        }
        stepped()
    }

    func remove(_ path: String) throws(DiskError) {
        state.withLock { state in
            let freed = state.files.removeValue(forKey: path)?.contents.count ?? 0
            if state.bytesFree != .max { state.bytesFree += freed }
        }
        stepped()
    }

    func removeDirectory(_ path: String) throws(DiskError) {
        state.withLock { _ = $0.directories.remove(path) }
    }

    func map(_ path: String) throws(DiskError) -> MappedFile {
        throw DiskError(operation: "map", path: path, reason: "not in memory")
    }

    func read(_ path: String) throws(DiskError) -> [UInt8]? { self[path] }

    func openFile(_ path: String, isNew: Bool) throws(DiskError) -> any LogFile {
        let exists = state.withLock { state in
            defer { if isNew, state.files[path] == nil { state.files[path] = File() } }
            return state.files[path] != nil
        }
        guard exists != isNew else {
            throw DiskError(operation: "open", path: path, code: ENOENT, reason: "wrong")
        }
        if isNew { stepped() }
        return MemoryFile(path: path, disk: self)
    }

    fileprivate static func noSpace(_ path: String) -> DiskError {
        DiskError(operation: "write", path: path, code: ENOSPC, reason: "no space left")
    }
}

private struct MemoryFile: LogFile {
    let path: String
    let disk: MemoryDisk

    func byteCount() throws(DiskError) -> Int { disk[path]?.count ?? 0 }

    func write(
        _ head: [UInt8], _ rest: ArraySlice<UInt8>, at position: Int
    ) throws(DiskError) {
        let path = path
        let isFull = disk.change { state in
            let bytes = Array((head + rest).prefix(state.bytesFree))
            state.writeCount += 1
            if state.bytesFree != .max { state.bytesFree -= bytes.count }
            var contents = state.files[path]?.contents ?? []
            contents.removeLast(max(contents.count - position, 0))
            contents += bytes
            state.files[path]?.contents = contents
            return bytes.count < head.count + rest.count
        }
        disk.stepped()
        if isFull { throw MemoryDisk.noSpace(path) }
    }

    func read(_ count: Int, at position: Int) throws(DiskError) -> [UInt8] {
        let contents = disk[path] ?? []
        disk.change { $0.readBytes += max(min(count, contents.count - position), 0) }
        return Array(contents.dropFirst(position).prefix(count))
    }

    func sync() throws(DiskError) {
        let path = path
        disk.change { $0.beforeSync }(path)
        let fails = disk.change { state in
            state.syncCount += 1
            if !state.failsSyncs {
                let contents = state.files[path]?.contents ?? []
                state.files[path]?.durable = contents
            }
            return state.failsSyncs
        }
        disk.stepped()
        if fails { throw DiskError(operation: "sync", path: path, code: EIO, reason: "I/O") }
    }

    func truncate(to byteCount: Int) throws(DiskError) {
        let path = path
        disk.change { state in
            var file = state.files[path] ?? MemoryDisk.File()
            let cut = file.contents.count - byteCount
            file.contents.removeLast(max(cut, 0))
            if state.bytesFree != .max { state.bytesFree += max(cut, 0) }
            state.files[path] = file
        }
        disk.stepped()
    }
}
