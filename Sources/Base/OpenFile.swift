// A file that grows while it is made, or is read in parts while it is sent.

internal import Glibc

/// An open file; it is closed with its last reference. Every call may block.
package final class OpenFile: Sendable {
    private let path: String
    private let descriptor: Int32

    /// Makes a file, which only its owner may read, in place of any that is there.
    package init(creating path: String) throws(DiskError) {
        self.path = path
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DiskError(operation: "create", path: path) }
    }

    package init(reading path: String) throws(DiskError) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DiskError(operation: "open", path: path) }
    }

    deinit { close(descriptor) }

    /// Writes all of `bytes` at the end.
    package func append(_ bytes: [UInt8]) throws(DiskError) {
        var done = 0
        while done < bytes.count {
            // write(2) reads only the part of the array that the buffer spans.
            let count = unsafe bytes[done...].withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw DiskError(operation: "write", path: path)
            }
            done += count
        }
    }

    /// Brings what was written to the disk.
    package func sync() throws(DiskError) {
        guard fsync(descriptor) == 0 else { throw DiskError(operation: "sync", path: path) }
    }

    /// At most `count` bytes from `offset` on; none at the end.
    package func read(at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
        var result = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            repeat {
                // pread(2) writes at most the buffer's bytes.
                result = unsafe pread(descriptor, buffer.baseAddress, buffer.count, offset)
            } while result < 0 && errno == EINTR
            filled = max(result, 0)
        }
        guard result >= 0 else { throw DiskError(operation: "read", path: path) }
        return bytes
    }
}
