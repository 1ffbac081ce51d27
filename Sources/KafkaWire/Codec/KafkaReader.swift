// Bytes to fields. The bytes come from the network: lengths are checked before anything is taken or
// reserved, and the number of array elements in one message is bounded, since an element costs
// more memory than the bytes that announce it. Bytes left over after a message are nobody's
// business: real clients send some.

internal import Base

/// The reading codec.
package struct KafkaReader: KafkaCodec {
    package let version: Int16
    private let isFlexible: Bool
    private var reader: ByteReader
    private var elementsLeft = Limits.kafkaMessageElementsMax

    package init(_ bytes: ArraySlice<UInt8>, version: Int16, isFlexible: Bool) {
        reader = ByteReader(bytes)
        self.version = version
        self.isFlexible = isFlexible
    }

    package var remaining: Int { reader.remaining }

    // MARK: numbers

    private mutating func integer<T: FixedWidthInteger>(
        _ type: T.Type
    ) throws(KafkaWireError) -> T {
        do { return try reader.readBigEndian(type) } catch { throw KafkaWireError(error) }
    }

    package mutating func int8(_ value: inout Int8) throws(KafkaWireError) {
        value = try integer(Int8.self)
    }

    package mutating func int16(_ value: inout Int16) throws(KafkaWireError) {
        value = try integer(Int16.self)
    }

    package mutating func int32(_ value: inout Int32) throws(KafkaWireError) {
        value = try integer(Int32.self)
    }

    package mutating func int64(_ value: inout Int64) throws(KafkaWireError) {
        value = try integer(Int64.self)
    }

    package mutating func bool(_ value: inout Bool) throws(KafkaWireError) {
        value = try integer(Int8.self) != 0
    }

    package mutating func uuid(_ value: inout KafkaUUID) throws(KafkaWireError) {
        let high = try integer(UInt64.self)
        value = KafkaUUID(high: high, low: try integer(UInt64.self))
    }

    private mutating func unsignedVarint() throws(KafkaWireError) -> Int {
        let value: UInt64
        do { value = try reader.readVarint() } catch { throw KafkaWireError(error) }
        guard value <= UInt64(UInt32.max) else { throw .overlongVarint }
        return Int(value)
    }

    // MARK: lengths

    /// A length, nil for null: compact, or with `wide` an int32, else an int16.
    private mutating func length(wide: Bool) throws(KafkaWireError) -> Int? {
        let length =
            isFlexible
            ? try unsignedVarint() - 1
            : wide ? Int(try integer(Int32.self)) : Int(try integer(Int16.self))
        guard length >= -1 else { throw .invalidLength(length) }
        return length == -1 ? nil : length
    }

    private mutating func take(_ count: Int) throws(KafkaWireError) -> ArraySlice<UInt8> {
        do { return try reader.readBytes(count) } catch { throw KafkaWireError(error) }
    }

    package mutating func string(
        _ value: inout String?, nullable: Bool
    ) throws(KafkaWireError) {
        guard let count = try length(wide: false) else {
            guard nullable else { throw .unexpectedNull }
            value = nil
            return
        }
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw .invalidUTF8
        }
        value = text
    }

    package mutating func bytes(
        _ value: inout [UInt8]?, nullable: Bool
    ) throws(KafkaWireError) {
        guard let count = try length(wide: true) else {
            guard nullable else { throw .unexpectedNull }
            value = nil
            return
        }
        value = Array(try take(count))
    }

    package mutating func records(_ value: inout KafkaRecords?) throws(KafkaWireError) {
        value = if let count = try length(wide: true) { .slice(try take(count)) } else { nil }
    }

    // MARK: structure

    package mutating func array<Element>(
        _ values: inout [Element]?, nullable: Bool, empty: Element,
        visit: (inout Element, inout KafkaReader) throws(KafkaWireError) -> Void
    ) throws(KafkaWireError) {
        guard let count = try length(wide: true) else {
            guard nullable else { throw .unexpectedNull }
            values = nil
            return
        }
        // Every element has at least one byte, so a count beyond the bytes left is a lie.
        guard count <= remaining else { throw .truncated(needed: count, available: remaining) }
        guard count <= elementsLeft else { throw .tooManyElements }
        elementsLeft -= count
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            var element = empty
            try visit(&element, &self)
            elements.append(element)
        }
        values = elements
    }

    package mutating func structure(_ value: inout some KafkaStruct) throws(KafkaWireError) {
        try value.visit(&self)
        if isFlexible { try readTags(of: &value) }
    }

    private mutating func readTags<S: KafkaStruct>(of value: inout S) throws(KafkaWireError) {
        for _ in 0..<(try unsignedVarint()) {
            let tag = UInt32(try unsignedVarint())
            let content = try take(try unsignedVarint())
            guard S.tags.contains(tag) else { continue }
            var inner = KafkaReader(content, version: version, isFlexible: true)
            inner.elementsLeft = elementsLeft
            try value.visitTag(tag, &inner)
            elementsLeft = inner.elementsLeft
        }
    }

    /// Skips the tagged fields of a header, none of which mean anything yet.
    package mutating func skipTags() throws(KafkaWireError) {
        for _ in 0..<(try unsignedVarint()) {
            _ = try unsignedVarint()
            _ = try take(try unsignedVarint())
        }
    }
}

extension KafkaWireError {
    init(_ error: ByteReaderError) {
        switch error {
        case .truncated(_, let needed, let available):
            self = .truncated(needed: needed, available: available)
        case .overlongVarint: self = .overlongVarint
        case .invalidUTF8: self = .invalidUTF8
        case .invalidValue(_, let what): self = .invalidBatch(what)
        }
    }
}
