// Where a block's bytes live: memory of its own, or a part of a mapped segment file.

internal import Base

/// Bytes that never change. `@unchecked Sendable` holds because nobody writes after `init`, and the
/// memory lives as long as this object: it frees its own, or keeps the owner of the mapping.
final class BlockStorage: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    /// What keeps foreign memory alive; nil when the memory is ours.
    private let owner: (any AnyObject & Sendable)?

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
