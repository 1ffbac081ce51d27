// Who sent a request, for events that ask.

internal import Base
internal import HTTP
internal import JSON

/// The caller's address and agent, looked up when an event asks for them.
struct Caller: Sendable {
    private let headers: HTTPHead?
    private let peer: String
    private let trustsForwardedFor: Bool

    init(headers: HTTPHead?, peer: String, trustsForwardedFor: Bool) {
        self.headers = headers
        self.peer = peer
        self.trustsForwardedFor = trustsForwardedFor
    }

    /// The peer's, or the last one in X-Forwarded-For: the one that the nearest proxy has put
    /// there; what stands before it anybody may have written.
    var address: String {
        guard trustsForwardedFor, let field = headers?.all(named: "x-forwarded-for").last,
            let last = field.split(separator: ",").last?.split(separator: " ").first,
            last.utf8.allSatisfy({ hexDigitsAndMarks.contains($0) }), last.utf8.count <= 45
        else { return peer }
        return String(last)
    }

    /// What a placeholder stands for, as JSON; null for what the request does not say.
    func json(_ placeholder: Placeholder) -> [UInt8] {
        var writer = JSONWriter()
        switch placeholder {
        case .address: writer.string(address)
        case .userAgent:
            if let agent = headers?["user-agent"] {
                let start = agent.utf8.prefix(Limits.userAgentBytesMax)
                writer.string(String(decoding: start, as: UTF8.self))
            } else {
                writer.null()
            }
        }
        return writer.bytes
    }
}

/// What addresses are written with.
private let hexDigitsAndMarks = Set("0123456789abcdefABCDEF.:".utf8)
