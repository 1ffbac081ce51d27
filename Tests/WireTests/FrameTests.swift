import Base
import Testing
import Wire

/// Frames keep their bytes, survive any splitting, and bad ones are errors that stay errors.
@Suite struct FrameTests {
    private static let nonceText = hexadecimal(Samples.nonce)
    private static let proofText = hexadecimal(Samples.proof)

    @Test func bytesAreGolden() {
        let expected = [
            "26000000" + "01" + "4d525043" + "01" + Self.nonceText,
            "22000000" + "02" + "01" + Self.nonceText,
            "21000000" + "03" + Self.proofText,
            "29000000" + "04" + Self.proofText + "00000004" + "00040000",
            "05000000" + "05" + "0200" + "6e6f",
            "12000000" + "10" + "0700000000000000" + "1800" + "dc050000" + "010203",
            "0c000000" + "11" + "0700000000000000" + "0000" + "09",
            "09000000" + "12" + "0700000000000000",
            "01000000" + "13",
        ]
        #expect(Samples.frames.map { hexadecimal($0.encoded()) } == expected)
    }

    @Test func statusNumbersAreASnapshot() {
        let table = RPCStatus.allCases.map {
            "\($0.rawValue) \($0) \($0.isRetriable ? "retry" : "-")"
        }
        #expect(
            table == [
                "0 ok -", "1 badRequest -", "2 unauthenticated -", "3 unknownMethod -",
                "4 deadlineExceeded retry", "5 overloaded retry", "6 notFound -",
                "7 unavailable retry", "8 internal -", "9 resourceExhausted -", "10 cancelled -",
                "11 connectionLost retry", "12 protocolViolation -",
            ])
        #expect(Set(RPCStatus.allCases.map(\.meaning)).count == RPCStatus.allCases.count)
    }

    @Test func methodNumbersAreASnapshot() {
        let methods: [RPCMethod] = [.apply, .appliedOffsets, .scan, .schema]
        #expect(methods.map(\.rawValue) == [1, 2, 24, 4])
    }

    @Test(arguments: [1, 2, 3, 5, 7, 64, 10_000])
    func anySplitGivesTheSameFrames(pieceBytes: Int) throws {
        let stream = Samples.frames.flatMap { $0.encoded() }
        var assembler = FrameAssembler(frameBytesMax: 1000)
        var frames: [Frame] = []
        for start in stride(from: 0, to: stream.count, by: pieceBytes) {
            var piece = stream[start..<min(start + pieceBytes, stream.count)]
            while let frame = try assembler.next(&piece) { frames.append(frame) }
            #expect(piece.isEmpty)
        }
        #expect(frames == Samples.frames)
        #expect(assembler.isBetweenFrames)
    }

    @Test func oversizeIsRefusedByItsCountAlone() {
        var assembler = FrameAssembler(frameBytesMax: 512)
        // What a browser sends first.
        var input = Array("GET / HTTP/1.1\r\n".utf8)[...]
        #expect(throws: FrameError.oversize(byteCount: 0x2054_4547, max: 512)) {
            try assembler.next(&input)
        }
        var more = Frame.goAway.encoded()[...]
        #expect(throws: FrameError.self) { try assembler.next(&more) }
    }

    @Test func emptyFrameIsRefused() {
        var assembler = FrameAssembler(frameBytesMax: 512)
        var input: ArraySlice<UInt8> = [0, 0, 0, 0]
        #expect(throws: FrameError.empty) { try assembler.next(&input) }
    }

    @Test func everyShorterOrLongerFixedFrameIsMalformed() {
        for frame in Samples.frames {
            let content = Array(frame.encoded()[4...])
            for count in content.indices { _ = try? Frame(content: Array(content[..<count])) }
            switch frame {
            case .request, .response, .refusal: break  // their last field runs to the end
            default:
                for count in content.indices {
                    #expect(throws: ByteReaderError.self) {
                        try Frame(content: Array(content[..<count]))
                    }
                }
                #expect(throws: ByteReaderError.self) { try Frame(content: content + [0]) }
            }
        }
    }

    @Test func aLargeBodyIsSentInTwoPieces() {
        let request = RequestFrame(
            callID: 1, method: .apply, remainingMilliseconds: 5, body: [4, 5, 6])
        #expect(request.head() + request.body == Frame.request(request).encoded())
        #expect(request.head().count == Frame.requestOverheadBytes)
        let response = ResponseFrame(callID: 1, status: 3, body: [4])
        #expect(response.head() + response.body == Frame.response(response).encoded())
        #expect(response.head().count == Frame.responseOverheadBytes)
    }
}
