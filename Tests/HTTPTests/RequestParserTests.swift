import Base
import Testing

@testable import HTTP

/// The parser reads what RFC 9112 allows, refuses what servers could read differently, and does not
/// care how the bytes are cut.
@Suite struct RequestParserTests {
    /// What comes out of `bytes`, delivered in pieces that end at `cuts`.
    private func parse(_ text: String, cuts: [Int] = []) -> [String] {
        let bytes = Array(text.utf8)
        var parser = RequestParser(limits: HTTPLimits())
        var found: [String] = []
        var start = 0
        for end in cuts + [bytes.count] {
            parser.append(bytes[start..<end])
            start = end
            do throws(HTTPProtocolError) {
                reading: while true {
                    switch try parser.next() {
                    case .needsMore: break reading
                    case .expectsContinue: continue
                    case .request(let request):
                        let body = String(decoding: request.body, as: UTF8.self)
                        found.append("\(request.method) \(request.path) \(body)")
                    }
                }
            } catch {
                found.append("error \(error.status)")
                return found
            }
        }
        return found
    }

    private static let valid: [(String, [String])] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ["GET / "]),
        ("\r\nGET /a?b=c HTTP/1.1\r\nhost:a\r\n\r\n", ["GET /a "]),
        ("GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n", ["GET /x "]),
        ("GET //3.0//x HTTP/1.1\r\nHost: h\r\n\r\n", ["GET /3.0//x "]),
        ("GET HTTP://h:8080?x=/y HTTP/1.1\r\nHost: h\r\n\r\n", ["GET  "]),
        ("OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", ["OPTIONS * "]),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", ["GET / "]),
        ("GET / HTTP/1.0\r\n\r\n", ["GET / "]),
        ("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", ["POST /p abc"]),
        (
            "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\nGET /q HTTP/1.1\r\nHost: a\r\n\r\n",
            ["POST /p abcde", "GET /q "]
        ),
        (
            "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nz",
            ["POST /p z"]
        ),
    ]

    @Test(arguments: valid.indices) func everyWayOfCuttingGivesTheSame(index: Int) {
        let (text, expected) = Self.valid[index]
        #expect(parse(text) == expected)
        for cut in 0...text.utf8.count { #expect(parse(text, cuts: [cut]) == expected) }
        #expect(parse(text, cuts: Array(1..<text.utf8.count)) == expected)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://u@h/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1x\r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n",
    ])
    func ambiguousRequestIsRefused(text: String) { #expect(parse(text) == ["error 400"]) }

    /// The bytes that make a request impossible, not those after them, decide; however they are cut.
    @Test(arguments: [
        ("G@", 2), ("\u{1}", 1), (" GET", 1), ("GET\r", 4), ("GET /\r\n", 7),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n@", 28), ("\r\n@", 3), ("@\nX", 1),
    ])
    func impossibleRequestIsRefusedAtOnce(text: String, length: Int) {
        #expect(parse(text).last == "error 400")
        let before = String(decoding: text.utf8.prefix(length - 1), as: UTF8.self)
        #expect(parse(before).last != "error 400")
        for cut in 0...text.utf8.count { #expect(parse(text, cuts: [cut]) == parse(text)) }
    }

    @Test func limitsHaveTheirOwnStatus() {
        let long = String(repeating: "x", count: 20_000)
        #expect(parse("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n") == ["error 414"])
        #expect(parse("GET / HTTP/1.1\r\nHost: a\r\nX: \(long)\(long)\r\n\r\n") == ["error 431"])
        let many = String(repeating: "X: y\r\n", count: 101)
        #expect(parse("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n") == ["error 431"])
        let big = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"
        #expect(parse(big) == ["error 413"])
        let gzip = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        #expect(parse(gzip) == ["error 501"])
        #expect(parse("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == ["error 505"])
        let expectation = "POST / HTTP/1.1\r\nHost: a\r\nExpect: gift\r\nContent-Length: 1\r\n\r\n"
        #expect(parse(expectation) == ["error 417"])
    }

    /// Garbage never traps: mutations of valid requests end in requests, errors or a wish for more.
    @Test func mutatedRequestsNeverTrap() {
        let seed: UInt64 = 41
        var random = PRNG(seed: seed)
        for _ in 0..<20_000 {
            var bytes = Array((Self.valid.randomElement(using: &random)?.0 ?? "").utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                bytes[index] = .random(in: 0...255, using: &random)
            }
            var parser = RequestParser(limits: HTTPLimits())
            parser.append(bytes)
            for _ in 0..<4 { guard (try? parser.next()) != nil else { break } }
        }
    }

    /// A body grows where it is: were it copied for every piece that arrives, a client that sends
    /// many small pieces could keep a loop busy for minutes.
    @Test func chunkedBodyGrowsInPlace() throws {
        var parser = RequestParser(limits: HTTPLimits())
        parser.append(
            Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n".utf8))
        var place: UnsafeRawPointer?
        var moves = 0
        for _ in 0..<500 {
            parser.append([UInt8](repeating: 1, count: 1000))
            guard case .needsMore = try parser.next() else { return #expect(Bool(false)) }
            let now = parser.chunks?.body.withUnsafeBytes { $0.baseAddress }
            if now != place { moves += 1 }
            place = now
        }
        #expect(parser.chunks?.body.count == 500_000)
        #expect(moves < 30)
    }

    /// A long body is gone from the parser when its request is complete.
    @Test func nothingOfALongBodyIsKept() throws {
        var parser = RequestParser(limits: HTTPLimits())
        parser.append(Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n".utf8))
        for _ in 0..<99 {
            parser.append([UInt8](repeating: 1, count: 50_000))
            guard case .needsMore = try parser.next() else { return #expect(Bool(false)) }
        }
        #expect(parser.heldBytes > 4_900_000)
        parser.append([UInt8](repeating: 1, count: 50_000))
        guard case .request(let request) = try parser.next() else { return #expect(Bool(false)) }
        #expect(request.body.count == 5_000_000)
        #expect(parser.heldBytes == 0)
        #expect(parser.buffer.capacity < 100_000)
    }

    @Test func queryToleratesWhatClientsSend() {
        let query = HTTPQuery(Array("?".utf8.dropFirst()) + Array("a=1&&b=x+y%20z&a=2&=3&c".utf8))
        #expect(query.first(named: "a") == "1")
        #expect(query.first(named: "b") == "x y z")
        #expect(query.first(named: "c") == "")
        #expect(query.names.count == 4)
    }

    /// The example of RFC 9110, section 5.6.7.
    @Test func dateHasTheFixedForm() {
        #expect(
            String(decoding: formatHTTPDate(second: 784_111_777), as: UTF8.self)
                == "Sun, 06 Nov 1994 08:49:37 GMT")
    }
}
