// The runner: a real loop, its timers, and an offsets log that answers from another thread.

import Base
import EventLoop
import KafkaWire
import Logging
import Synchronization
import TestSupport
import Testing

@testable import LogServer

/// Keeps records, and completes when it is told to, or at once.
private final class MemoryOffsetsLog: OffsetsLog {
    struct State: Sendable {
        var records: [OffsetsRecord] = []
        var held: [@Sendable (KafkaErrorCode) -> Void] = []
        var holds = false
    }

    let state = Mutex(State())

    func append(
        _ records: [OffsetsRecord], in producer: TransactionProducer?,
        completion: @escaping @Sendable (KafkaErrorCode) -> Void
    ) {
        let isHeld = state.withLock { state in
            state.records += records
            if state.holds { state.held.append(completion) }
            return state.holds
        }
        if !isHeld { completion(.none) }
    }

    func release(_ error: KafkaErrorCode) {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        for completion in held { completion(error) }
    }
}

@Suite struct CoordinatorTests {
    private static let client = GroupClient(clientID: "c", host: "127.0.0.1")

    private func coordinator(
        _ log: MemoryOffsetsLog, _ loop: EventLoop,
        _ configure: (inout GroupConfiguration) -> Void = { _ in }
    ) -> GroupCoordinator {
        var configuration = World.prompt
        configure(&configuration)
        return GroupCoordinator(
            configuration: configuration, offsets: log, topics: FourPartitions(), loop: loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            random: PRNG(seed: 1))
    }

    private func commit(_ coordinator: GroupCoordinator, _ offset: Int64) async -> KafkaErrorCode? {
        let request = World.commitRequest(offsets: [("t", 0, offset)])
        let response = await withCheckedContinuation { continuation in
            coordinator.commit(request, version: 7, client: Self.client) {
                continuation.resume(returning: $0)
            }
        }
        return response.topics.first?.partitions.first?.error
    }

    private func fetch(_ coordinator: GroupCoordinator) async -> Int64? {
        var request = OffsetFetchRequest()
        request.groupID = "g"
        let response = await withCheckedContinuation { continuation in
            coordinator.fetchOffsets(request, version: 7, client: Self.client) {
                continuation.resume(returning: $0)
            }
        }
        return response.topics.first?.partitions.first?.committedOffset
    }

    private func join(
        _ coordinator: GroupCoordinator, _ request: JoinGroupRequest
    ) async -> JoinGroupResponse {
        await withCheckedContinuation { continuation in
            coordinator.join(request, version: 3, client: Self.client) {
                continuation.resume(returning: $0)
            }
        }
    }

    @Test func timersOfTheLoopMakeAGenerationAndEndASession() async throws {
        let loop = try EventLoop(name: "groups")
        let coordinator = coordinator(MemoryOffsetsLog(), loop) {
            $0.initialRebalanceDelay = .milliseconds(20)
        }
        let answer = await join(coordinator, World.joinRequest(session: 1_000))
        #expect(answer.error == .none && answer.generationID == 1)
        await eventually("the silent member is removed") {
            var describe = DescribeGroupsRequest()
            describe.groups = ["g"]
            let response = await withCheckedContinuation { continuation in
                coordinator.describe(describe, version: 5, client: Self.client) {
                    continuation.resume(returning: $0)
                }
            }
            return response.groups.first?.state == "Empty"
        }
        coordinator.shutdown()
        await loop.shutdown()
    }

    @Test func commitIsAnsweredWhenItIsDurable() async throws {
        let loop = try EventLoop(name: "groups")
        let log = MemoryOffsetsLog()
        let coordinator = coordinator(log, loop)
        #expect(await commit(coordinator, 1) == KafkaErrorCode.none)
        log.state.withLock { $0.holds = true }
        async let second = commit(coordinator, 2)
        await eventually("the commit reaches the log") { log.state.withLock { $0.held.count == 1 } }
        #expect(await fetch(coordinator) == 1)
        log.release(.none)
        #expect(await second == KafkaErrorCode.none)
        #expect(await fetch(coordinator) == 2)
        coordinator.shutdown()
        await loop.shutdown()
    }

    @Test(arguments: [
        (KafkaErrorCode.storageError, KafkaErrorCode.coordinatorNotAvailable),
        (.messageTooLarge, .invalidCommitOffsetSize),
    ])
    func failedAppendIsTold(_ error: KafkaErrorCode, _ told: KafkaErrorCode) async throws {
        let loop = try EventLoop(name: "groups")
        let log = MemoryOffsetsLog()
        log.state.withLock { $0.holds = true }
        let coordinator = coordinator(log, loop)
        async let outcome = commit(coordinator, 1)
        await eventually("the commit reaches the log") { log.state.withLock { $0.held.count == 1 } }
        log.release(error)
        #expect(await outcome == told)
        #expect(await fetch(coordinator) == nil)
        coordinator.shutdown()
        await loop.shutdown()
    }

    @Test func diskThatHangsIsNotWaitedForForever() async throws {
        let loop = try EventLoop(name: "groups")
        let log = MemoryOffsetsLog()
        log.state.withLock { $0.holds = true }
        let coordinator = coordinator(log, loop) { $0.commitTimeout = .milliseconds(1) }
        #expect(await commit(coordinator, 1) == .requestTimedOut)
        // It may still become durable, and is then as good as any other.
        log.release(.none)
        await eventually("the late commit counts") { await fetch(coordinator) == 1 }
        coordinator.shutdown()
        await loop.shutdown()
    }

    @Test func restartFindsOffsets() async throws {
        let loop = try EventLoop(name: "groups")
        let log = MemoryOffsetsLog()
        let first = coordinator(log, loop)
        for offset: Int64 in 1...5 { #expect(await commit(first, offset) == KafkaErrorCode.none) }
        first.shutdown()
        let second = coordinator(log, loop)
        let records = log.state.withLock { $0.records }
        second.load(Array(records.prefix(2)))
        second.load(Array(records.dropFirst(2)) + [([9, 9], nil)])
        #expect(await fetch(second) == 5)
        second.shutdown()
        await loop.shutdown()
    }

    @Test func shutdownAnswersWhatWaitsAndWhatComes() async throws {
        let loop = try EventLoop(name: "groups")
        let log = MemoryOffsetsLog()
        log.state.withLock { $0.holds = true }
        let coordinator = coordinator(log, loop) { $0.initialRebalanceDelay = .seconds(60) }
        async let joining = join(coordinator, World.joinRequest())
        async let committing = commit(coordinator, 1)
        await eventually("the commit or its refusal is there") {
            var request = ListGroupsRequest()
            request.states = ["PreparingRebalance"]
            let response = await withCheckedContinuation { continuation in
                coordinator.list(request, version: 4, client: Self.client) {
                    continuation.resume(returning: $0)
                }
            }
            return response.groups.count == 1
        }
        coordinator.shutdown()
        #expect(await joining.error == .coordinatorNotAvailable)
        let outcome = await committing
        #expect(outcome == .coordinatorNotAvailable || outcome == .unknownMemberID)
        #expect(await commit(coordinator, 1) == .coordinatorNotAvailable)
        #expect(await join(coordinator, World.joinRequest()).error == .coordinatorNotAvailable)
        coordinator.shutdown()
        await loop.shutdown()
        #expect(await commit(coordinator, 1) == .coordinatorNotAvailable)
    }

    @Test func manyThreadsCommitInOrder() async throws {
        let loop = try EventLoop(name: "groups")
        let log = MemoryOffsetsLog()
        let coordinator = coordinator(log, loop)
        await withTaskGroup(of: Void.self) { tasks in
            for task: Int64 in 0..<8 {
                tasks.addTask {
                    for number: Int64 in 0..<50 {
                        _ = await commit(coordinator, task * 100 + number)
                    }
                }
            }
        }
        let last = await fetch(coordinator)
        let restarted = self.coordinator(log, loop)
        restarted.load(log.state.withLock { $0.records })
        #expect(await fetch(restarted) == last)
        coordinator.shutdown()
        restarted.shutdown()
        await loop.shutdown()
    }
}
