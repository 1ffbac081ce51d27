// Frames that no honest client sends, against the built executable: it answers an error or closes
// the connection, lives on, and stays small.

import Base
import Foundation
import KafkaWire
import TestSupport
import Testing

@testable import LogServer

@Suite(.serialized) struct FuzzTests {
    private static let seeds = LongRun.seeds("fuzz", short: 6, perSecond: 2)
    /// What the server may grow by: its budgets for requests are larger than what is sent here.
    private static let growthMax = 256 << 20

    @Test(.timeLimit(.minutes(60))) func noFrameBreaksTheServer() async throws {
        let directory = try TemporaryDirectory()
        let port = try await LogProcess.freePort()
        let process = try LogProcess(directory: directory.path, port: port)
        defer { process.kill() }
        await eventually("the log serves") { LogProcess.serves(port, topic: "t") }
        let before = process.residentBytes
        for seed in Self.seeds {
            var random = PRNG(seed: seed)
            // Every kind in every version that clients are told of, as it is and damaged.
            for served in ServedAPIs.served {
                for version in served.api.minVersion...served.api.maxVersion {
                    let frame = try seededFrame(served.kind, version: version, using: &random)
                    try converse([frame, Self.damaged(frame, using: &random)], port)
                }
            }
            for _ in 0..<50 { try converse([Self.nonsense(using: &random)], port) }
            #expect(process.isRunning, "the server ended, seed \(seed)")
            guard process.isRunning else { return }
            #expect(LogProcess.serves(port, topic: "t"), "nothing is served, seed \(seed)")
            let growth = process.residentBytes - before
            #expect(growth < Self.growthMax, "\(growth >> 20) MiB more, seed \(seed)")
        }
        #expect(process.stop() == 0)
    }

    /// Sends frames on a connection of their own and takes what comes until the server closes.
    private func converse(_ frames: [[UInt8]], _ port: UInt16) throws {
        let socket = try SocketClient(port: port, timeoutSeconds: 1)
        do {
            for frame in frames { try socket.send(frame) }
            socket.finishSending()
            // A member of a group may be kept waiting.
            if frames.contains(where: { $0.count > 5 && [1, 11, 14].contains($0[5]) }) { return }
            var rest = try socket.receiveAll()[...]
            while rest.count >= 4 {
                let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                #expect(rest.count >= 4 + length, "an answer is cut short")
                rest = rest.dropFirst(4 + length)
            }
            #expect(rest.isEmpty)
        } catch SocketClientError.closed {
        } catch SocketClientError.timedOut {
        }
    }

    /// The same with one to four wounds; half of them keep the length right.
    private static func damaged(_ frame: [UInt8], using random: inout PRNG) -> [UInt8] {
        var content = Array(frame[4...])
        for _ in 0..<Int.random(in: 1...4, using: &random) where content.count > 8 {
            let place = Int.random(in: 0..<content.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: content[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: content.removeSubrange(place...)
            case 2: content.insert(contentsOf: content[place...], at: place)
            case 3: for index in place..<min(place + 4, content.count) { content[index] = 0xFF }
            case 4:
                for index in place..<min(place + 4, content.count) { content[index] = 0x7F }
            default: content += (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
        }
        var length = Int32(content.count)
        if Int.random(in: 0..<8, using: &random) == 0 {
            length =
                [.min, -1, 0, 7, .max, 100 << 20, length + 1, length - 1]
                .randomElement(using: &random) ?? 0
        }
        return withUnsafeBytes(of: length.bigEndian) { Array($0) } + content
    }

    /// Keys, versions and bodies from nowhere.
    private static func nonsense(using random: inout PRNG) -> [UInt8] {
        let count = Int.random(in: 8...120, using: &random)
        var content = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        if Bool.random(using: &random) {
            // A header that is right, so that the body is looked at.
            let key = UInt8.random(in: 0...80, using: &random)
            let version = UInt8.random(in: 0...20, using: &random)
            content.replaceSubrange(0..<4, with: [0, key, 0, version])
            content.insert(contentsOf: [0xFF, 0xFF], at: 8)
        }
        let length = UInt32(content.count).bigEndian
        return withUnsafeBytes(of: length) { Array($0) } + content
    }
}
