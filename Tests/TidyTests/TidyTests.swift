// Holds the whole project against its own style. Seconds, every `make test`.

import Foundation
import Testing

/// The project keeps the rules of docs/HACKING.md.
@Suite struct TidyTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func files(under folder: String, suffix: String) throws -> [SourceFile] {
        let base = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return try walker.compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) }.sorted().map
        {
            SourceFile(
                path: "\(folder)/\($0)",
                text: try String(contentsOf: base.appending(path: $0), encoding: .utf8))
        }
    }

    static func manifest() throws -> Manifest {
        Manifest(
            text: try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8))
    }

    private func expectNone(_ violations: [Violation]) {
        let list = violations.map(\.description).joined(separator: "\n")
        #expect(violations.isEmpty, "\(list)")
    }

    @Test func arrowsBetweenTargetsPointDownOnly() throws {
        let manifest = try Self.manifest()
        #expect(manifest.targets.count > 30, "the manifest was not understood")
        #expect(manifest.upwardArrows == [])
    }

    @Test func targetsImportOnlyWhatTheManifestDeclares() throws {
        let manifest = try Self.manifest()
        let files = try Self.files(under: "Sources", suffix: ".swift")
        expectNone(files.flatMap { SourceRules.imports($0, of: manifest) })
    }

    @Test func everyCLibraryHasOneImportingTarget() throws {
        var importers: [String: Set<String>] = [:]
        for file in try Self.files(under: "Sources", suffix: ".swift") {
            for module in SourceRules.imports(of: file) where module.contains(/^C[A-Z]/) {
                importers[module, default: []].insert(file.folder)
            }
        }
        importers["CoreMetrics"] = nil
        for (module, targets) in importers { #expect(targets.count == 1, "\(module): \(targets)") }
    }

    @Test func filesAreSmallAndSayWhatTheyAreFor() throws {
        let files =
            try Self.files(under: "Sources", suffix: ".swift")
            + Self.files(under: "Tests", suffix: ".swift")
        expectNone(files.flatMap(SourceRules.shape))
    }

    @Test func bannedWordsDoNotOccur() throws {
        let files =
            try Self.files(under: "Sources", suffix: ".swift")
            + Self.files(under: "Tests", suffix: ".swift")
        expectNone(files.flatMap(SourceRules.bannedWords))
    }

    @Test func rawMemoryStaysWhereItIsNeeded() throws {
        expectNone(
            try Self.files(under: "Sources", suffix: ".swift").flatMap(SourceRules.unsafeCode))
    }

    @Test func documentsHaveOneTitleAndLiveLinks() throws {
        let documents =
            try Self.files(under: "docs", suffix: ".md")
            + Self.files(under: "samples", suffix: ".md")
            + [
                SourceFile(
                    path: "./README.md",
                    text: String(
                        contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8))
            ]
        #expect(documents.count > 3)
        for document in documents {
            expectNone(DocumentRules.oneTitle(path: document.path, text: document.text))
            let folder = Self.root.appending(path: document.path).deletingLastPathComponent()
            for link in DocumentRules.relativeLinks(document.text) {
                let target = folder.appending(path: link).path
                #expect(FileManager.default.fileExists(atPath: target), "\(document.path): \(link)")
            }
        }
    }

    /// docs/LIMITS.md lists every bound of Base/Limits.swift.
    @Test func everyLimitIsDocumented() throws {
        let code = try String(
            contentsOf: Self.root.appending(path: "Sources/Base/Limits.swift"), encoding: .utf8)
        let page = try String(
            contentsOf: Self.root.appending(path: "docs/LIMITS.md"), encoding: .utf8)
        for match in code.matches(of: /static let (\w+)/) {
            #expect(page.contains("`\(match.output.1)`"), "docs/LIMITS.md lacks \(match.output.1)")
        }
    }
}
