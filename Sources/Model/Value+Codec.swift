// A value as bytes: in RPC bodies and in aggregate states.
//
//     u8 tag | payload
//     1 null   -
//     2 false  -
//     3 true   -
//     4 int    zigzag varint
//     5 double 8 bytes, IEEE 754, little-endian
//     6 string varint byte count, UTF-8
//     7 json   varint byte count, UTF-8
//
// The tags are those of column blocks (docs/formats/block.md); 0 means "missing" there and is no
// value here.

package import Base

extension Value {
    /// The fewest bytes that a value takes: what a count of values is checked against.
    package static let encodedBytesMin = 1

    private enum Tag {
        static let null: UInt8 = 1
        static let `false`: UInt8 = 2
        static let `true`: UInt8 = 3
        static let int: UInt8 = 4
        static let double: UInt8 = 5
        static let string: UInt8 = 6
        static let json: UInt8 = 7
    }

    /// The first of its bytes.
    package var tagByte: UInt8 {
        switch self {
        case .null: Tag.null
        case .bool(let value): value ? Tag.true : Tag.false
        case .int: Tag.int
        case .double: Tag.double
        case .string: Tag.string
        case .json: Tag.json
        }
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(tagByte)
        switch self {
        case .null, .bool: break
        case .int(let value): writer.write(zigzag: value)
        case .double(let value): writer.write(value)
        case .string(let text), .json(let text): writer.write(text)
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let offset = reader.offset
        switch try reader.readByte() {
        case Tag.null: self = .null
        case Tag.false: self = .bool(false)
        case Tag.true: self = .bool(true)
        case Tag.int: self = .int(try reader.readZigzag())
        case Tag.double: self = .double(try reader.readDouble())
        case Tag.string: self = .string(try reader.readString())
        case Tag.json: self = .json(try reader.readString())
        case let tag: throw .invalidValue(offset: offset, what: "unknown value tag \(tag)")
        }
    }
}
