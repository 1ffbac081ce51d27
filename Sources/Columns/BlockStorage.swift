// Where a block's bytes live: memory of its own, or a part of a mapped segment file.

internal import Base
internal import Synchronization

/// Bytes that never change. `@unchecked Sendable` holds because nobody writes after `init`, and the
/// memory lives as long as this object: it frees its own, or keeps the owner of the mapping.
final class BlockStorage: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    /// What keeps foreign memory alive; nil when the memory is ours.
    private let owner: (any AnyObject & Sendable)?
    /// Where ranges begin that the system has been asked for.
    private let announced = Mutex<Set<Int>>([])

    init(copying source: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: source.count, alignment: 64)
        memory.copyBytes(from: source)
        bytes = UnsafeRawBufferPointer(memory)
        owner = nil
    }

    init(region: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        bytes = region
        self.owner = owner
    }

    /// Whether a part of the mapped file could not be read, and reads as zeros since.
    var hasFaulted: Bool { (owner as? MappedFile)?.hasFaulted ?? false }

    /// Has the system read a part of a mapped file all at once and beforehand, instead of a few
    /// pages at a time when somebody waits for them. Once for each part, as long as the block is
    /// open: what is in memory already would only cost looking.
    func willRead(_ range: Range<Int>) {
        guard let file = owner as? MappedFile, let start = file.bytes.baseAddress,
            let base = bytes.baseAddress,
            announced.withLock({ $0.insert(range.lowerBound).inserted })
        else { return }
        let offset = base - start
        file.willNeed(range.lowerBound + offset..<range.upperBound + offset)
    }

    deinit {
        if owner == nil { bytes.deallocate() }
    }

    /// Offsets are within the block; `Block.init` has checked the ranges these are used with.
    func readUInt32(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    func readUInt64(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
