import Foundation
import Glibc
import Testing

/// Whoever kills the supervisor finds nothing of it left.
@Suite(.timeLimit(.minutes(1))) struct OrphanTests {
    /// The kernel forgets the wish of a thread that ends, and the threads that Swift's tasks run on
    /// end when they have been idle: the wish must not depend on the thread that made it.
    @Test func aProcessEndsWithItsParentAlsoWhenTheAskingThreadIsGone() throws {
        let fake = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(path: "fakeprocess").path
        let parent = Process()
        parent.executableURL = URL(filePath: "/bin/sh")
        parent.arguments = ["-c", "\"$0\" orphan & wait", fake]
        let pipe = Pipe()
        parent.standardOutput = pipe
        try parent.run()
        let words = pipe.fileHandleForReading
        let said = String(decoding: words.availableData, as: UTF8.self)
        let orphan = try #require(Int32(said.dropLast()), "\(said)")
        kill(parent.processIdentifier, SIGKILL)
        parent.waitUntilExit()
        // The pipe has ended when the last one who could write to it has.
        var end = pollfd(fd: words.fileDescriptor, events: 0, revents: 0)
        let isOver = poll(&end, 1, 20_000) == 1 && end.revents & Int16(POLLHUP) != 0
        #expect(isOver)
        if !isOver { kill(orphan, SIGKILL) }
    }
}
