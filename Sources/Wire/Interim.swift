// Stand-in until Aggregate has these codecs itself; goes away then.

internal import Aggregate
internal import Base
internal import Model

extension AggregateState {
    func encode(into writer: inout ByteWriter) {
        guard case .count(let count) = self else { return }
        writer.write(UInt8(0))
        writer.write(zigzag: count)
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        guard try reader.readByte() == 0 else { throw .invalidValue(offset: 0, what: "state") }
        self = .count(try reader.readZigzag())
    }
}

extension AggregateRequest {
    func encode(into writer: inout ByteWriter) {
        writer.write(kind.rawValue)
        writer.write(flag: target != nil)
        if let target { writer.write(target) }
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        let tag = try reader.readByte()
        guard let kind = AggregateKind(rawValue: tag) else {
            throw .invalidValue(offset: start, what: "unknown aggregate kind \(tag)")
        }
        self.init(kind: kind, target: try reader.readFlag() ? try reader.readPath() : nil)
    }
}
