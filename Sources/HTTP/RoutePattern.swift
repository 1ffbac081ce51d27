// Paths of requests and of routes, compared byte by byte.

internal import Base

/// A request's path, cut into percent-decoded segments.
struct RequestPath: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Ranges of `bytes`, in order, one byte between each two.
    private(set) var segments: [Range<Int>] = []

    /// The root.
    init() {}

    /// The path that `range` of a head holds; nil if an escape is malformed, or the text then is
    /// not UTF-8 or holds a NUL, which no name has and C would read as its end.
    init?(_ head: [UInt8], _ range: Range<Int>) {
        segments.reserveCapacity(8)
        var start = range.lowerBound + (range.isEmpty ? 0 : 1)
        let isEncoded = firstIndex(of: UInt8(ascii: "%"), in: head, within: range) != nil
        if !isEncoded { bytes = head }
        while start < range.upperBound || !segments.isEmpty {
            let rest = start..<range.upperBound
            let end = firstIndex(of: UInt8(ascii: "/"), in: head, within: rest) ?? rest.upperBound
            if isEncoded {
                guard let decoded = percentDecoded(head[start..<end]), !decoded.utf8.contains(0)
                else { return nil }
                if !segments.isEmpty { bytes.append(UInt8(ascii: "/")) }
                segments.append(bytes.count..<bytes.count + decoded.utf8.count)
                bytes.append(contentsOf: decoded.utf8)
            } else {
                segments.append(start..<end)
            }
            guard end < range.upperBound else { return }
            start = end + 1
        }
    }

    var endsWithSlash: Bool { segments.last?.isEmpty ?? false }

    /// A segment and all that follow it, slashes included.
    func tail(from index: Int) -> Range<Int> {
        segments[index].lowerBound..<segments[segments.count - 1].upperBound
    }
}

/// A route's path.
struct RoutePattern: Sendable {
    private enum Segment: Sendable {
        case literal([UInt8])
        case parameter(String)
        /// The whole rest of the path, at least one character.
        case tail(String)
    }

    private var segments: [Segment] = []
    private var hasTail = false

    /// The root.
    init() {}

    init(_ text: String) {
        segments = text.split(separator: "/").map { part -> Segment in
            switch part.first {
            case ":": .parameter(String(part.dropFirst()))
            case "*": .tail(String(part.dropFirst()))
            default: .literal(Array(part.utf8))
            }
        }
        if case .tail = segments.last { hasTail = true }
    }

    func matches(_ path: RequestPath) -> Bool {
        // A single slash at the end changes nothing.
        let isLongEnough =
            hasTail
            ? path.segments.count >= segments.count
            : path.segments.count == segments.count
                || (path.segments.count == segments.count + 1 && path.endsWithSlash)
        guard isLongEnough else { return false }
        for index in segments.indices {
            let range = path.segments[index]
            switch segments[index] {
            case .literal(let text): guard isEqual(path.bytes, range, text) else { return false }
            case .parameter: guard !range.isEmpty else { return false }
            case .tail: guard !path.tail(from: index).isEmpty else { return false }
            }
        }
        return true
    }

    private func isEqual(_ bytes: [UInt8], _ range: Range<Int>, _ text: [UInt8]) -> Bool {
        guard range.count == text.count else { return false }
        for offset in text.indices where bytes[range.lowerBound + offset] != text[offset] {
            return false
        }
        return true
    }

    /// What a parameter of this pattern matched in `path`; nil if there is none of that name.
    func value(of name: String, in path: RequestPath) -> Range<Int>? {
        for (index, segment) in segments.enumerated() {
            switch segment {
            case .parameter(name): return path.segments[index]
            case .tail(name): return path.tail(from: index)
            default: continue
            }
        }
        return nil
    }
}

/// What a route's `:name` and `*name` matched, percent-decoded. Made into text when asked for.
package struct HTTPPathParameters: Sendable {
    var pattern = RoutePattern()
    var path = RequestPath()

    package subscript(name: String) -> String? {
        pattern.value(of: name, in: path).map { String(decoding: path.bytes[$0], as: UTF8.self) }
    }
}
