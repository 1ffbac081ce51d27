// Reads Package.swift as text: which targets there are, in which order, and what each may import.
// The manifest is the table of the house; nothing repeats it.

import Foundation

/// One target of the manifest.
struct ManifestTarget: Equatable {
    var name: String
    var dependencies: [String]
    var isExecutable: Bool
}

/// The targets in the order of the manifest, lowest level first.
struct Manifest {
    var targets: [ManifestTarget]

    init(text: String) {
        targets = []
        let products = Self.productNames(text)
        guard let start = text.range(of: "targets: [\n        //") else { return }
        let body = text[start.upperBound...]
        let opener = /(library|wrapper|executable|system)\(\s*"(\w+)"|\.target\(name: "(\w+)"/
        for match in body.matches(of: opener) {
            let name = String(match.output.2 ?? match.output.3 ?? "")
            let kind = match.output.1.map(String.init) ?? "target"
            var dependencies: [String] = []
            if ["library", "wrapper", "executable"].contains(kind) {
                let rest = body[match.range.upperBound...]
                let list = rest.prefix { $0 != "]" }
                for quoted in list.matches(of: /"(\w+)"/) {
                    dependencies.append(String(quoted.output.1))
                }
                for bare in list.matches(of: /[,\[]\s*([a-z]\w*)/) {
                    dependencies.append(products[String(bare.output.1)] ?? String(bare.output.1))
                }
            }
            targets.append(
                ManifestTarget(
                    name: name, dependencies: dependencies, isExecutable: kind == "executable"))
        }
    }

    /// `let logging = Target.Dependency.product(name: "Logging", …)` gives `logging: Logging`.
    private static func productNames(_ text: String) -> [String: String] {
        let pattern = /let (\w+) = Target\.Dependency\.product\(\s*name: "(\w+)"/
        return Dictionary(
            uniqueKeysWithValues: text.matches(of: pattern).map {
                (String($0.output.1), String($0.output.2))
            })
    }

    /// Dependencies that do not stand above their target: arrows that point up or sideways.
    var upwardArrows: [String] {
        var seen: Set<String> = []
        var found: [String] = []
        let own = Set(targets.map(\.name))
        for target in targets {
            for dependency in target.dependencies
            where own.contains(dependency) && !seen.contains(dependency) {
                found.append("\(target.name) -> \(dependency)")
            }
            seen.insert(target.name)
        }
        return found
    }
}
