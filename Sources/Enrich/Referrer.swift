// The referrer_parser add-on: where a visitor came from, by the host of the page that led here.

internal import JSON

/// A referrer: who, by which kind of way, and the words searched for if they are told.
struct Referrer {
    var source: String?
    var medium = "unknown"
    var term: String?

    private struct Rule {
        var source: String
        var medium: String
        /// The site's name without the country: `google` stands for google.com, google.co.uk …
        var site: String
        var parameters: [String] = []
    }

    // The sites that send most visitors; every other one is `unknown`.
    private static let rules = [
        Rule(source: "Gmail", medium: "email", site: "mail.google"),
        Rule(source: "Yahoo! Mail", medium: "email", site: "mail.yahoo"),
        Rule(source: "Outlook.com", medium: "email", site: "outlook.live"),
        Rule(source: "Google", medium: "search", site: "google", parameters: ["q"]),
        Rule(source: "Bing", medium: "search", site: "bing", parameters: ["q"]),
        Rule(source: "Yahoo!", medium: "search", site: "search.yahoo", parameters: ["p"]),
        Rule(source: "Yahoo!", medium: "search", site: "yahoo", parameters: ["p"]),
        Rule(source: "DuckDuckGo", medium: "search", site: "duckduckgo", parameters: ["q"]),
        Rule(source: "Baidu", medium: "search", site: "baidu", parameters: ["wd", "word"]),
        Rule(source: "Yandex", medium: "search", site: "yandex", parameters: ["text"]),
        Rule(source: "Ecosia", medium: "search", site: "ecosia", parameters: ["q"]),
        Rule(source: "Ask", medium: "search", site: "ask", parameters: ["q"]),
        Rule(source: "Brave", medium: "search", site: "search.brave", parameters: ["q"]),
        Rule(source: "Startpage", medium: "search", site: "startpage", parameters: ["query"]),
        Rule(source: "Facebook", medium: "social", site: "facebook"),
        Rule(source: "Twitter", medium: "social", site: "twitter"),
        Rule(source: "Twitter", medium: "social", site: "x"),
        Rule(source: "LinkedIn", medium: "social", site: "linkedin"),
        Rule(source: "Reddit", medium: "social", site: "reddit"),
        Rule(source: "Pinterest", medium: "social", site: "pinterest"),
        Rule(source: "Instagram", medium: "social", site: "instagram"),
        Rule(source: "YouTube", medium: "social", site: "youtube"),
        Rule(source: "TikTok", medium: "social", site: "tiktok"),
        Rule(source: "Hacker News", medium: "social", site: "news.ycombinator"),
    ]
    private static let shortened = [
        "t.co": "Twitter", "lnkd.in": "LinkedIn", "youtu.be": "YouTube",
    ]

    /// Nil for what is no address.
    init?(_ referrer: String, page: String?) {
        guard let from = URLParts(referrer) else { return nil }
        if let page = page.flatMap({ URLParts($0) }), Self.same(page.host, from.host) {
            medium = "internal"
            return
        }
        if let source = Self.shortened[from.host] {
            self.source = source
            medium = "social"
            return
        }
        guard let rule = Self.rules.first(where: { Self.isOf($0.site, from.host) }) else { return }
        source = rule.source
        medium = rule.medium
        term =
            from.parameters.first {
                rule.parameters.contains($0.name) && !$0.value.isEmpty
            }?.value
    }

    private static func same(_ one: String, _ other: String) -> Bool {
        func bare(_ host: String) -> Substring {
            host.hasPrefix("www.") ? host.dropFirst(4) : host[...]
        }
        return bare(one) == bare(other)
    }

    /// Whether the host is a site, below any subdomain, in any country: `google.co.uk`.
    private static func isOf(_ site: String, _ host: String) -> Bool {
        let labels = host.split(separator: ".")
        let wanted = site.split(separator: ".")
        for suffix in 1...2 where labels.count >= wanted.count + suffix {
            let ending = labels.suffix(suffix)
            // Two labels only where the first is a country's general domain: co.uk, com.br.
            if suffix == 2, !["co", "com", "net", "org"].contains(ending.first ?? "") { continue }
            if labels.dropLast(suffix).suffix(wanted.count).elementsEqual(wanted) { return true }
        }
        return false
    }

    var json: JSONObject {
        JSONObject([
            (key: "source", value: source.map { .string($0) } ?? .null),
            (key: "medium", value: .string(medium)),
            (key: "term", value: term.map { .string($0) } ?? .null),
        ])
    }
}
