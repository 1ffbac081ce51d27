// The disk as the store's files need it: whole immutable files, made durable in steps. A protocol,
// so that tests can let any step fail or stop; `LocalDisk` is the real one.

internal import Glibc

/// What the operating system said about a file.
package struct DiskError: Error, Sendable, Equatable, CustomStringConvertible {
    package let operation: String
    package let path: String
    /// `errno`; 0 when the system did not fail but the file is not as expected.
    package let code: Int32
    package let reason: String

    package init(operation: String, path: String, code: Int32 = 0, reason: String) {
        self.operation = operation
        self.path = path
        self.code = code
        self.reason = reason
    }

    /// From the calling thread's `errno`.
    package init(operation: String, path: String) {
        let code = errno
        // strerror's text is copied before any other call could change it.
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        self.init(operation: operation, path: path, code: code, reason: reason)
    }

    package var description: String { "cannot \(operation) '\(path)': \(reason)" }
}

/// Steps on files. Every call may block.
package protocol Disk: Sendable {
    func makeDirectory(_ path: String) throws(DiskError)
    /// Names in a directory, without `.` and `..`, in no order.
    func names(in directory: String) throws(DiskError) -> [String]
    /// Writes a file that does not exist yet and syncs its contents.
    func create(_ path: String, pieces: [[UInt8]]) throws(DiskError)
    func rename(_ path: String, to target: String) throws(DiskError)
    /// Gives a file that never changes a second name, or makes a synced copy where that cannot be.
    func link(_ path: String, to target: String) throws(DiskError)
    /// Makes creations, renames and removals in a directory durable.
    func syncDirectory(_ path: String) throws(DiskError)
    func remove(_ path: String) throws(DiskError)
    func map(_ path: String) throws(DiskError) -> MappedFile
    /// The contents of a small file; nil if there is none.
    func read(_ path: String) throws(DiskError) -> [UInt8]?
}

extension Disk {
    package func link(_ path: String, to target: String) throws(DiskError) {
        let file = try map(path)
        try create(target, pieces: [file.copy(0..<file.byteCount) ?? []])
        guard !file.hasFaulted else {
            throw DiskError(operation: "read", path: path, code: EIO, reason: "a read error")
        }
    }
}

/// The machine's own file system.
package struct LocalDisk: Disk {
    package init() {}

    package func makeDirectory(_ path: String) throws(DiskError) {
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw DiskError(operation: "make directory", path: path)
        }
    }

    package func names(in directory: String) throws(DiskError) -> [String] {
        guard let stream = unsafe opendir(directory) else {
            throw DiskError(operation: "list", path: directory)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        // The entry is valid until the next readdir on this stream, which only we hold.
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    package func create(_ path: String, pieces: [[UInt8]]) throws(DiskError) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw DiskError(operation: "create", path: path) }
        do throws(DiskError) {
            for piece in pieces { try write(piece, to: file, path: path) }
            guard fsync(file) == 0 else { throw DiskError(operation: "sync", path: path) }
        } catch {
            close(file)
            throw error
        }
        guard close(file) == 0 else { throw DiskError(operation: "close", path: path) }
    }

    private func write(_ bytes: [UInt8], to file: Int32, path: String) throws(DiskError) {
        var done = 0
        while done < bytes.count {
            // write(2) reads only the part of the array that the buffer spans.
            let count = unsafe bytes[done...].withUnsafeBytes {
                unsafe Glibc.write(file, $0.baseAddress, $0.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw DiskError(operation: "write", path: path)
            }
            done += count
        }
    }

    package func rename(_ path: String, to target: String) throws(DiskError) {
        guard unsafe Glibc.rename(path, target) == 0 else {
            throw DiskError(operation: "rename", path: path)
        }
    }

    package func link(_ path: String, to target: String) throws(DiskError) {
        if unsafe Glibc.link(path, target) == 0 { return }
        // Another file system, or one without links.
        guard [EXDEV, EPERM, EMLINK, EOPNOTSUPP].contains(errno) else {
            throw DiskError(operation: "link", path: path)
        }
        let file = try map(path)
        try create(target, pieces: [file.copy(0..<file.byteCount) ?? []])
        guard !file.hasFaulted else {
            throw DiskError(operation: "read", path: path, code: EIO, reason: "a read error")
        }
    }

    package func syncDirectory(_ path: String) throws(DiskError) {
        let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw DiskError(operation: "open directory", path: path) }
        defer { close(directory) }
        guard fsync(directory) == 0 else {
            throw DiskError(operation: "sync directory", path: path)
        }
    }

    package func remove(_ path: String) throws(DiskError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw DiskError(operation: "remove", path: path)
        }
    }

    package func map(_ path: String) throws(DiskError) -> MappedFile { try MappedFile(path) }

    package func read(_ path: String) throws(DiskError) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw DiskError(operation: "open", path: path)
        }
        defer { close(file) }
        var contents: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let size = part.count
            let count = unsafe part.withUnsafeMutableBytes {
                unsafe Glibc.read(file, $0.baseAddress, size)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw DiskError(operation: "read", path: path)
            }
            if count == 0 { return contents }
            contents.append(contentsOf: part[..<count])
        }
    }
}
