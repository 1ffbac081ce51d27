// Chooses ports for processes that are about to be started.
//
// They come from below the range that the kernel gives to outgoing connections (32768 on, Linux's
// default), so that while a process is down for a restart nobody's connection sits on its port.

internal import Base
internal import EventLoop

/// `count` TCP ports of 127.0.0.1 that nobody listens on just now.
package func freePorts(count: Int, using random: inout some RandomNumberGenerator) throws
    -> [UInt16]
{
    var chosen: [UInt16] = []
    var attempts = 0
    while chosen.count < count {
        attempts += 1
        guard attempts < 100 * count else {
            throw SupervisorError(
                "no free ports between 10000 and 32000 on 127.0.0.1", reason: .unavailable)
        }
        let port = UInt16.random(in: 10_000..<32_000, using: &random)
        if !chosen.contains(port), TCPListener.canListen(onLoopbackPort: port) {
            chosen.append(port)
        }
    }
    return chosen
}

/// The `count` ports from `base` on; an error names the first that is taken.
package func consecutivePorts(from base: UInt16, count: Int) throws -> [UInt16] {
    guard base > 0, Int(base) + count <= 65_536 else {
        throw SupervisorError(
            "--base-port \(base): from 1 to \(65_536 - count), as \(count) ports are needed")
    }
    let ports = (0..<count).map { base + UInt16($0) }
    if let taken = ports.first(where: { !TCPListener.canListen(onLoopbackPort: $0) }) {
        throw SupervisorError(
            "--base-port \(base): port \(taken) is taken", reason: .unavailable)
    }
    return ports
}
