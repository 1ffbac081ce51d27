// The bytes of an answer.

internal import Base
internal import Model
internal import Synchronization

/// Appends a response's head and body. `keepsAlive` false announces the close.
func append(
    _ response: HTTPResponse, to bytes: inout [UInt8], withBody: Bool, keepsAlive: Bool
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
        // A line break in a value would start a header of its own.
        bytes.append(contentsOf: value.utf8.lazy.map { $0 == 0x0D || $0 == 0x0A ? 0x20 : $0 })
        bytes.append(contentsOf: "\r\n".utf8)
    }
    if response.status != 204 && response.status != 304 {
        bytes.append(contentsOf: "Content-Length: ".utf8)
        bytes.append(contentsOf: String(response.body.count).utf8)
        bytes.append(contentsOf: "\r\n".utf8)
    }
    bytes.append(contentsOf: (keepsAlive ? "\r\n" : "Connection: close\r\n\r\n").utf8)
    if withBody { bytes.append(contentsOf: response.body) }
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
