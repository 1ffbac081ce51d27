import EventLoop
import Foundation
import HTTP
import JSON
import Model
import QueryService
import TestSupport
import Testing

private let path = "\(TestCluster.projectPath)/queries/extraction"
private let orders = #""event_collection":"orders""#

/// A place for files, and a command for mail that leaves each message in it.
private final class Place {
    let directory: String
    let mails: String

    init() throws {
        directory = try RunningSystem.temporaryDirectory()
        mails = "\(directory)/mails"
        try FileManager.default.createDirectory(
            atPath: mails, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Writes a script of the shell; its name.
    func script(_ text: String) throws -> String {
        let name = "\(directory)/mail.sh"
        try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(filePath: name))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: name)
        return name
    }

    var configuration: ExtractionFilesConfiguration {
        var configuration = ExtractionFilesConfiguration(directory: "\(directory)/files")
        configuration.publicURL = "https://millrace.example.test"
        configuration.firstPause = .milliseconds(1)
        return configuration
    }

    var messages: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: mails)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted().compactMap {
            try? String(contentsOfFile: "\(mails)/\($0)", encoding: .utf8)
        }
    }

    /// The names in the directory of files, by their suffixes.
    var suffixes: [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/files")
        return (names ?? []).compactMap { $0.contains(".") ? URL(filePath: $0).pathExtension : nil }
            .sorted()
    }
}

extension TestCluster {
    /// Runs `body` while files are made.
    fileprivate func making(_ body: () async throws -> Void) async throws {
        let loop = group.next()
        let maker = Task { await service.makeFiles(on: loop) }
        do { try await body() } catch {
            maker.cancel()
            await maker.value
            throw error
        }
        maker.cancel()
        await maker.value
    }

    /// Asks for a file; where it is.
    fileprivate func start(_ more: String) async throws -> String {
        let answer = try await query("extraction", "{\(orders),\(more)}")
        let url = try #require(answer.json?["file"]?["url"]?.string, "\(answer)")
        return "/3.0/files/" + (url.split(separator: "/").last ?? "")
    }

    /// The answer when it is there, without any key.
    fileprivate func file(_ target: String) async throws -> TestAnswer {
        var answer = try await send(.get, target, key: nil)
        await eventually("the file is there") {
            if answer.status == 202 {
                answer = (try? await send(.get, target, key: nil)) ?? answer
            }
            return answer.status != 202
        }
        return answer
    }
}

/// Extractions to files and by mail.
@Suite struct FileExtractionTests {
    private func events(_ count: Int) throws -> [JSONValue] {
        try (0..<count).map { number in
            try JSONValue(
                parsing: #"{"n":\#(number),"who":{"name":"a\"\#(number % 3),b"},"#
                    + #""keen":{"timestamp":"2020-03-31T10:00:0\#(number / 100).000Z"}}"#)
        }
    }

    private var smallPages: QueryServiceConfiguration {
        var configuration = TestCluster.configuration
        configuration.extractionPageEvents = 30
        return configuration
    }

    /// Byte by byte what the same extraction gives at once.
    @Test func aFileIsTheAnswer() async throws {
        let place = try Place()
        try await TestCluster.with(configuration: smallPages, files: place.configuration) {
            cluster in
            try await cluster.store(try events(300))
            try await cluster.making {
                for (more, type) in [
                    ("", "application/json"), (#""latest":31,"property_names":"n","#, "text/csv"),
                    (#""timeframe":"this_2_days","#, "text/csv"),
                ] {
                    let body = #"\#(more)"content_type":"\#(type)""#
                    let whole = try await cluster.query("extraction", "{\(orders),\(body)}")
                    let target = try await cluster.start(#"\#(body),"file":true"#)
                    let file = try await cluster.file(target)
                    #expect(file.status == 200 && file.text == whole.text, "\(file)")
                    #expect(file.response.header("content-type")?.hasPrefix(type) == true)
                    #expect(
                        file.response.header("content-disposition")?.hasSuffix(
                            type == "text/csv" ? #".csv""# : #".json""#) == true)
                    #expect(try await cluster.send(.head, target, key: nil).status == 200)
                }
                let target = try await cluster.start(#""file":"true","content_encoding":"gzip""#)
                let file = try await cluster.file(target)
                #expect(file.response.header("content-type") == "application/gzip")
                #expect(file.response.body.starts(with: [0x1F, 0x8B]))
                let unknown = try await cluster.send(
                    .get, "/3.0/files/\(String(repeating: "a", count: 64))", key: "MASTER")
                #expect(unknown.status == 404 && unknown.code == "ResourceNotFoundError")
            }
            #expect(place.suffixes == ["data", "data", "data", "data", "job", "job", "job", "job"])
        }
    }

    /// The message is complete on the command's standard input, and says where the file is.
    @Test func somebodyIsTold() async throws {
        let place = try Place()
        var files = place.configuration
        // The first time it fails.
        files.mailCommand = [
            try place.script(
                #"""
                [ -e "$1/tried" ] || { touch "$1/tried"; exit 75; }
                cat > "$1/mails/.new" && mv "$1/mails/.new" "$1/mails/$$"
                """#), place.directory,
        ]
        try await TestCluster.with(files: files) { cluster in
            try await cluster.store(try events(20))
            try await cluster.making {
                let answer = try await cluster.send(
                    .get, "\(path)?event_collection=orders&email=ann@example.test")
                #expect(
                    answer.result
                        == "Processing. Check the specified email for the extraction results.",
                    "\(answer)")
                await eventually("the mail is there") { !place.messages.isEmpty }
                let message = try #require(place.messages.first)
                #expect(message.hasPrefix("To: ann@example.test\nSubject: "), "\(message)")
                let url = try #require(answer.json?["file"]?["url"]?.string)
                #expect(url.hasPrefix("https://millrace.example.test/3.0/files/"))
                #expect(message.contains("\n\n\(url)\n\n"), "\(message)")
                let token = url.split(separator: "/").last ?? ""
                let file = try await cluster.file("/3.0/files/\(token)")
                #expect(file.text.hasPrefix("keen.timestamp,n,who.name\r\n"), "mails bring tables")
                await eventually("the message has gone") { !place.suffixes.contains("mail") }
            }
        }
    }

    /// The command is ended, with what it has started, and the file is there all the same.
    @Test func aCommandThatHangsIsEnded() async throws {
        let place = try Place()
        var files = place.configuration
        files.mailTimeout = .milliseconds(50)
        files.mailCommand = [
            try place.script(#"echo x >> "$1/began"; sleep 600; echo x >> "$1/ended""#),
            place.directory,
        ]
        try await TestCluster.with(files: files) { cluster in
            try await cluster.store(try events(5))
            try await cluster.making {
                let target = try await cluster.start(#""email":"a@b.test""#)
                #expect(try await cluster.file(target).status == 200)
                await eventually("it was tried three times") {
                    (try? String(contentsOfFile: "\(place.directory)/began", encoding: .utf8))
                        == "x\nx\nx\n"
                }
            }
            #expect(!FileManager.default.fileExists(atPath: "\(place.directory)/ended"))
        }
    }

    /// What was taken on is done by the next server, with the instants of its request; what was
    /// begun is begun anew.
    @Test func theNextServerGoesOn() async throws {
        let place = try Place()
        let desk = Desk()
        var target = ""
        try await TestCluster.with(files: place.configuration) { cluster in
            try await cluster.store(try events(5))
            // Nobody makes files here.
            target = try await cluster.start(#""file":true,"timeframe":"this_2_days""#)
            let waiting = try await cluster.send(.get, target, key: nil)
            #expect(waiting.status == 202 && waiting.json?["status"] == "waiting", "\(waiting)")
            #expect(waiting.response.header("retry-after") == "1")
        }
        let token = try #require(target.split(separator: "/").last)
        let files = "\(place.directory)/files"
        for name in ["\(token).part", "\(token).data", "\(token).mail"] {
            try Data("[torn".utf8).write(to: URL(filePath: "\(files)/\(name)"))
        }
        let stranger = String(repeating: "b", count: 64)
        try Data("{}".utf8).write(to: URL(filePath: "\(files)/\(stranger).job"))
        desk.pass(seconds: 5 * 86_400)
        try await TestCluster.with(
            configuration: desk.configuration, catalog: { desk.catalog },
            files: place.configuration
        ) { cluster in
            #expect(place.suffixes == ["job"], "nothing else is left")
            try await cluster.store(try events(5))
            try await cluster.making {
                let file = try await cluster.file(target)
                #expect(file.result?.array?.count == 5, "\(file)")
                desk.pass(seconds: 2 * 86_400 - 1)
                #expect(try await cluster.send(.get, target, key: nil).status == 200)
            }
        }
        desk.pass(seconds: 1)
        try await TestCluster.with(
            configuration: desk.configuration, catalog: { desk.catalog },
            files: place.configuration
        ) { cluster in
            try await cluster.making {
                await eventually("it was too old") {
                    (try? await cluster.send(.get, target, key: nil).status) == 404
                }
            }
            #expect(place.suffixes.isEmpty)
        }
    }

    /// A file that would pass the bound fails, says so, and gives its room back.
    @Test func thereIsABound() async throws {
        let place = try Place()
        var files = place.configuration
        files.bytesMax = 3000
        try await TestCluster.with(configuration: smallPages, files: files) { cluster in
            try await cluster.store(try events(300))
            try await cluster.making {
                let large = try await cluster.file(try await cluster.start(#""file":true"#))
                #expect(large.status == 503 && large.code == "TooManyExtractionsError", "\(large)")
                #expect(place.suffixes == ["job"])
                let small = #""file":true,"latest":1"#
                let file = try await cluster.file(try await cluster.start(small))
                #expect(file.status == 200, "\(file)")
            }
        }
    }

    @Test(arguments: [
        (#""email":"a b@c.test""#, "InvalidParameterError", "email is no address"),
        (#""email":"a@b.test\nBcc: c@d.test""#, "InvalidParameterError", "email is no address"),
        (#""email":"a@b.test,c@d.test""#, "InvalidParameterError", "email is no address"),
        (#""email":"@b.test""#, "InvalidParameterError", "email is no address"),
        (#""email_address":"a@b.test""#, "NotSupportedError", "query.mail_command"),
        (#""file":"perhaps""#, "InvalidParameterError", "file must be"),
        (#""file":true,"latest":0"#, "InvalidParameterError", "latest"),
        (#""file":true,"content_encoding":"br""#, "InvalidParameterError", "content_encoding"),
        (#""file":true,"filters":1"#, "InvalidParameterError", "filters"),
    ])
    func whatIsWrongIsSaidAtOnce(more: String, code: String, words: String) async throws {
        let place = try Place()
        try await TestCluster.with(files: place.configuration) { cluster in
            let answer = try await cluster.query("extraction", "{\(orders),\(more)}")
            #expect(answer.status == 400 && answer.code == code, "\(answer)")
            #expect(answer.text.contains(words), "\(answer)")
            #expect(place.suffixes.isEmpty)
        }
    }

    @Test func aServerWithoutADirectorySaysWhatItLacks() async throws {
        try await TestCluster.with { cluster in
            for more in [#""file":true"#, #""email":"a@b.test""#] {
                let answer = try await cluster.query("extraction", "{\(orders),\(more)}")
                #expect(answer.code == "NotSupportedError", "\(answer)")
                #expect(answer.text.contains("query.files"))
            }
        }
    }
}
