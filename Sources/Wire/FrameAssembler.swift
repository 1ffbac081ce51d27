// Cuts a stream of bytes into frames, however the network has split or joined them.

package import Base

/// Why a stream of bytes cannot be RPC. The connection is of no use after it.
package enum FrameError: Error, Sendable, Equatable, CustomStringConvertible {
    case oversize(byteCount: Int, max: Int)
    case empty
    case malformed(ByteReaderError)

    package var description: String {
        switch self {
        case .oversize(let byteCount, let max):
            "frame of \(byteCount) bytes, at most \(max) are allowed here"
        case .empty: "frame without a kind"
        case .malformed(let error): "malformed frame: \(error)"
        }
    }
}

/// Collects bytes and hands out whole frames. Holds at most one incomplete frame, and never
/// reserves more than has arrived by doubling: a lying count costs its sender, not us.
package struct FrameAssembler: Sendable {
    /// The longest frame that is accepted; small until the peer has authenticated itself.
    package var frameBytesMax: Int
    private var header: UInt32 = 0
    private var headerCount = 0
    private var content: [UInt8] = []
    private var failure: FrameError?

    package init(frameBytesMax: Int) { self.frameBytesMax = frameBytesMax }

    /// Whether the stream may end here.
    package var isBetweenFrames: Bool { headerCount == 0 }

    /// Takes bytes from the front of `input` until one frame is whole and returns it; nil when all
    /// of `input` is taken and the frame is still incomplete. After an error every call throws it.
    package mutating func next<Input: Collection<UInt8>>(
        _ input: inout Input
    ) throws(FrameError) -> Frame? where Input.SubSequence == Input {
        if let failure { throw failure }
        do {
            return try take(&input)
        } catch {
            failure = error
            content = []
            throw error
        }
    }

    private mutating func take<Input: Collection<UInt8>>(
        _ input: inout Input
    ) throws(FrameError) -> Frame? where Input.SubSequence == Input {
        while headerCount < 4 {
            guard let byte = input.popFirst() else { return nil }
            header |= UInt32(byte) << UInt32(8 * headerCount)
            headerCount += 1
            if headerCount == 4 { try checkHeader() }
        }
        let missing = Int(header) - content.count
        let available = min(missing, input.count)
        let piece = input.prefix(available)
        // Other modules run this unspecialized: a copy would go byte by byte through witnesses.
        let isCopied: Void? = piece.withContiguousStorageIfAvailable {
            content.append(contentsOf: $0)
        }
        if isCopied == nil { content.append(contentsOf: piece) }
        input.removeFirst(available)
        guard available == missing else { return nil }
        return try finish()
    }

    private func checkHeader() throws(FrameError) {
        guard header > 0 else { throw .empty }
        guard Int(header) <= frameBytesMax else {
            throw .oversize(byteCount: Int(header), max: frameBytesMax)
        }
    }

    private mutating func finish() throws(FrameError) -> Frame {
        let whole = content
        content = []
        header = 0
        headerCount = 0
        do {
            return try Frame(content: whole)
        } catch {
            throw .malformed(error)
        }
    }
}
