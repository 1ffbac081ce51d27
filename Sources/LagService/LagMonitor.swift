// Readings for many who ask at once. Each answer is of a reading that began after the question; all
// who ask while one is under way share the next, so that no number of browsers and scrapers makes
// more than one reading at a time.

package import Lag
internal import Synchronization

/// Takes readings on demand. Any thread.
package final class LagMonitor: Sendable {
    private enum Turn: Sendable {
        case answer(Result<LagReport, LagError>)
        /// Read for yourself and all who wait.
        case lead
    }

    private struct Waiter {
        let question: LagQuestion
        let turn: CheckedContinuation<Turn, Never>
    }

    private struct State {
        var isReading = false
        /// As many as the server has connections, at most.
        var waiters: [Waiter] = []
    }

    private static let noAnswer = LagError("no answer", isUnreachable: true)

    private let source: any LagSource
    private let state = Mutex(State())

    package init(source: any LagSource) { self.source = source }

    /// Reads. Throws `LagError` if the log cannot be asked, or does not have an asked topic.
    package func report(_ question: LagQuestion) async throws(LagError) -> LagReport {
        let turn = await withCheckedContinuation { continuation in
            let leads = state.withLock { state in
                defer { state.isReading = true }
                if state.isReading {
                    state.waiters.append(Waiter(question: question, turn: continuation))
                }
                return !state.isReading
            }
            if leads { continuation.resume(returning: .lead) }
        }
        guard case .lead = turn else {
            guard case .answer(let result) = turn else { throw Self.noAnswer }
            return try result.get()
        }
        return try await lead(question).get()
    }

    /// Reads for the own question and those that wait by now, then hands over.
    private func lead(_ question: LagQuestion) async -> Result<LagReport, LagError> {
        let served = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        var results = [question: await read(question)]
        for waiter in served where results[waiter.question] == nil {
            results[waiter.question] = await read(waiter.question)
        }
        let next = state.withLock { state -> Waiter? in
            guard !state.waiters.isEmpty else {
                state.isReading = false
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.turn.resume(returning: .lead)
        for waiter in served {
            let result = results[waiter.question] ?? .failure(Self.noAnswer)
            waiter.turn.resume(returning: .answer(result))
        }
        return results[question] ?? .failure(Self.noAnswer)
    }

    private func read(_ question: LagQuestion) async -> Result<LagReport, LagError> {
        do {
            return .success(try await LagReader.read(question, from: source))
        } catch let error as LagError {
            return .failure(error)
        } catch {
            return .failure(LagError("the log cannot be asked: \(error)", isUnreachable: true))
        }
    }
}
