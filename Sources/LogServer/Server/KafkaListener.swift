// One of the addresses that the server listens on.

internal import Base
internal import Synchronization

/// What connections know of the listener that they came through. Any thread.
final class KafkaListener: Sendable {
    let isTLS: Bool
    private let address: Mutex<HostPort>

    init(isTLS: Bool, advertised: HostPort) {
        self.isTLS = isTLS
        address = Mutex(advertised)
    }

    /// What its clients are told to connect to: the same way in that they have come.
    var advertised: HostPort {
        get { address.withLock { $0 } }
        set { address.withLock { $0 = newValue } }
    }
}
