// How a write is answered: as JSON, or, for browsers that write by GET, as an image, a script or a
// redirection.

internal import HTTP

/// The form of a write's answer.
enum ReplyForm: Sendable, Equatable {
    case json
    /// What an `<img>` can show.
    case image
    /// A script that calls this function with the JSON (JSONP).
    case script(function: String)
    case redirect(to: String)

    /// A function's name in a script. A choice: those of Keen's client have 27 characters.
    static let functionBytesMax = 128

    /// What the request asks for; an error that says which parameter is wrong.
    static func asked(by request: HTTPRequest) throws(EventError) -> ReplyForm {
        let query = request.query
        if let place = query.first(named: "redirect") { return try redirection(place) }
        if let function = query.first(named: "jsonp") { return try script(function) }
        if query.first(named: "c") == "clv1" { return .image }
        let accepted = request.headers["accept"] ?? ""
        return accepted.lowercased().hasPrefix("image/") ? .image : .json
    }

    /// Only to where a page may lead, and nothing that would end the header's line.
    private static func redirection(_ place: String) throws(EventError) -> ReplyForm {
        let lower = place.lowercased()
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://"),
            place.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw .parameter("redirect is no address that begins with http:// or https://") }
        return .redirect(to: place)
    }

    /// Only a dotted name, or anybody could have any script come from here.
    private static func script(_ function: String) throws(EventError) -> ReplyForm {
        let isName = function.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isName, (1...functionBytesMax).contains(function.utf8.count) else {
            throw .parameter("jsonp is no name of a function")
        }
        return .script(function: function)
    }

    /// The answer in this form.
    func shape(_ response: HTTPResponse) -> HTTPResponse {
        switch self {
        case .json: return response
        case .image:
            // An image that fails to load is how the page learns of an error.
            guard response.status < 300 else { return response }
            return HTTPResponse(
                status: 200,
                headers: [
                    (name: "Content-Type", value: "image/gif"),
                    (name: "Cache-Control", value: "no-store"),
                ], body: Self.pixel)
        case .script(let function):
            // Browsers run no script that comes with an error's status.
            return HTTPResponse(
                status: 200,
                headers: [
                    (name: "Content-Type", value: "application/javascript"),
                    (name: "Cache-Control", value: "no-store"),
                    (name: "X-Content-Type-Options", value: "nosniff"),
                ],
                // The comment keeps the answer from being read as anything but a script.
                body: Array("/**/\(function)(".utf8) + response.body + Array(");".utf8))
        case .redirect(let place):
            // Also after an error: who follows a link shall arrive.
            return HTTPResponse(
                status: 302,
                headers: [
                    (name: "Location", value: place), (name: "Cache-Control", value: "no-store"),
                ])
        }
    }

    /// A transparent GIF (version 89a) of one point.
    private static let pixel: [UInt8] =
        Array("GIF89a".utf8) + [
            1, 0, 1, 0, 0x80, 0, 0,  // 1 by 1, a table of two colours
            0, 0, 0, 0xFF, 0xFF, 0xFF,
            0x21, 0xF9, 4, 1, 0, 0, 0, 0,  // colour 0 is transparent
            0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0,  // one image that fills it
            2, 2, 0x44, 1, 0, 0x3B,  // its only point, and the end
        ]
}
