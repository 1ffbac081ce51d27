// Base64 (RFC 4648), as people write it into addresses: either alphabet, padding or none, and a
// blank where a form decoder turned a plus into one.

/// The bytes that `text` stands for; nil if it is not base64. Any thread.
package func base64Decoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var digits = 0
    var padding = 0
    for character in text {
        if character == UInt8(ascii: "=") {
            padding += 1
            continue
        }
        guard padding == 0, let value = base64Value(character) else { return nil }
        bits = bits << 6 | UInt32(value)
        digits += 1
        if digits % 4 == 0 {
            bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
            bytes.append(UInt8(truncatingIfNeeded: bits))
        }
    }
    guard padding <= 2 else { return nil }
    // Of the last group, bits beyond the last whole byte must be 0, or two texts would mean the
    // same bytes.
    switch digits % 4 {
    case 0: return padding == 0 ? bytes : nil
    case 2 where bits & 0xF == 0:
        bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
    case 3 where bits & 0x3 == 0:
        bytes.append(UInt8(truncatingIfNeeded: bits >> 10))
        bytes.append(UInt8(truncatingIfNeeded: bits >> 2))
    default: return nil
    }
    return bytes
}

private func base64Value(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: " "): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
}
