// Keeps the dictionaries of blocks that queries have decoded lately: a dictionary is the part of a
// column of texts that takes longest to decode, being compressed, and mostly the smaller part of
// what is decoded. Each holds what its column's bytes say, as long as those are checked before.
//
// Two halves, the younger one filled: when it is full it becomes the older one, and what was not
// used since goes. So every look-up is one or two hash look-ups, and the bytes are bounded.

internal import Synchronization

/// Decoded dictionaries. Any thread.
package final class DictionaryCache: Sendable {
    struct Entry: Sendable {
        var dictionary: StringDictionary
        /// Bytes that it takes in its chunk.
        var encodedByteCount: Int

        fileprivate var byteCount: Int {
            dictionary.bytes.count + 4 * dictionary.offsets.count + DictionaryCache.entryBytes
        }
    }

    /// A column by its place in the directory of a block.
    private struct Key: Hashable {
        var block: UInt64
        var entry: Int
    }

    private struct State {
        var young: [Key: Entry] = [:]
        var old: [Key: Entry] = [:]
        var youngBytes = 0
        var oldBytes = 0
        var nextBlock: UInt64 = 0
    }

    fileprivate static let entryBytes = 192
    /// Smaller ones are decoded as soon as found. A choice.
    static let textBytesMin = 256

    private let bytesMax: Int
    private let state = Mutex(State())

    /// With 0 nothing is kept.
    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    package var byteCount: Int { state.withLock { $0.youngBytes + $0.oldBytes } }

    /// A number that no other block has.
    func takeNumber() -> UInt64 {
        state.withLock { state in
            defer { state.nextBlock += 1 }
            return state.nextBlock
        }
    }

    func find(block: UInt64, entry: Int) -> Entry? {
        let key = Key(block: block, entry: entry)
        return state.withLock { state in
            if let found = state.young[key] { return found }
            guard let found = state.old.removeValue(forKey: key) else { return nil }
            state.oldBytes -= found.byteCount
            insert(found, key, &state)
            return found
        }
    }

    func keep(_ found: Entry, block: UInt64, entry: Int) {
        guard found.dictionary.bytes.count >= Self.textBytesMin else { return }
        state.withLock { insert(found, Key(block: block, entry: entry), &$0) }
    }

    private func insert(_ found: Entry, _ key: Key, _ state: inout State) {
        guard found.byteCount <= bytesMax / 2, state.young[key] == nil else { return }
        if state.youngBytes + found.byteCount > bytesMax / 2 {
            (state.old, state.oldBytes) = (state.young, state.youngBytes)
            (state.young, state.youngBytes) = ([:], 0)
        }
        state.young[key] = found
        state.youngBytes += found.byteCount
    }
}

/// Where a block's dictionaries are kept.
struct BlockDictionaries: Sendable {
    let cache: DictionaryCache
    let block: UInt64
}
