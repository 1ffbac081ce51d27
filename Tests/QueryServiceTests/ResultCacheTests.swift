import Base
import Model
import Testing

@testable import QueryService

/// What is kept is bounded, by number and by bytes, and what was used last stays.
@Suite struct ResultCacheTests {
    private func entry(_ count: Int) -> ResultCache.Entry {
        .init(body: [UInt8](repeating: 0x20, count: count), made: Timestamp(milliseconds: 0))
    }

    @Test func whatWasNotUsedForLongestGoes() {
        let cache = ResultCache(countMax: 3, bytesMax: 100)
        for key in ["a", "b", "c"] { cache.put(entry(10), key) }
        #expect(cache.entry("a") != nil)
        cache.put(entry(10), "d")
        #expect(cache.entry("b") == nil && cache.count == 3)
        cache.put(entry(80), "c")
        #expect(cache.count == 3, "it took the place of its former self")
        cache.put(entry(60), "e")
        #expect(cache.entry("c") == nil, "the bytes of all are bounded")
        #expect(cache.entry("e") != nil)
        cache.put(entry(101), "e")
        #expect(cache.entry("e") == nil, "too large to keep, and what was there is out of date")
        cache.remove("d")
        #expect(cache.entry("d") == nil)
    }
}
