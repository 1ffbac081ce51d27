// Writes a process's settings as the YAML that every executable reads, so that what `up` decided
// can be read, and repeated by hand, from its data directory.

internal import JSON

/// The YAML of settings with dotted keys of two parts, sorted by key.
package func configurationYAML(_ settings: [String: Setting]) -> String {
    var text = "# Written by millrace up at every start; edits are overwritten.\n"
    var group = ""
    for (key, setting) in settings.sorted(by: { $0.key < $1.key }) {
        let parts = key.split(separator: ".", maxSplits: 1)
        if parts[0] != group {
            group = String(parts[0])
            text += "\(group):\n"
        }
        text += "  \(parts[1]): \(yaml(setting))\n"
    }
    return text
}

private func yaml(_ setting: Setting) -> String {
    switch setting {
    // A JSON string is a YAML double-quoted scalar.
    case .text(let value): String(decoding: JSONValue.string(value).encoded, as: UTF8.self)
    case .number(let value): String(value)
    case .list(let values): "[" + values.map { yaml(.text($0)) }.joined(separator: ", ") + "]"
    }
}
