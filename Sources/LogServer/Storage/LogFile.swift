// Files that grow at their end, as segments do, on top of the disk of immutable files that `Base`
// has. A protocol, so that tests can let a write run out of space or a sync fail.

package import Base
internal import EventLoop
internal import Glibc

/// One growing file. Calls may block; any thread, but only one writes.
package protocol LogFile: Sendable {
    var path: String { get }
    func byteCount() throws(DiskError) -> Int
    /// Writes `head`, then `rest`, from `position` on. After an error any part may be written.
    func write(
        _ head: [UInt8], _ rest: ArraySlice<UInt8>, at position: Int
    ) throws(DiskError)
    /// Up to `count` bytes; fewer only where the file ends.
    func read(_ count: Int, at position: Int) throws(DiskError) -> [UInt8]
    /// Returns when the contents and the size survive a power cut.
    func sync() throws(DiskError)
    func truncate(to byteCount: Int) throws(DiskError)
    /// A part will be read soon.
    func willNeed(_ range: Range<Int>)
    /// When the contents were last changed, milliseconds since 1970; nil if nobody knows.
    func modifiedMilliseconds() -> Int64?
    /// Makes `modifiedMilliseconds` say so, if that is possible.
    func setModified(milliseconds: Int64)
}

extension LogFile {
    package func willNeed(_ range: Range<Int>) {}
    package func modifiedMilliseconds() -> Int64? { nil }
    package func setModified(milliseconds: Int64) {}
}

/// A disk that can also open growing files.
package protocol LogDisk: Disk {
    /// Opens a file for reading and writing; `isNew` makes it and fails if it exists.
    func openFile(_ path: String, isNew: Bool) throws(DiskError) -> any LogFile
    /// Removes an empty directory; none there is fine.
    func removeDirectory(_ path: String) throws(DiskError)
    /// From now on only the owner may open the file.
    func makePrivate(_ path: String) throws(DiskError)
}

extension LogDisk {
    package func makePrivate(_ path: String) throws(DiskError) {}
}

extension LocalDisk: LogDisk {
    package func openFile(_ path: String, isNew: Bool) throws(DiskError) -> any LogFile {
        try LocalLogFile(path, isNew: isNew)
    }

    package func makePrivate(_ path: String) throws(DiskError) {
        guard chmod(path, 0o600) == 0 else { throw DiskError(operation: "protect", path: path) }
    }

    package func removeDirectory(_ path: String) throws(DiskError) {
        guard rmdir(path) == 0 || errno == ENOENT else {
            throw DiskError(operation: "remove directory", path: path)
        }
    }
}

/// A growing file of the machine's own file system.
final class LocalLogFile: LogFile, SendableFile {
    let path: String
    let descriptor: Int32

    init(_ path: String, isNew: Bool) throws(DiskError) {
        let flags = O_RDWR | O_CLOEXEC | (isNew ? O_CREAT | O_EXCL : 0)
        descriptor = open(path, flags, 0o644)
        guard descriptor >= 0 else {
            throw DiskError(operation: isNew ? "create" : "open", path: path)
        }
        self.path = path
    }

    deinit { close(descriptor) }

    func byteCount() throws(DiskError) -> Int {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else {
            throw DiskError(operation: "inspect", path: path)
        }
        return Int(information.st_size)
    }

    func write(
        _ head: [UInt8], _ rest: ArraySlice<UInt8>, at position: Int
    ) throws(DiskError) {
        var done = 0
        let total = head.count + rest.count
        while done < total {
            let count = writeOnce(head, rest, skipping: done, at: position + done)
            if count < 0 {
                if errno == EINTR { continue }
                throw DiskError(operation: "write", path: path)
            }
            done += count
        }
    }

    private func writeOnce(
        _ head: [UInt8], _ rest: ArraySlice<UInt8>, skipping done: Int, at position: Int
    ) -> Int {
        head.withUnsafeBytes { head in
            rest.withUnsafeBytes { rest in
                let first = UnsafeRawBufferPointer(rebasing: head[min(done, head.count)...])
                let second = UnsafeRawBufferPointer(
                    rebasing: rest[max(done - head.count, 0)...])
                // pwritev reads through these pointers only, and only during the call.
                let pieces = [first, second].map {
                    iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress),
                        iov_len: $0.count)
                }
                return pwritev(descriptor, pieces, Int32(pieces.count), off_t(position))
            }
        }
    }

    func read(_ count: Int, at position: Int) throws(DiskError) -> [UInt8] {
        var failure: DiskError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let target = UnsafeMutableRawBufferPointer(buffer)[filled...]
                let got = pread(
                    descriptor, UnsafeMutableRawBufferPointer(rebasing: target).baseAddress,
                    count - filled, off_t(position + filled))
                if got == 0 { return }
                if got < 0 {
                    if errno == EINTR { continue }
                    failure = DiskError(operation: "read", path: path)
                    return
                }
                filled += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    func sync() throws(DiskError) {
        guard fdatasync(descriptor) == 0 else { throw DiskError(operation: "sync", path: path) }
    }

    func willNeed(_ range: Range<Int>) {
        // Advice only.
        _ = posix_fadvise(
            descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_WILLNEED)
    }

    func modifiedMilliseconds() -> Int64? {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { return nil }
        let time = information.st_mtim
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    func setModified(milliseconds: Int64) {
        let nanoseconds = Int(milliseconds % 1000) * 1_000_000
        let time = timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: nanoseconds)
        // Only how long a segment is kept depends on it.
        _ = futimens(descriptor, [time, time])
    }

    func truncate(to byteCount: Int) throws(DiskError) {
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
            throw DiskError(operation: "truncate", path: path)
        }
    }
}
