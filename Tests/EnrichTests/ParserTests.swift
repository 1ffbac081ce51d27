import JSON
import Testing

@testable import Enrich

/// The parsers on what browsers and pages really send.
@Suite struct ParserTests {
    /// Browser, version; system, version; device.
    @Test(arguments: [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                + "Chrome/120.0.6099.71 Safari/537.36",
            "Chrome 120.0.6099", "Windows 10", "Other"
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                + "Chrome/119.0.0.0 Safari/537.36 Edg/119.0.2151.97",
            "Edge 119.0.2151", "Windows 10", "Other"
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
                + "Gecko) Version/17.1 Safari/605.1.15",
            "Safari 17.1", "Mac OS X 10.15.7", "Mac"
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
                + "like Gecko) Version/17.1.2 Mobile/15E148 Safari/604.1",
            "Mobile Safari 17.1.2", "iOS 17.1.2", "iPhone"
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                + "CriOS/120.0.6099.50 Mobile/15E148 Safari/604.1",
            "Chrome Mobile iOS 120.0.6099", "iOS 16.6", "iPad"
        ),
        (
            "Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) "
                + "Chrome/119.0.0.0 Mobile Safari/537.36",
            "Chrome Mobile 119.0.0", "Android 13", "Pixel 7"
        ),
        (
            "Mozilla/5.0 (Linux; Android 9; SM-G960F Build/PPR1.180610.011; wv) AppleWebKit/537.36 "
                + "(KHTML, like Gecko) SamsungBrowser/9.2 Chrome/67.0.3396.87 Mobile Safari/537.36",
            "Samsung Internet 9.2", "Android 9", "SM-G960F"
        ),
        (
            "Mozilla/5.0 (Android 14; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0",
            "Firefox Mobile 120.0", "Android 14", "Generic Smartphone"
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
            "Firefox 121.0", "Ubuntu", "Other"
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                + "Chrome/118.0.0.0 Safari/537.36 OPR/104.0.0.0",
            "Opera 104.0.0", "Linux", "Other"
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) "
                + "Chrome/119.0.0.0 Safari/537.36",
            "Chrome 119.0.0", "Chrome OS", "Other"
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "IE 11.0",
            "Windows 7", "Other"
        ),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1)", "IE 8.0", "Windows XP", "Other"),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Googlebot 2.1", "Other", "Spider"
        ),
        ("curl/7.88.1", "curl 7.88.1", "Other", "Other"),
        ("", "Other", "Other", "Other"),
        ("Android )(;;;", "Other", "Android", "Generic Smartphone"),
        ("Chrome/ Windows NT ", "Other", "Other", "Other"),
    ])
    func userAgents(text: String, browser: String, system: String, device: String) {
        let agent = UserAgent(text)
        func shown(_ what: (family: String, version: [String])) -> String {
            ([what.family] + [what.version.prefix(3).joined(separator: ".")])
                .filter { !$0.isEmpty }.joined(separator: " ")
        }
        #expect(shown(agent.browser) == browser, "\(text)")
        #expect(shown(agent.system) == system, "\(text)")
        #expect(agent.device == device, "\(text)")
        #expect(agent.json["os"]?.object?.names.count == 5)
        #expect(agent.json["browser"]?.object?.names.count == 4)
    }

    @Test(arguments: [
        (
            "https://user:pw@Shop.Example.com:8443/a/b.html?x=1&y=a+b%20%C3%A9&x=2&z#top%20",
            #"{"protocol":"https","domain":"shop.example.com","path":"/a/b.html","anchor":"top ","#
                + #""query_string":{"x":"2","y":"a b é","z":""}}"#
        ),
        (
            "http://[2001:DB8::1]:80",
            #"{"protocol":"http","domain":"[2001:db8::1]","path":"","anchor":null,"query_string":{}}"#
        ),
        (
            "https://a.io?utm.source=m&$b=1&=2&&%zz=%",
            #"{"protocol":"https","domain":"a.io","path":"","anchor":null,"#
                + #""query_string":{"utm_source":"m","_b":"1","%zz":"%"}}"#
        ),
        ("/only/a/path", nil), ("mailto:a@b.c", nil), ("https://", nil), ("://x", nil),
        ("1x://y", nil), ("https://:80/", nil), ("", nil),
    ])
    func addresses(text: String, expected: String?) {
        let found = URLParts(text)?.json
        #expect(
            found.map { String(decoding: JSONValue.object($0).encoded, as: UTF8.self) } == expected)
    }

    @Test(arguments: [
        ("https://www.google.com/search?q=open+source", "search Google open source"),
        ("https://www.google.co.uk/", "search Google -"),
        ("https://mail.google.com/mail/u/0", "email Gmail -"),
        ("https://r.search.yahoo.com/x?p=tea", "search Yahoo! tea"),
        ("https://yandex.ru/search/?text=%D1%87%D0%B0%D0%B9", "search Yandex чай"),
        ("https://t.co/AbC", "social Twitter -"), ("https://x.com/a", "social Twitter -"),
        ("https://l.facebook.com/l.php?u=1", "social Facebook -"),
        ("https://news.ycombinator.com/item?id=1", "social Hacker News -"),
        ("https://www.shop.example/other", "internal - -"),
        ("https://notgoogle.com/?q=a", "unknown - -"),
        ("https://google.evil.example/", "unknown - -"),
        ("no address", nil),
    ])
    func referrers(text: String, expected: String?) {
        let found = Referrer(text, page: "https://shop.example/page")
        let shown = found.map { "\($0.medium) \($0.source ?? "-") \($0.term ?? "-")" }
        #expect(shown == expected, "\(text)")
    }

    @Test(arguments: [
        (
            "2024-02-29T23:05:00-08:00",
            #"{"hour":23,"day":29,"day_of_week":4,"month":2,"quarter":1,"year":2024,"#
                + #""day_of_week_string":"Thursday"}"#
        ),
        (
            "2023-12-31",
            #"{"hour":0,"day":31,"day_of_week":7,"month":12,"quarter":4,"year":2023,"#
                + #""day_of_week_string":"Sunday"}"#
        ),
        ("yesterday", nil), ("", nil), ("2023-13-01", nil),
    ])
    func times(text: String, expected: String?) {
        let found = DateTimeParts.json(of: text)
        #expect(
            found.map { String(decoding: JSONValue.object($0).encoded, as: UTF8.self) } == expected)
    }
}
