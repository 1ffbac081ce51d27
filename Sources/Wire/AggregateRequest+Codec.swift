// An aggregate request as bytes.
//
//     request = u8 kind, optional target path

package import Aggregate
package import Base

extension AggregateRequest {
    package func encode(into writer: inout ByteWriter) {
        writer.write(kind.rawValue)
        writer.write(flag: target != nil)
        if let target { writer.write(target) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        let tag = try reader.readByte()
        guard let kind = AggregateKind(rawValue: tag) else {
            throw .invalidValue(offset: start, what: "unknown aggregate kind \(tag)")
        }
        self.init(kind: kind, target: try reader.readFlag() ? try reader.readPath() : nil)
    }
}
