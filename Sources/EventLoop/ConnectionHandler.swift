// What sits on a connection.

/// The logic of one connection. Every call comes on the connection's loop, from the loop itself:
/// never from inside a call that the handler makes on the connection.
package protocol ConnectionHandler: AnyObject {
    /// Comes first, once.
    func connectionOpened(_ connection: Connection)
    /// Bytes arrived; they are valid during the call only.
    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection)
    /// Unsent bytes had reached the high mark and have now fallen to the low mark.
    func becameWritable(_ connection: Connection)
    /// The peer will send no more, but may still read. The default closes.
    func peerClosedWrite(_ connection: Connection)
    /// Comes last, once, for every connection that was opened; `error` is nil after an orderly end.
    func closed(_ connection: Connection, error: NetworkError?)
}

extension ConnectionHandler {
    package func connectionOpened(_ connection: Connection) {}
    package func becameWritable(_ connection: Connection) {}
    package func peerClosedWrite(_ connection: Connection) { connection.close() }
    package func closed(_ connection: Connection, error: NetworkError?) {}
}
