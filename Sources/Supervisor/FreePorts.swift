// Chooses ports for processes that are about to be started.
//
// They come from below the range that the kernel gives to outgoing connections (32768 on, Linux's
// default), so that while a process is down for a restart nobody's connection sits on its port.

internal import Glibc

/// `count` TCP ports of 127.0.0.1 that nobody listens on just now.
package func freePorts(count: Int, using random: inout some RandomNumberGenerator) throws -> [UInt16] {
    var chosen: [UInt16] = []
    var attempts = 0
    while chosen.count < count {
        attempts += 1
        guard attempts < 100 * count else {
            throw SupervisorError("no free ports between 10000 and 32000 on 127.0.0.1")
        }
        let port = UInt16.random(in: 10_000..<32_000, using: &random)
        if !chosen.contains(port), canListen(on: port) { chosen.append(port) }
    }
    return chosen
}

/// The `count` ports from `base` on; an error names the first that is taken.
package func consecutivePorts(from base: UInt16, count: Int) throws -> [UInt16] {
    guard base > 0, Int(base) + count <= 65_536 else {
        throw SupervisorError("--base-port \(base): \(count) ports are needed from it on")
    }
    let ports = (0..<count).map { base + UInt16($0) }
    if let taken = ports.first(where: { !canListen(on: $0) }) {
        throw SupervisorError("--base-port \(base): port \(taken) is taken")
    }
    return ports
}

private func canListen(on port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    // `address` is a sockaddr_in of exactly the length given.
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
