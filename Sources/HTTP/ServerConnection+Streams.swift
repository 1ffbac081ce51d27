// Answers that are sent while they are made, on the connection's loop.

internal import EventLoop

extension ServerConnection {
    /// Where a request's slot is; nil once it has been answered or the connection is gone.
    private func index(of sequence: UInt64) -> Int? {
        guard sequence >= firstSequence, sequence - firstSequence < UInt64(slots.count) else {
            return nil
        }
        return Int(sequence - firstSequence)
    }

    func beginStream(_ head: HTTPResponse, of sequence: UInt64) {
        guard let index = index(of: sequence), slots[index].response == nil else { return }
        slots[index].response = head
        // A client of HTTP/1.0 learns the end by the close.
        if slots[index].isVersion10 { slots[index].keepsAlive = false }
        // To a HEAD the head is all of it.
        slots[index].stream = StreamedBody(isFinished: slots[index].isHead)
        flushUnlessReading()
    }

    func send(
        _ bytes: [UInt8], of sequence: UInt64, _ continuation: CheckedContinuation<Bool, Never>
    ) {
        guard let index = index(of: sequence), slots[index].stream?.isFinished == false else {
            return continuation.resume(returning: false)
        }
        // A chunk without bytes would be the last one.
        if !bytes.isEmpty { slots[index].stream?.parts.append(bytes) }
        slots[index].stream?.waiting = continuation
        flushUnlessReading()
    }

    func finish(_ sequence: UInt64) {
        guard let index = index(of: sequence) else { return }
        slots[index].stream?.isFinished = true
        flushUnlessReading()
    }

    func abort(_ sequence: UInt64) {
        guard index(of: sequence) != nil else { return }
        abort()
    }

    private func flushUnlessReading() {
        // Else the reading flushes when it is done.
        if !isDispatching { flush() }
    }

    /// Writes what there is of a body whose turn it is, and lets whoever makes it go on.
    func writeParts(of index: Int, to connection: Connection) {
        guard let response = slots[index].response, var stream = slots[index].stream else { return }
        let options = slots[index].options
        if !stream.isHeadWritten {
            stream.isHeadWritten = true
            connection.write { append(response, to: &$0, options) }
        }
        for part in stream.parts {
            if options.length == .chunked {
                connection.write { appendChunk(part, to: &$0) }
            } else {
                connection.write(part)
            }
        }
        stream.parts = []
        if stream.isFinished, options.length == .chunked, !slots[index].isHead {
            connection.write(Array("0\r\n\r\n".utf8))
        }
        var ready: CheckedContinuation<Bool, Never>?
        if connection.isWritable || stream.isFinished {
            ready = stream.waiting
            stream.waiting = nil
        }
        slots[index].stream = stream
        ready?.resume(returning: !stream.isFinished)
    }
}
