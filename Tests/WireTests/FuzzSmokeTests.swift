import Base
import TestSupport
import Testing
import Wire

/// Bytes damaged at random are refused or read as something else, but never trap or hang.
@Suite struct FuzzSmokeTests {
    @Test(arguments: LongRun.seeds("fuzz", short: 1, perSecond: 1))
    func mutatedFramesNeverTrap(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        let frames = Samples.frames.map { $0.encoded() }
        var refused = 0
        for _ in 0..<50_000 {
            var stream = mutate(frames.randomElement(using: &random) ?? [], using: &random)[...]
            var assembler = FrameAssembler(frameBytesMax: 512)
            do {
                while try assembler.next(&stream) != nil {}
            } catch {
                refused += 1
            }
        }
        #expect(refused > 1_000, "seed \(seed)")
    }

    @Test(arguments: LongRun.seeds("fuzz", short: 1, perSecond: 1))
    func mutatedMessagesNeverTrap(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        let messages = try Samples.messages()
        var refused = 0
        for _ in 0..<50_000 {
            guard let (_, bytes, again) = messages.randomElement(using: &random) else { return }
            if (try? again(mutate(bytes, using: &random)[...])) == nil { refused += 1 }
        }
        #expect(refused > 1_000, "seed \(seed)")
    }

    /// Flips, inserts, removes, copies or cuts, one to four times.
    private func mutate(_ bytes: [UInt8], using random: inout PRNG) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !result.isEmpty else { return [UInt8.random(in: 0...255, using: &random)] }
            let position = Int.random(in: result.indices, using: &random)
            switch Int.random(in: 0...4, using: &random) {
            case 0: result[position] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: result.insert(.random(in: 0...255, using: &random), at: position)
            case 2: result.remove(at: position)
            case 3: result.append(contentsOf: result[position...])
            default: result.removeSubrange(position...)
            }
        }
        return result
    }
}
