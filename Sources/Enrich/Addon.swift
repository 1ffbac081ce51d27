// What an event asks for in `keen.addons`, read and checked. Collectors refuse what is wrong here;
// the worker reads it again and passes over what it cannot do.

internal import Base
package import JSON

/// Why an add-on is refused; for the person who sent it.
package struct AddonError: Error, Sendable, Equatable {
    package let message: String
}

/// One add-on of one event.
package struct Addon: Sendable, Equatable {
    /// What it does.
    package enum Kind: String, Sendable, CaseIterable {
        case ipToGeo = "keen:ip_to_geo"
        case userAgent = "keen:ua_parser"
        case url = "keen:url_parser"
        case referrer = "keen:referrer_parser"
        case dateTime = "keen:date_time_parser"

        /// The names of its inputs; all must be given.
        var inputs: [String] {
            switch self {
            case .ipToGeo: ["ip"]
            case .userAgent: ["ua_string"]
            case .url: ["url"]
            case .referrer: ["referrer_url", "page_url"]
            case .dateTime: ["date_time"]
            }
        }
    }

    package let kind: Kind
    /// The path of each input, in the order of `Kind.inputs`.
    let inputs: [[String]]
    let output: [String]
    /// Takes the address out of the event once it has been looked up.
    let removesInput: Bool

    /// All add-ons of an event, in order. Throws at the first that is wrong.
    package static func list(_ value: JSONValue) throws(AddonError) -> [Addon] {
        guard let elements = value.array else {
            throw AddonError(message: "keen.addons must be a list")
        }
        guard elements.count <= Limits.addonsPerEventMax else {
            throw AddonError(
                message: "an event has at most \(Limits.addonsPerEventMax) add-ons")
        }
        var addons: [Addon] = []
        for (number, element) in elements.enumerated() {
            do throws(AddonError) { addons.append(try Addon(element)) } catch {
                throw AddonError(message: "keen.addons, number \(number): \(error.message)")
            }
        }
        return addons
    }

    init(_ value: JSONValue) throws(AddonError) {
        guard let object = value.object else { throw AddonError(message: "it must be an object") }
        for name in object.names where !["name", "input", "output"].contains(name) {
            throw AddonError(message: "there is no member '\(name.prefix(64))'")
        }
        let name = value["name"]?.string ?? ""
        guard let kind = Kind(rawValue: name) else {
            let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw AddonError(message: "its name must be one of \(known)")
        }
        guard let input = value["input"]?.object else {
            throw AddonError(message: "'input' must be an object")
        }
        self.kind = kind
        removesInput = try Self.removal(kind, input)
        inputs = try Self.paths(kind, input)
        guard !removesInput || inputs[0][0] != "keen" else {
            throw AddonError(message: "properties of keen cannot be removed")
        }
        guard let output = value["output"]?.string else {
            throw AddonError(message: "'output' must be the path of a property")
        }
        self.output = try Self.path(output, of: "output")
        guard self.output[0] != "keen" else {
            throw AddonError(message: "'output' must not be inside keen")
        }
    }

    private static func removal(_ kind: Kind, _ input: JSONObject) throws(AddonError) -> Bool {
        for name in input.names
        where !kind.inputs.contains(name) && !(kind == .ipToGeo && name == removal) {
            throw AddonError(message: "\(kind.rawValue) has no input '\(name.prefix(64))'")
        }
        guard let value = input[removal] else { return false }
        guard let flag = value.bool else {
            throw AddonError(message: "'\(removal)' must be true or false")
        }
        return flag
    }

    private static let removal = "remove_ip_property"

    private static func paths(
        _ kind: Kind, _ input: JSONObject
    ) throws(AddonError) -> [[String]] {
        var paths: [[String]] = []
        for name in kind.inputs {
            guard let text = input[name]?.string else {
                throw AddonError(message: "input '\(name)' must be the path of a property")
            }
            paths.append(try path(text, of: name))
        }
        return paths
    }

    private static func path(_ text: String, of what: String) throws(AddonError) -> [String] {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= Limits.propertyPathBytesMax,
            parts.count < Limits.propertyDepthMax,
            parts.allSatisfy({ isName($0) })
        else { throw AddonError(message: "'\(what)' is not the path of a property") }
        return parts.map(String.init)
    }

    private static func isName(_ name: Substring) -> Bool {
        !name.isEmpty && !name.hasPrefix("$")
            && name.unicodeScalars.count <= Limits.propertyNameCharactersMax
    }
}
