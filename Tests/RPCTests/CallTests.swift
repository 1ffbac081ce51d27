import Base
import RPC
import TestSupport
import Testing
import Wire

/// Calls run side by side, end in any order, and end when their time or the caller's patience ends.
@Suite struct CallTests {
    @Test func concurrentCallsGetTheirOwnAnswers() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<500 {
                    group.addTask {
                        let body = Array("call \(number)".utf8)
                        let answer = try await client.call(.echo, body: body, timeout: .seconds(20))
                        return Array(answer) == body
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func answersMayComeInAnyOrder() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            try await withThrowingTaskGroup(of: (UInt8, UInt8).self) { group in
                for number in 0..<3 as Range<UInt8> {
                    group.addTask {
                        let answer = try await client.call(
                            .hold, body: [number], timeout: .seconds(20))
                        return (number, answer.first ?? 255)
                    }
                }
                await eventually("three calls are held") { fixture.heldCalls.count == 3 }
                for call in fixture.heldCalls.reversed() {
                    call.reply([(call.body.first ?? 0) + 10])
                }
                for try await (number, answer) in group { #expect(answer == number + 10) }
            }
        }
    }

    @Test func aLargeBodyGoesThereAndBack() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            var random = PRNG(seed: 3)
            let body = (0..<3_000_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let answer = try await client.call(.echo, body: body, timeout: .seconds(20))
            #expect(Array(answer) == body)
        }
    }

    @Test func aBodyBeyondTheFrameLimitIsRefusedHere() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            let body = [UInt8](repeating: 0, count: Limits.rpcFrameBytesMax)
            let found = await status {
                try await client.call(.echo, body: body, timeout: .seconds(20))
            }
            #expect(found == .resourceExhausted)
            #expect(try await client.call(.echo, body: [1], timeout: .seconds(20)) == [1])
        }
    }

    @Test func theDeadlineIsKeptByTheClientAndToldToTheServer() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            let start = ContinuousClock.now
            let found = await status {
                try await client.call(.hold, body: [], timeout: .milliseconds(200))
            }
            #expect(found == .deadlineExceeded)
            // A timer of the loop counts whole milliseconds and may be one early.
            #expect(.now - start >= .milliseconds(198))
            await eventually("the server knows") { fixture.heldCalls.first?.isWanted == false }
            #expect(try await client.call(.echo, body: [1], timeout: .seconds(20)) == [1])
        }
    }

    @Test func aCancelledCallEndsAtOnceAndIsNoLongerWanted() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            // A task of its own, since the test cancels it while it waits.
            let task = Task {
                await status { try await client.call(.hold, body: [], timeout: .seconds(60)) }
            }
            await eventually("the call is held") { fixture.heldCalls.count == 1 }
            #expect(fixture.heldCalls.first?.isWanted == true)
            task.cancel()
            #expect(await task.value == .cancelled)
            await eventually("the server knows") { fixture.heldCalls.first?.isWanted == false }
            // Its late answer disturbs nobody.
            fixture.heldCalls.first?.reply([9])
            #expect(try await client.call(.echo, body: [1], timeout: .seconds(20)) == [1])
        }
    }

    @Test func aCallOfACancelledTaskIsNotSent() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            let task = Task {
                // Waits for its own cancellation, so that the call begins after it.
                await eventually("the task is cancelled") { Task.isCancelled }
                return await status {
                    try await client.call(.hold, body: [], timeout: .seconds(60))
                }
            }
            task.cancel()
            #expect(await task.value == .cancelled)
            _ = try await client.call(.echo, body: [], timeout: .seconds(20))
            #expect(fixture.heldCalls.isEmpty)
        }
    }

    @Test func failuresArriveWithStatusAndWords() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            for (method, expected) in [
                (.fail, .notFound), (.drop, .internal), (RPCMethod(rawValue: 999), .unknownMethod),
            ] as [(RPCMethod, RPCStatus)] {
                let found = await status {
                    try await client.call(method, body: [], timeout: .seconds(20))
                }
                #expect(found == expected)
            }
            do {
                _ = try await client.call(.fail, body: [], timeout: .seconds(20))
            } catch let error as RPCError {
                #expect(error.message.contains("no such shard"))
                #expect(error.message.contains("127.0.0.1"))
            }
        }
    }

    @Test func aBusyConnectionIsToldSoAndRecovers() async throws {
        try await Fixture.with { fixture in
            let port = try await fixture.startServer(inFlightMax: 2).port
            let client = try fixture.client(port: port)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        _ = try await client.call(.hold, body: [], timeout: .seconds(20))
                    }
                }
                await eventually("two calls are held") { fixture.heldCalls.count == 2 }
                let found = await status {
                    try await client.call(.echo, body: [], timeout: .seconds(20))
                }
                #expect(found == .overloaded)
                for call in fixture.heldCalls { call.reply([]) }
                try await group.waitForAll()
            }
            #expect(try await client.call(.echo, body: [1], timeout: .seconds(20)) == [1])
        }
    }

    @Test func theClientBoundsItsOwnCalls() async throws {
        try await Fixture.with { fixture in
            let client = try fixture.client(port: try await fixture.startServer().port)
            let statuses = await withTaskGroup(of: RPCStatus?.self) { group in
                for _ in 0...Limits.rpcInFlightMax {
                    group.addTask {
                        await status {
                            try await client.call(.hold, body: [], timeout: .seconds(20))
                        }
                    }
                }
                // The one too many fails at once; then the held ones are let go.
                let first = await group.next()
                #expect(first == .overloaded)
                await eventually("all others are held") {
                    fixture.heldCalls.count == Limits.rpcInFlightMax
                }
                for call in fixture.heldCalls { call.reply([]) }
                return await group.reduce(into: [first ?? nil]) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == nil }.count == Limits.rpcInFlightMax)
        }
    }
}
