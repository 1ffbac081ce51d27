// Bodies that were compressed on the way (RFC 9110 section 8.4): gzip and nothing else.

internal import Compression

extension HTTPRequest {
    /// Undoes the content coding; the body then has at most `bytesMax` bytes. The header fields
    /// stay as they were sent.
    mutating func decodeBody(bytesMax: Int) throws(HTTPProtocolError) {
        guard let coding = headers.firstField(named: "content-encoding"),
            !headers.isValue(of: coding, "identity")
        else { return }
        let isGzip = headers.isValue(of: coding, "gzip") || headers.isValue(of: coding, "x-gzip")
        guard isGzip, headers.count(named: "content-encoding") == 1 else {
            throw HTTPProtocolError(
                status: 415, code: "UnsupportedMediaTypeError",
                message: "the only content coding served is gzip")
        }
        body = try Self.inflated(body, bytesMax: bytesMax)
    }

    private static func inflated(
        _ body: [UInt8], bytesMax: Int
    ) throws(HTTPProtocolError) -> [UInt8] {
        var output: [UInt8] = []
        do throws(CompressionError) {
            var reader = try GzipReader()
            var input = body[...]
            while true {
                let before = output.count
                try reader.inflate(&input, into: &output)
                guard output.count <= bytesMax else { break }
                guard output.count > before else {
                    if input.isEmpty, reader.isAtMemberEnd { return output }
                    throw CompressionError(code: .damaged, message: "the gzip body is cut short")
                }
            }
        } catch {
            throw .bad(error.message)
        }
        throw bodyTooLarge(bytesMax)
    }
}
