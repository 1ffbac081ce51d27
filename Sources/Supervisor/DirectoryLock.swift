// One `millrace up` a data directory: a lock that the kernel takes back when its holder dies.

internal import Base
internal import Glibc

/// Holds `DIR/lock` from its making to its end. The file keeps the holder's process id for the
/// error of whoever comes second; it is never removed, which would let two hold it.
package struct DirectoryLock: ~Copyable {
    private let descriptor: Int32

    /// Takes the lock, or says who has it.
    package init(directory: String) throws {
        let path = directory + "/lock"
        // Not inherited by the processes that are started: they may outlive the lock by a moment.
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SupervisorError("\(path) cannot be opened: \(Self.reason)", reason: .disk)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let text = isHeld ? Self.holder(of: descriptor) : Self.reason
            throw SupervisorError("\(directory) is in use: \(text)", reason: .unavailable)
        }
        let pid = Array("\(getpid())\n".utf8)
        // Only for people: if it cannot be written the lock holds all the same.
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, pid, pid.count, 0) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private static var reason: String {
        let code = errno
        return strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }

    private static func holder(of descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let size = bytes.count
        let count = max(pread(descriptor, &bytes, size, 0), 0)
        let digits = bytes.prefix(count).prefix { (0x30...0x39).contains($0) }
        let pid = String(decoding: digits, as: UTF8.self)
        return "process \(pid.isEmpty ? "unknown" : pid) runs `millrace up` on it"
    }
}
