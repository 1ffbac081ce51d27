// The ua_parser add-on: browser, system and device of a User-Agent, by a short list of rules in the
// names of the uap-core project. What the rules do not know is `Other`, without versions.

internal import JSON

/// What a User-Agent says of itself.
struct UserAgent {
    var browser: (family: String, version: [String]) = ("Other", [])
    var system: (family: String, version: [String]) = ("Other", [])
    var device = "Other"

    private let text: String

    init(_ text: String) {
        self.text = text
        findSystem()
        findDevice()
        findBrowser()
    }

    // MARK: Rules

    /// Token, family on the desktop, family on a phone. The first that occurs counts: browsers
    /// name those that they descend from behind themselves.
    private static let browsers: [(token: String, family: String, mobile: String)] = [
        ("Googlebot/", "Googlebot", "Googlebot"), ("bingbot/", "bingbot", "bingbot"),
        ("curl/", "curl", "curl"), ("Wget/", "Wget", "Wget"),
        ("python-requests/", "Python Requests", "Python Requests"),
        ("EdgA/", "Edge Mobile", "Edge Mobile"), ("EdgiOS/", "Edge Mobile", "Edge Mobile"),
        ("Edg/", "Edge", "Edge Mobile"), ("Edge/", "Edge", "Edge Mobile"),
        ("OPR/", "Opera", "Opera Mobile"),
        ("SamsungBrowser/", "Samsung Internet", "Samsung Internet"),
        ("YaBrowser/", "Yandex Browser", "Yandex Browser"), ("Vivaldi/", "Vivaldi", "Vivaldi"),
        ("FxiOS/", "Firefox iOS", "Firefox iOS"), ("Firefox/", "Firefox", "Firefox Mobile"),
        ("CriOS/", "Chrome Mobile iOS", "Chrome Mobile iOS"),
        ("HeadlessChrome/", "HeadlessChrome", "HeadlessChrome"),
        ("Chrome/", "Chrome", "Chrome Mobile"),
    ]

    private mutating func findBrowser() {
        let isPhone = text.contains("Mobile") || system.family == "Android"
        for (token, family, mobile) in Self.browsers {
            guard let version = version(after: token) else { continue }
            browser = (isPhone ? mobile : family, version)
            return
        }
        if text.contains("Safari/"), let version = version(after: "Version/") {
            browser = (isPhone ? "Mobile Safari" : "Safari", version)
        } else if let version = version(after: "MSIE ") {
            browser = ("IE", version)
        } else if text.contains("Trident/"), let version = version(after: "rv:") {
            browser = ("IE", version)
        }
    }

    private static let windows = [
        "10.0": ["10"], "6.3": ["8", "1"], "6.2": ["8"], "6.1": ["7"], "6.0": ["Vista"],
        "5.1": ["XP"],
    ]

    private mutating func findSystem() {
        if let version = version(after: "Windows NT ") {
            let known = Self.windows[version.prefix(2).joined(separator: ".")]
            system = ("Windows", known ?? [])
        } else if text.contains("iPhone") || text.contains("iPad") || text.contains("iPod") {
            system = ("iOS", version(after: " OS ") ?? [])
        } else if let version = version(after: "Android ") {
            system = ("Android", version)
        } else if text.contains("Android") {
            system = ("Android", [])
        } else if let version = version(after: "Mac OS X ") {
            system = ("Mac OS X", version)
        } else if text.contains("CrOS ") {
            system = ("Chrome OS", [])
        } else if text.contains("Ubuntu") {
            system = ("Ubuntu", version(after: "Ubuntu/") ?? [])
        } else if text.contains("Linux") {
            system = ("Linux", [])
        }
    }

    private mutating func findDevice() {
        let lower = text.lowercased()
        if ["bot/", "bot;", "spider", "crawler"].contains(where: { lower.contains($0) }) {
            device = "Spider"
        } else if let name = ["iPhone", "iPad", "iPod"].first(where: { text.contains($0) }) {
            device = name
        } else if system.family == "Mac OS X" {
            device = "Mac"
        } else if system.family == "Android" {
            device = androidModel ?? "Generic Smartphone"
        }
    }

    /// `Android 13; Pixel 7)` or `Android 9; SM-G960F Build/…)`.
    private var androidModel: String? {
        guard let start = text.firstRange(of: "Android ")?.upperBound,
            let end = text[start...].firstIndex(of: ")")
        else { return nil }
        let parts = text[start..<end].split(separator: ";").dropFirst().map { part in
            let name = part.firstRange(of: " Build/").map { part[..<$0.lowerBound] } ?? part
            return name.drop { $0 == " " }
        }
        let model = parts.first {
            // A language, a web view, Firefox's `Mobile; rv:109.0`, and what hides its model.
            !["wv", "Mobile", "Tablet", "K"].contains($0) && !$0.hasPrefix("rv:")
                && !($0.count == 5 && $0.dropFirst(2).first == "-") && !$0.isEmpty
        }
        return model.map(String.init)
    }

    // MARK: Versions

    /// The numbers that follow a token; nil if it does not occur before a number.
    private func version(after token: String) -> [String]? {
        guard let end = text.firstRange(of: token)?.upperBound else { return nil }
        let digits = text[end...].prefix { $0.isASCIIDigit || $0 == "." || $0 == "_" }
        let parts = digits.split { $0 == "." || $0 == "_" }.map(String.init)
        return parts.isEmpty ? nil : parts
    }

    private static func object(
        _ what: (family: String, version: [String]), _ names: [String]
    ) -> JSONValue {
        var object = JSONObject([(key: "family", value: .string(what.family))])
        for (position, name) in names.enumerated() {
            object[name] =
                position < what.version.count ? .string(what.version[position]) : .null
        }
        return .object(object)
    }

    var json: JSONObject {
        JSONObject([
            (key: "browser", value: Self.object(browser, ["major", "minor", "patch"])),
            (key: "os", value: Self.object(system, ["major", "minor", "patch", "patch_minor"])),
            (key: "device", value: Self.object((device, []), [])),
        ])
    }
}
