// A port of 127.0.0.1 that nobody listens on, for executables that have to be told one.

import Glibc

public enum FreePort {
    /// The kernel's choice; somebody else may take it before it is used, which is rare.
    public static func find() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0
                    ? getsockname(descriptor, generic, &length) : -1
            }
        }
        guard result == 0 else { throw SystemFailure(log: "no port is free") }
        return UInt16(bigEndian: address.sin_port)
    }
}
