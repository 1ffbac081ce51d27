// Numeric IP addresses in the form the system calls want.

internal import CUV
internal import Glibc

/// An IPv4 or IPv6 address with a port.
struct SocketAddress: Sendable {
    private var storage = sockaddr_storage()
    private(set) var length: socklen_t

    /// Room for an address that a system call fills in.
    init() { length = socklen_t(MemoryLayout<sockaddr_storage>.size) }

    /// A numeric address; nil for a host name.
    init?(numeric host: String, port: UInt16) {
        var four = sockaddr_in()
        if unsafe uv_ip4_addr(host, Int32(port), &four) == 0 {
            self.init(four)
            return
        }
        var six = sockaddr_in6()
        guard unsafe uv_ip6_addr(host, Int32(port), &six) == 0 else { return nil }
        self.init(six)
    }

    private init<Address>(_ address: Address) {
        length = socklen_t(MemoryLayout<Address>.size)
        // sockaddr_storage is by its definition large and aligned enough for every address.
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.storeBytes(of: address, as: Address.self)
        }
    }

    /// Copies an address that a resolver found; nil for a family other than IP.
    init?(copying address: UnsafePointer<sockaddr>) {
        let raw = unsafe UnsafeRawPointer(address)
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET: unsafe self.init(raw.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: unsafe self.init(raw.loadUnaligned(as: sockaddr_in6.self))
        default: return nil
        }
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// The same address with another port.
    func with(port: UInt16) -> SocketAddress {
        if var four = as4 {
            four.sin_port = port.bigEndian
            return SocketAddress(four)
        }
        guard var six = as6 else { return self }
        six.sin6_port = port.bigEndian
        return SocketAddress(six)
    }

    var port: UInt16 {
        if let as4 { return UInt16(bigEndian: as4.sin_port) }
        if let as6 { return UInt16(bigEndian: as6.sin6_port) }
        return 0
    }

    /// The address without the port, as text; an IPv4 address inside IPv6 is written as IPv4.
    var host: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let capacity = text.count
        if var address = as4 {
            unsafe uv_ip4_name(&address, &text, capacity)
        } else if var address = as6 {
            unsafe uv_ip6_name(&address, &text, capacity)
        }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let plain = String(decoding: bytes, as: UTF8.self)
        return plain.hasPrefix("::ffff:") && plain.contains(".")
            ? String(plain.dropFirst(7)) : plain
    }

    private var as4: sockaddr_in? { family == AF_INET ? view(sockaddr_in.self) : nil }
    private var as6: sockaddr_in6? { family == AF_INET6 ? view(sockaddr_in6.self) : nil }

    private func view<Address>(_ type: Address.Type) -> Address {
        unsafe withUnsafeBytes(of: storage) { unsafe $0.load(as: type) }
    }

    /// The form a system call reads.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, length)
            }
        }
    }

    /// The form a system call fills in.
    mutating func withMutablePointer(
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Int32 {
        unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, &length)
            }
        }
    }
}
