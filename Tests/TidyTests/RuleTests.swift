// Every rule is shown a sample that breaks it, so that no rule can rot into one that never fails.

import Testing

/// Each tidy rule finds its bad sample.
@Suite struct RuleTests {
    private let manifest = Manifest(
        text: """
            let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
            targets: [
                    // Low.
                    library("Low", []),
                    library("High", ["Low", logging]),
                    library("Upside", ["Runtime"]),
                    library("Runtime", ["Low"]),
                    executable("tool", ["High"]),
            """)

    @Test func manifestIsRead() {
        #expect(manifest.targets.map(\.name) == ["Low", "High", "Upside", "Runtime", "tool"])
        #expect(manifest.targets[1].dependencies == ["Low", "Logging"])
    }

    @Test func arrowThatPointsUpIsFound() {
        #expect(manifest.upwardArrows == ["Upside -> Runtime"])
    }

    @Test func undeclaredImportIsFound() {
        let file = SourceFile(
            path: "Sources/High/A.swift", text: "// A.\nimport Low\ninternal import Other\n")
        #expect(SourceRules.imports(file, of: manifest).count == 1)
    }

    @Test func foundationBelowRuntimeIsFound() {
        let low = SourceFile(path: "Sources/Low/A.swift", text: "import Foundation")
        let tool = SourceFile(path: "Sources/tool/A.swift", text: "import Foundation")
        #expect(SourceRules.imports(low, of: manifest).count == 1)
        #expect(SourceRules.imports(tool, of: manifest).isEmpty)
    }

    @Test func missingHeadAndWideLineAreFound() {
        let text = "import Low\n" + String(repeating: "x", count: 101)
        #expect(SourceRules.shape(SourceFile(path: "Sources/Low/A.swift", text: text)).count == 2)
    }

    @Test func longFileAndLongFunctionAreFound() {
        let lines = String(repeating: "    x()\n", count: 501)
        let file = SourceFile(path: "Sources/Low/A.swift", text: "// A.\nfunc f() {\n\(lines)}\n")
        #expect(SourceRules.shape(file).count == 2)
    }

    @Test(arguments: ["try! f()", "Task.detached {}", "let a = Int.random(in: 0..<3)", "// TODO"])
    func bannedWordIsFound(line: String) {
        let file = SourceFile(path: "Sources/Low/A.swift", text: line)
        #expect(SourceRules.bannedWords(file).count == 1)
    }

    @Test func rawMemoryIsFound() {
        let file = SourceFile(path: "Sources/Query/A.swift", text: "let p: UnsafePointer<Int>")
        #expect(SourceRules.unsafeCode(file).count == 1)
    }

    @Test func secondTitleAndLinksAreFound() {
        #expect(DocumentRules.oneTitle(path: "a", text: "# A\n# B").count == 1)
        #expect(DocumentRules.relativeLinks("[a](b.md#c) [d](https://e)") == ["b.md"])
    }
}
