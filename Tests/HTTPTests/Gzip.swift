/// A gzip member whose only deflate block is stored, written out by hand: the checksum at its end is
/// what the reader has to find by itself.
func gzipped(_ bytes: [UInt8]) -> [UInt8] {
    var member: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    let count = UInt16(bytes.count)
    member += [1] + littleEndian(count) + littleEndian(~count) + bytes
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return member + littleEndian(~crc) + littleEndian(UInt32(bytes.count))
}

private func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
}
