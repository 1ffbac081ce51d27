// How much the file system of a directory holds.

internal import Glibc

/// Room on a disk.
struct DiskRoom: Sendable, Equatable {
    let totalBytes: Int64
    /// What this process may still write.
    let usableBytes: Int64

    /// Nil if the system does not say. Blocks.
    init?(of directory: String) {
        var found = statvfs()
        guard statvfs(directory, &found) == 0 else { return nil }
        func bytes(_ blocks: UInt) -> Int64 {
            let product = blocks.multipliedReportingOverflow(by: found.f_frsize)
            return product.overflow ? .max : Int64(clamping: product.partialValue)
        }
        totalBytes = bytes(found.f_blocks)
        usableBytes = bytes(found.f_bavail)
    }
}
