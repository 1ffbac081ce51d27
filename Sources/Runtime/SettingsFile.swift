// The form of the settings file, held line by line before the YAML parser reads it.
//
// The parser takes any YAML and a lookup finds nothing for a key that does not exist, so a misspelt
// key, or a nesting nobody looks into, would pass as a default in silence. The file is therefore
// this much of YAML and no more:
//
//     group:
//       key: value            # a scalar, or a list as [a, b]
//       key:
//         - item

internal import Foundation

struct SettingsFile {
    private let path: String
    private var group = ""
    /// The indentation of the group's settings, once the first has been seen.
    private var indentation: String?
    /// A setting without a value yet: list items must follow.
    private var openList: (key: String, line: Int)?
    private var seen: Set<String> = []

    /// Whether the file sets anything at all.
    var isEmpty: Bool { seen.isEmpty }

    /// Checks the whole text; the error names the line.
    init(checking text: String, path: String) throws {
        self.path = path
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            try check(line.hasSuffix("\r") ? line.dropLast() : line, number)
        }
        try closeList()
    }

    private mutating func check(_ line: Substring, _ number: Int) throws {
        let content = line.drop { $0 == " " }
        if content.isEmpty || content.hasPrefix("#") || line == "---" { return }
        if content.hasPrefix("- ") {
            guard let list = openList else { throw error(number, "a list item without a setting") }
            openList = (list.key, 0)
            return
        }
        guard let match = line.wholeMatch(of: /( *)([A-Za-z_][A-Za-z0-9_]*):(?: +(.*))?/) else {
            // What stands there may be half a secret: it is not repeated.
            throw error(number, "the line is not of the form 'key: value'")
        }
        try closeList()
        let value = match.output.3.map { $0.hasPrefix("#") ? "" : $0 } ?? ""
        let name = String(match.output.2)
        if match.output.1.isEmpty {
            try begin(group: name, value, number)
        } else {
            try set(name, value, indentation: String(match.output.1), number)
        }
    }

    private mutating func begin(group name: String, _ value: Substring, _ number: Int) throws {
        guard SettingKeys.all.contains(where: { $0.key.hasPrefix(name + ".") }) else {
            throw error(number, "there is no group of settings '\(name)'")
        }
        guard value.isEmpty else {
            throw error(number, "the settings of '\(name)' go on lines of their own")
        }
        guard seen.insert(name).inserted else { throw error(number, "'\(name)' occurs twice") }
        group = name
        indentation = nil
    }

    private mutating func set(
        _ name: String, _ value: Substring, indentation found: String, _ number: Int
    ) throws {
        guard !group.isEmpty else { throw error(number, "'\(name)' belongs to no group") }
        guard found == indentation ?? found else {
            throw error(number, "'\(name)' is not as far to the right as the other settings")
        }
        indentation = found
        let key = "\(group).\(name)"
        guard SettingKeys.exists(key) else { throw error(number, "there is no setting '\(key)'") }
        guard seen.insert(key).inserted else { throw error(number, "'\(key)' occurs twice") }
        if value.isEmpty { openList = (key, number) }
        // Other forms would reach over several lines, or hide keys within.
        if let first = value.first, "{|>&*!".contains(first) {
            throw error(
                number, "'\(key)' needs a plain value, in quotes if it begins with \(first)")
        }
    }

    private mutating func closeList() throws {
        if let openList, openList.line > 0 {
            throw error(openList.line, "'\(openList.key)' has no value")
        }
        openList = nil
    }

    private func error(_ line: Int, _ what: String) -> SettingsError {
        SettingsError("\(path):\(line): \(what)")
    }
}
