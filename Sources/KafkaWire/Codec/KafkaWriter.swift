// Fields to bytes. Records that were read for an answer become pieces of their own, so that
// megabytes go from the disk's page cache to the socket without being copied into a frame.

internal import Base

/// The writing codec.
package struct KafkaWriter: KafkaCodec {
    package let version: Int16
    private let isFlexible: Bool
    private var current: ByteWriter
    private var finished: [[UInt8]] = []
    private var finishedBytes = 0

    package init(version: Int16, isFlexible: Bool, capacity: Int = 256) {
        self.version = version
        self.isFlexible = isFlexible
        current = ByteWriter(capacity: capacity)
    }

    package var count: Int { finishedBytes + current.count }

    /// What was written, in order; an empty piece stands for records that are elsewhere.
    package consuming func finish() -> [[UInt8]] {
        if current.count > 0 { finished.append(current.bytes) }
        return finished
    }

    // MARK: numbers

    package mutating func int8(_ value: inout Int8) { current.write(bigEndian: value) }
    package mutating func int16(_ value: inout Int16) { current.write(bigEndian: value) }
    package mutating func int32(_ value: inout Int32) { current.write(bigEndian: value) }
    package mutating func int64(_ value: inout Int64) { current.write(bigEndian: value) }
    package mutating func bool(_ value: inout Bool) { current.write(UInt8(value ? 1 : 0)) }

    package mutating func uuid(_ value: inout KafkaUUID) {
        current.write(bigEndian: value.high)
        current.write(bigEndian: value.low)
    }

    // MARK: lengths

    /// Writes a length, nil for null.
    private mutating func length(
        _ length: Int?, wide: Bool, nullable: Bool
    ) throws(KafkaWireError) {
        guard length != nil || nullable else { throw .unexpectedNull }
        let value = length ?? -1
        guard value <= (wide || isFlexible ? Int(Int32.max) : Int(Int16.max)) else {
            throw .invalidLength(value)
        }
        if isFlexible {
            current.write(varint: UInt64(value + 1))
        } else if wide {
            current.write(bigEndian: Int32(value))
        } else {
            current.write(bigEndian: Int16(value))
        }
    }

    package mutating func string(
        _ value: inout String?, nullable: Bool
    ) throws(KafkaWireError) {
        try length(value?.utf8.count, wide: false, nullable: nullable)
        if let value { current.write(value.utf8) }
    }

    package mutating func bytes(
        _ value: inout [UInt8]?, nullable: Bool
    ) throws(KafkaWireError) {
        try length(value?.count, wide: true, nullable: nullable)
        if let value { current.write(value) }
    }

    package mutating func records(_ value: inout KafkaRecords?) throws(KafkaWireError) {
        try length(value?.count, wide: true, nullable: true)
        switch value {
        case nil: break
        case .slice(let bytes): current.write(bytes)
        case .owned(let bytes) where bytes.count < 1024: current.write(bytes)
        case .owned(let bytes): add(bytes, byteCount: bytes.count)
        case .elsewhere(let byteCount): add([], byteCount: byteCount)
        }
    }

    /// A piece of its own. The one before it has at least the length, so that no other is empty.
    private mutating func add(_ piece: [UInt8], byteCount: Int) {
        finished.append(current.bytes)
        finished.append(piece)
        finishedBytes += current.count + byteCount
        current = ByteWriter(capacity: 256)
    }

    // MARK: structure

    package mutating func array<Element>(
        _ values: inout [Element]?, nullable: Bool, empty: Element,
        visit: (inout Element, inout KafkaWriter) throws(KafkaWireError) -> Void
    ) throws(KafkaWireError) {
        try length(values?.count, wide: true, nullable: nullable)
        for var element in values ?? [] { try visit(&element, &self) }
    }

    package mutating func structure(_ value: inout some KafkaStruct) throws(KafkaWireError) {
        try value.visit(&self)
        if isFlexible { try writeTags(of: &value) }
    }

    private mutating func writeTags<S: KafkaStruct>(of value: inout S) throws(KafkaWireError) {
        let sent = S.tags.filter { value.sends(tag: $0, version: version) }
        current.write(varint: UInt64(sent.count))
        for tag in sent {
            var inner = KafkaWriter(version: version, isFlexible: true)
            try value.visitTag(tag, &inner)
            current.write(varint: UInt64(tag))
            current.write(varint: UInt64(inner.count))
            for piece in inner.finish() { current.write(piece) }
        }
    }

    /// The tagged fields of a header: none.
    package mutating func writeNoTags() { current.write(UInt8(0)) }

    /// Overwrites the four bytes at the very beginning, where a frame has its length.
    mutating func setFrameLength(_ length: Int32) {
        if finished.isEmpty {
            current.overwrite(bigEndian: UInt32(bitPattern: length), at: 0)
        } else {
            var first = ByteWriter()
            first.write(bigEndian: length)
            finished[0].replaceSubrange(0..<4, with: first.bytes)
        }
    }
}
