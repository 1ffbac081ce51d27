// The bytes of an answer.

internal import Base
internal import Model
internal import Synchronization

/// How one response is written.
struct ResponseOptions {
    /// False for HEAD.
    var withBody = true
    /// False announces the close.
    var keepsAlive = true
    /// To a client of HTTP/1.0, to which silence means the close.
    var saysKeepAlive = false
    var length = BodyLength.known

    /// How a client learns where the body ends.
    enum BodyLength {
        case known
        /// In chunks.
        case chunked
        /// By the close.
        case untilClose
    }
}

extension HTTPResponse {
    /// Whether a client looks for a body at all: what followed would be its next answer.
    var mayHaveBody: Bool { status != 204 && status != 304 }
}

/// Appends a response's head and, if `gathersBody`, its body.
func append(
    _ response: HTTPResponse, to bytes: inout [UInt8], _ options: ResponseOptions,
    gathersBody: Bool = true
) {
    bytes.append(contentsOf: "HTTP/1.1 ".utf8)
    bytes.append(contentsOf: String(response.status).utf8)
    bytes.append(0x20)
    bytes.append(contentsOf: HTTPResponse.reason(response.status).utf8)
    bytes.append(contentsOf: "\r\nDate: ".utf8)
    bytes.append(contentsOf: httpDate(milliseconds: wallClockMilliseconds()))
    bytes.append(contentsOf: "\r\nAccess-Control-Allow-Origin: *\r\n".utf8)
    for (name, value) in response.headers {
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: ": ".utf8)
        let start = bytes.count
        bytes.append(contentsOf: value.utf8)
        // A line break in a value would start a header of its own.
        for index in start..<bytes.count where bytes[index] == 0x0D || bytes[index] == 0x0A {
            bytes[index] = 0x20
        }
        bytes.append(contentsOf: "\r\n".utf8)
    }
    if options.length == .chunked {
        bytes.append(contentsOf: "Transfer-Encoding: chunked\r\n".utf8)
    } else if options.length == .known, response.mayHaveBody {
        bytes.append(contentsOf: "Content-Length: ".utf8)
        bytes.append(contentsOf: String(response.body.count).utf8)
        bytes.append(contentsOf: "\r\n".utf8)
    }
    if !options.keepsAlive { bytes.append(contentsOf: "Connection: close\r\n".utf8) }
    if options.saysKeepAlive { bytes.append(contentsOf: "Connection: keep-alive\r\n".utf8) }
    bytes.append(contentsOf: "\r\n".utf8)
    if options.withBody, gathersBody, response.mayHaveBody {
        bytes.append(contentsOf: response.body)
    }
}

/// The date of the current second, made once a second.
private let dateCache = Mutex((second: Int64.min, text: [UInt8]()))

func httpDate(milliseconds: Int64) -> [UInt8] {
    let second = milliseconds.floorDivided(by: 1000)
    return dateCache.withLock { cache in
        if cache.second != second { cache = (second, formatHTTPDate(second: second)) }
        return cache.text
    }
}

/// IMF-fixdate of RFC 9110 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
func formatHTTPDate(second: Int64) -> [UInt8] {
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let date = CivilDate(daysSinceEpoch: second.floorDivided(by: 86_400))
    let rest = Int(second.floorModulo(86_400))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let day = two(date.day)
    let time = "\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
    return Array(
        "\(days[date.dayOfWeek]), \(day) \(months[date.month - 1]) \(date.year) \(time) GMT"
            .utf8)
}
