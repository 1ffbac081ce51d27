// The cheap style checks, each a pure function from text to violations, so that each can be shown
// a bad sample.

/// Something a rule found.
struct Violation: Equatable, CustomStringConvertible {
    var place: String
    var what: String
    var description: String { "\(place): \(what)" }
}

/// One Swift file of the project.
struct SourceFile {
    /// Path from the project's root.
    var path: String
    var text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    /// `Sources/<folder>/…` or `Tests/<folder>/…`.
    var folder: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    var isTest: Bool { path.hasPrefix("Tests/") }
}

enum SourceRules {
    static let fileLinesMax = 500
    static let functionLinesMax = 70
    static let columnsMax = 100

    /// Every file says at its head what it is for, and stays small.
    static func shape(_ file: SourceFile) -> [Violation] {
        var found: [Violation] = []
        if !file.isTest, !file.text.hasPrefix("//") {
            found.append(Violation(place: file.path, what: "does not begin with what it is for"))
        }
        let limit = file.isTest ? 600 : fileLinesMax
        if file.lines.count > limit {
            found.append(
                Violation(place: file.path, what: "\(file.lines.count) lines, limit \(limit)"))
        }
        // Tests hold literal transcripts that would only become harder to read.
        let columns = file.isTest ? columnsMax + 12 : columnsMax
        for (index, line) in file.lines.enumerated() where line.count > columns {
            found.append(
                Violation(place: "\(file.path):\(index + 1)", what: "over \(columns) columns"))
        }
        return found + longFunctions(file)
    }

    /// Functions over the limit, found by the indentation of their closing brace.
    static func longFunctions(_ file: SourceFile) -> [Violation] {
        var found: [Violation] = []
        var open: (indent: Int, line: Int, name: Substring)?
        for (index, line) in file.lines.enumerated() {
            let indent = line.prefix { $0 == " " }.count
            if let start = open, indent == start.indent, line.dropFirst(indent).hasPrefix("}") {
                let length = index - start.line + 1
                if length > functionLinesMax {
                    found.append(
                        Violation(
                            place: "\(file.path):\(start.line + 1)",
                            what: "function of \(length) lines, limit \(functionLinesMax)"))
                }
                open = nil
            } else if open == nil, !line.hasSuffix("}"),
                line.contains("func ") || line.contains("init"),
                line.contains(/\b(func \S+|init[?]?)[(<]/), !line.contains("//")
            {
                open = (indent, index, line)
            }
        }
        return found
    }

    /// What is written another way here; the text is the reason.
    private static let banned: [(pattern: String, instead: String, tests: Bool)] = [
        ("Task.detached", "use a structured task or the owner's loop", true),
        ("try!", "handle the error", false),
        (" as! ", "use as? and say what was expected", false),
        ("fatalError(", "use fatal(_:_:) or preconditionFailure", true),
        ("DispatchQueue", "use EventLoop or BlockingPool", true),
        ("Date()", "take time as a value, or wallClockMilliseconds()", true),
        ("usleep(", "wait on a condition", true),
        ("Thread.sleep", "wait on a condition", true),
        ("FIXME", "mend it, or write an issue", true),
        ("TODO", "do it, or write an issue", true),
        (".random(in: ", "give it a seeded generator: random(in:using:)", true),
    ]

    static func bannedWords(_ file: SourceFile) -> [Violation] {
        guard file.folder != "TidyTests" else { return [] }
        var found: [Violation] = []
        for (index, line) in file.lines.enumerated() {
            for rule in banned where rule.tests || !file.isTest {
                guard line.contains(rule.pattern) else { continue }
                if rule.pattern == ".random(in: ", line.contains("using:") { continue }
                found.append(
                    Violation(
                        place: "\(file.path):\(index + 1)", what: "\(rule.pattern): \(rule.instead)"
                    ))
            }
        }
        return found
    }

    /// Modules that any target may import.
    private static let everywhere: Set<String> = ["Swift", "Glibc", "Synchronization", "_Volatile"]
    /// From this target of the manifest on, Foundation is allowed.
    private static let foundationFrom = "Runtime"

    /// Imports that the manifest does not declare, and Foundation below where it is allowed.
    static func imports(_ file: SourceFile, of manifest: Manifest) -> [Violation] {
        guard let index = manifest.targets.firstIndex(where: { $0.name == file.folder }),
            let floor = manifest.targets.firstIndex(where: { $0.name == foundationFrom })
        else { return [Violation(place: file.path, what: "belongs to no target of the manifest")] }
        let target = manifest.targets[index]
        return imports(of: file).filter { module in
            if everywhere.contains(module) || target.dependencies.contains(module) { return false }
            return !(module.hasPrefix("Foundation") && index >= floor)
        }
        .map { Violation(place: file.path, what: "\(target.name) may not import \($0)") }
    }

    static func imports(of file: SourceFile) -> [String] {
        file.lines.filter { $0.contains("import ") }.compactMap { line in
            line.firstMatch(
                of:
                    /^\s*(?:@\S+\s+)?(?:\w+\s+)?import\s+(?:[a-z]+\s+)?(\w+)/
            )
            .map { String($0.output.1) }
        }
    }

    /// Targets whose job needs raw memory; no other file spells it.
    static let unsafeTargets: Set<String> = [
        "Base", "JSON", "Crypto", "Compression", "EventLoop", "LogClient", "GeoIP", "RowStore",
        "Columns",
        "Kernels", "Scan", "KafkaWire", "LogServer", "HTTP", "Bolts", "RPC",
    ]

    static func unsafeCode(_ file: SourceFile) -> [Violation] {
        guard !file.isTest, !unsafeTargets.contains(file.folder) else { return [] }
        return file.lines.enumerated().compactMap { index, line in
            let code = line.prefix { $0 != "/" }
            guard code.contains("Unsafe") || code.contains("unsafe") else { return nil }
            return Violation(
                place: "\(file.path):\(index + 1)",
                what: "raw memory outside the targets that need it")
        }
    }
}

/// Rules for Markdown files.
enum DocumentRules {
    static func oneTitle(path: String, text: String) -> [Violation] {
        var isCode = false
        var titles = 0
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") { isCode.toggle() }
            if !isCode, line.hasPrefix("# ") { titles += 1 }
        }
        return titles == 1 ? [] : [Violation(place: path, what: "\(titles) titles, wants one")]
    }

    /// Targets of relative links, without their anchors.
    static func relativeLinks(_ text: String) -> [String] {
        text.matches(of: /\]\(([^)\s]+)\)/).map { String($0.output.1) }
            .filter { !$0.contains("://") && !$0.hasPrefix("#") && !$0.hasPrefix("mailto:") }
            .map { String($0.prefix { $0 != "#" }) }
    }
}
