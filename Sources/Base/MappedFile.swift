// A file mapped read-only into memory, and the lock that keeps a second process out of a directory.

internal import CBase
internal import Glibc

/// A mapped file. The bytes stay valid, and the file's space on the disk stays used, as long as
/// this object lives, also after the file has been removed. What the disk cannot read, or what is
/// cut off, reads as zeros; `hasFaulted` says so. `@unchecked Sendable` holds because the mapping
/// is read-only and nobody writes to the file again.
@safe package final class MappedFile: @unchecked Sendable {
    package let path: String
    private let memory: UnsafeRawBufferPointer
    private let guardSlot: Int32

    package init(_ path: String) throws(DiskError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw DiskError(operation: "open", path: path) }
        // A mapping outlives its descriptor.
        defer { close(file) }
        var information = stat()
        guard unsafe fstat(file, &information) == 0 else {
            throw DiskError(operation: "inspect", path: path)
        }
        let count = Int(information.st_size)
        guard count > 0 else {
            throw DiskError(operation: "map", path: path, reason: "the file is empty")
        }
        guard let base = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, file, 0),
            unsafe base != MAP_FAILED
        else { throw DiskError(operation: "map", path: path) }
        self.path = path
        unsafe memory = UnsafeRawBufferPointer(start: base, count: count)
        unsafe guardSlot = millrace_guard_mapping(base, count)
    }

    deinit {
        millrace_unguard_mapping(guardSlot)
        unsafe munmap(UnsafeMutableRawPointer(mutating: memory.baseAddress), memory.count)
    }

    package var byteCount: Int { unsafe memory.count }

    /// Whether a read error of the disk, or the end of a file that was cut, has put zeros into the
    /// bytes. Look after reading; from then on only a new mapping shows the file again.
    package var hasFaulted: Bool { millrace_mapping_faulted(guardSlot) != 0 }

    /// The whole file. Whoever keeps the pointer keeps this object too.
    package var bytes: UnsafeRawBufferPointer { unsafe memory }

    /// A copy of a part, nil if it lies outside the file.
    package func copy(_ range: Range<Int>) -> [UInt8]? {
        guard range.lowerBound >= 0, range.upperBound <= byteCount else { return nil }
        return unsafe Array(memory[range])
    }

    /// CRC-32C of the whole file.
    package var checksum: UInt32 { unsafe crc32c(memory) }

    /// Tells the kernel that a part will be read soon.
    package func willNeed(_ range: Range<Int>) {
        let page = 4096
        let begin = range.lowerBound / page * page
        guard begin < range.upperBound, range.upperBound <= byteCount else { return }
        // Advice only: nothing depends on whether the kernel takes it.
        _ = unsafe madvise(
            UnsafeMutableRawPointer(mutating: memory.baseAddress)?.advanced(by: begin),
            range.upperBound - begin, MADV_WILLNEED)
    }
}

/// Holds a directory for one process. The kernel lets go when the process ends, however it ends.
package final class DirectoryLock: Sendable {
    private let file: Int32

    /// Takes the lock, or throws at once if another process has it.
    package init(directory: String) throws(DiskError) {
        let path = directory + "/LOCK"
        let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw DiskError(operation: "open", path: path) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let error =
                isHeld
                ? DiskError(
                    operation: "lock", path: path, code: EWOULDBLOCK,
                    reason: "another process uses this directory")
                : DiskError(operation: "lock", path: path)
            close(file)
            throw error
        }
        self.file = file
    }

    deinit { close(file) }
}
