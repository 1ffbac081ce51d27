import Base
import Testing

@Suite struct BackoffTests {
    /// Waits double up to the limit, differ from one another, and are short again after a success.
    @Test func waitsGrowToALimitAndVary() {
        var random = PRNG(seed: 5)
        var backoff = Backoff(first: .milliseconds(50), limit: .seconds(2))
        let waits = (0..<20).map { _ in backoff.next(using: &random) }
        #expect(waits[0] >= .milliseconds(25) && waits[0] <= .milliseconds(50))
        #expect(waits[19] >= .seconds(1) && waits[19] <= .seconds(2))
        #expect(Set(waits.suffix(10)).count == 10)
        backoff.reset()
        #expect(backoff.next(using: &random) <= .milliseconds(50))
    }
}
