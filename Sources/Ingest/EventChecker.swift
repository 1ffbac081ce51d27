// Decides whether a parsed value is an event, and finds where in the source its parts are, so that
// the event's own text can be kept as it was sent.
//
// The checker walks the tape and counts tokens along (see JSONTape): a scalar is one token, a
// bracket, colon or comma one each.

internal import Base
internal import Enrich
internal import JSON
internal import Model

/// Where the parts of a valid event are in the source.
struct EventLayout {
    /// The whole object, brackets included.
    var range: Range<Int>
    /// It has no members.
    var isEmpty = false
    /// The value of its member `keen`.
    var keen: Range<Int>?
    /// The value of `keen.location`.
    var location: Range<Int>?
    /// The value of `keen.timestamp`.
    var timestamp: Timestamp?
    /// `keen.uniqueness_token`, unescaped.
    var token: [UInt8]?
    /// The value of `keen.addons`.
    var addons: Range<Int>?
    /// Where strings begin that are to be replaced, ascending.
    var placeholders: [(offset: Int, kind: Placeholder)] = []
}

/// A string that stands for something of the request.
enum Placeholder: Sendable {
    case address, userAgent

    init?(_ text: JSONString) {
        if text.equals("${keen.ip}") {
            self = .address
        } else if text.equals("${keen.user_agent}") {
            self = .userAgent
        } else {
            return nil
        }
    }
}

/// Walks one document event by event.
struct EventChecker {
    private let tape: JSONTape
    /// The token that the walk has come to.
    private(set) var token: Int
    /// Members outside arrays that the event has so far, as it will be published.
    private var memberCount = 0
    /// Bytes of the dotted path of the object that the walk is in.
    private var pathBytes = 0
    private var isInArray = false
    private var isInKeen = false
    private var layout = EventLayout(range: 0..<0)
    /// Members that every published event has: `keen` with its id and its two times. Without them
    /// an event at the limit would be accepted here, and refused by the worker afterwards.
    private let ownMembers: Int

    /// `token` is the first one of the value to be checked next. `getsToken`: a uniqueness token is
    /// added to events that have none.
    init(tape: JSONTape, token: Int = 0, getsToken: Bool = false) {
        self.tape = tape
        self.token = token
        ownMembers = getsToken ? 5 : 4
    }

    // MARK: Moving on

    /// Passes over brackets, colons, commas and names.
    mutating func advance(_ tokens: Int) { token += tokens }

    /// Passes over a value without looking into it.
    mutating func skip(_ node: JSONNode) { token += Self.tokenCount(of: node) }

    /// Depth is bounded by the parser.
    private static func tokenCount(of node: JSONNode) -> Int {
        switch node.kind {
        case .null, .bool, .int, .double, .string: return 1
        case .object:
            var count = 0
            // Name, colon, value, and a comma or the closing bracket.
            for member in node.members { count += 3 + tokenCount(of: member.value) }
            return max(count + 1, 2)
        case .array:
            var count = 0
            for element in node.elements { count += 1 + tokenCount(of: element) }
            return max(count + 1, 2)
        }
    }

    // MARK: Events

    /// Checks the event that begins at `token`. Afterwards `token` is behind it, either way.
    mutating func event(_ node: JSONNode) throws(EventError) -> EventLayout {
        let start = token
        memberCount = ownMembers
        pathBytes = 0
        isInArray = false
        isInKeen = false
        layout = EventLayout(range: 0..<0)
        do throws(EventError) {
            try root(node)
        } catch {
            token = start
            skip(node)
            throw error
        }
        let first = tape.sourceOffset(ofToken: start)
        layout.range = first..<tape.sourceOffset(ofToken: token - 1) + 1
        layout.isEmpty = token == start + 2
        guard layout.range.count <= Limits.eventBytesMax else {
            throw .event(
                "the event has \(layout.range.count) bytes, at most \(Limits.eventBytesMax) are "
                    + "accepted")
        }
        return layout
    }

    private mutating func root(_ node: JSONNode) throws(EventError) {
        guard node.kind == .object else { throw .event("an event is a JSON object") }
        token += 1
        for member in node.members {
            try check(name: member.key)
            token += 2
            if member.key.equals("keen") {
                isInKeen = true
                try keen(member.value)
                isInKeen = false
            } else {
                try countMember()
                try value(member.value, of: member.key, depth: 1)
            }
            token += 1
        }
        if node.childCount == 0 { token += 1 }
    }

    // MARK: Names and values

    private mutating func check(name: JSONString) throws(EventError) {
        guard name.count > 0 else { throw .name("a property name must not be empty") }
        guard name[0] != UInt8(ascii: "$") else {
            throw .name("a property name must not begin with '$'").inside(name)
        }
        guard !name.contains(UInt8(ascii: ".")) else {
            throw .name("a property name must not contain '.'").inside(name)
        }
        guard name.count <= Limits.propertyNameCharactersMax || isShort(name) else {
            throw .name(
                "a property name has at most \(Limits.propertyNameCharactersMax) characters"
            ).inside(name)
        }
        if isInArray { return }
        guard pathBytes + name.count <= Limits.propertyPathBytesMax else {
            throw .name(
                "the names down to a property have at most \(Limits.propertyPathBytesMax) bytes")
        }
    }

    private mutating func countMember() throws(EventError) {
        if isInArray { return }
        memberCount += 1
        guard memberCount <= Limits.propertiesPerEventMax else {
            throw .event(
                "an event has at most \(Limits.propertiesPerEventMax) properties, "
                    + "keen and its own included")
        }
    }

    /// Counts Unicode scalars: bytes that continue one do not count.
    private func isShort(_ name: JSONString) -> Bool {
        var count = 0
        for byte in name where byte & 0xC0 != 0x80 { count += 1 }
        return count <= Limits.propertyNameCharactersMax
    }

    private mutating func value(
        _ node: JSONNode, of name: JSONString, depth: Int
    ) throws(EventError) {
        do throws(EventError) {
            switch node.kind {
            case .object: try object(node, under: name, depth: depth + 1)
            case .array: try array(node, depth: depth + 1)
            default: try scalar(node)
            }
        } catch { throw error.inside(name) }
    }

    private mutating func scalar(_ node: JSONNode) throws(EventError) {
        if let text = node.string, text.count > Limits.stringBytesMax {
            throw .value(
                "the string has \(text.count) bytes, at most \(Limits.stringBytesMax) are accepted")
        }
        if !isInKeen, let text = node.string, let kind = Placeholder(text) {
            guard layout.placeholders.count < Limits.placeholdersPerEventMax else {
                throw .value(
                    "an event has at most \(Limits.placeholdersPerEventMax) placeholders")
            }
            layout.placeholders.append((tape.sourceOffset(ofToken: token), kind))
        }
        token += 1
    }

    private mutating func object(
        _ node: JSONNode, under name: JSONString?, depth: Int
    ) throws(EventError) {
        try check(depth: depth)
        let outerBytes = pathBytes
        if let name { pathBytes += name.count + 1 }
        token += 1
        for member in node.members {
            try check(name: member.key)
            try countMember()
            token += 2
            try value(member.value, of: member.key, depth: depth)
            token += 1
        }
        if node.childCount == 0 { token += 1 }
        pathBytes = outerBytes
    }

    /// An array is one value; what its objects hold are no properties of the event.
    private mutating func array(_ node: JSONNode, depth: Int) throws(EventError) {
        try check(depth: depth)
        let isOuterArray = !isInArray
        isInArray = true
        token += 1
        for element in node.elements {
            switch element.kind {
            case .object: try object(element, under: nil, depth: depth + 1)
            case .array: try array(element, depth: depth + 1)
            default: try scalar(element)
            }
            token += 1
        }
        if node.childCount == 0 { token += 1 }
        if isOuterArray { isInArray = false }
    }

    private func check(depth: Int) throws(EventError) {
        guard depth <= Limits.propertyDepthMax else {
            throw .value("values nest at most \(Limits.propertyDepthMax) deep")
        }
    }

    // MARK: The keen namespace

    private mutating func keen(_ node: JSONNode) throws(EventError) {
        guard node.kind == .object else { throw .keenIsNoObject }
        guard layout.keen == nil else { throw .namespace("keen is given twice") }
        let start = token
        pathBytes = 5
        token += 1
        for (name, value) in node.members {
            try check(name: name)
            token += 2
            try keenMember(name, value)
            token += 1
        }
        if node.childCount == 0 { token += 1 }
        pathBytes = 0
        layout.keen = range(from: start)
    }

    /// Of repeated names the last one counts, as everywhere in an event.
    private mutating func keenMember(
        _ name: JSONString, _ node: JSONNode
    ) throws(EventError) {
        if name.equals("timestamp") {
            layout.timestamp = try timestamp(node)
            token += 1
        } else if name.equals("location") {
            guard node.kind == .object else {
                throw .namespace("keen.location must be an object")
            }
            try countMember()
            let start = token
            do throws(EventError) { try object(node, under: name, depth: 3) } catch {
                throw error.inside(name)
            }
            layout.location = range(from: start)
        } else if name.equals("id") || name.equals("created_at") {
            throw .namespace("keen.\(name.text) is set by the server and must not be sent")
        } else if name.equals("uniqueness_token") {
            try countMember()
            layout.token = try uniquenessToken(node)
            token += 1
        } else if name.equals("addons") {
            try countMember()
            layout.addons = try addons(node)
        } else {
            throw .namespace("keen holds only timestamp, location, addons and uniqueness_token")
                .inside(name)
        }
    }

    private mutating func addons(_ node: JSONNode) throws(EventError) -> Range<Int> {
        // Before it is copied.
        guard node.childCount <= Limits.addonsPerEventMax else {
            throw .value("an event has at most \(Limits.addonsPerEventMax) add-ons")
        }
        do throws(AddonError) { _ = try Addon.list(JSONValue(node)) } catch {
            throw .value(error.message)
        }
        let start = token
        try array(node, depth: 3)
        return range(from: start)
    }

    private func uniquenessToken(_ node: JSONNode) throws(EventError) -> [UInt8] {
        guard let text = node.string, (1...Limits.uniquenessTokenBytesMax).contains(text.count)
        else {
            throw .value(
                "keen.uniqueness_token is a string of 1 to \(Limits.uniquenessTokenBytesMax) bytes")
        }
        return Array(text)
    }

    private func timestamp(_ node: JSONNode) throws(EventError) -> Timestamp {
        guard let text = node.string, let time = Timestamp(iso8601: text) else {
            throw .value("keen.timestamp is no ISO 8601 time")
        }
        // A zone may carry the edges out of the years that four digits can say.
        guard time >= Self.earliest, time <= Self.latest else {
            throw .value("keen.timestamp is outside the years 0001 to 9999")
        }
        return time
    }

    private static let earliest = Timestamp(milliseconds: -62_135_596_800_000)
    private static let latest = Timestamp(milliseconds: 253_402_300_799_999)

    /// From a token to the one before the current.
    private func range(from start: Int) -> Range<Int> {
        tape.sourceOffset(ofToken: start)..<tape.sourceOffset(ofToken: token - 1) + 1
    }
}
