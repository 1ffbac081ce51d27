// Reads a compiled time zone as the system keeps it (TZif, RFC 8536):
//
//   "TZif" version(1) reserved(15) isutcnt isstdcnt leapcnt timecnt typecnt charcnt (six u32,
//   big-endian)
//   transition times: timecnt x i32     transition types: timecnt x u8
//   types: typecnt x {i32 offset, u8 isDaylight, u8 designation}
//   designations: charcnt bytes   leap seconds: leapcnt x 8   standard and UT flags: isstdcnt +
//   isutcnt bytes
//
// From version 2 on, a second header and block follow with 64-bit times (leap seconds 12 bytes
// each), then a newline, the rule for later years (DaylightRule), and a newline. The first block
// is skipped then. The bytes come from a file that anybody may have damaged, so all is checked.

internal import Base

/// Why the bytes are no usable time zone.
package struct TimeZoneFileError: Error, Sendable, Equatable {
    package let message: String
}

extension Zone {
    package init(timeZoneFile bytes: [UInt8]) throws(TimeZoneFileError) {
        var reader = ByteReader(bytes)
        do {
            let first = try TimeZoneHeader(from: &reader)
            if first.version < UInt8(ascii: "2") {
                try self.init(block: first, wide: false, from: &reader)
                return
            }
            _ = try reader.readBytes(first.blockByteCount(wide: false))
            let second = try TimeZoneHeader(from: &reader)
            try self.init(block: second, wide: true, from: &reader)
        } catch let error as TimeZoneFileError {
            throw error
        } catch {
            throw TimeZoneFileError(
                message: "the time zone file ends early or is damaged: \(error)")
        }
    }

    private init(block: TimeZoneHeader, wide: Bool, from reader: inout ByteReader) throws {
        guard block.leapCount == 0 else {
            throw TimeZoneFileError(message: "time zones that count leap seconds are not supported")
        }
        guard block.typeCount > 0 else { throw TimeZoneFileError(message: "no local time types") }
        var times: [Int64] = []
        for _ in 0..<block.timeCount {
            let time =
                wide
                ? try reader.readBigEndian(Int64.self)
                : Int64(try reader.readBigEndian(Int32.self))
            if let last = times.last, last >= time {
                throw TimeZoneFileError(message: "transition times do not ascend")
            }
            times.append(time)
        }
        let indexes = Array(try reader.readBytes(block.timeCount))
        let types = try Zone.readTypes(count: block.typeCount, from: &reader)
        guard indexes.allSatisfy({ Int($0) < types.count }) else {
            throw TimeZoneFileError(message: "a transition names a type that does not exist")
        }
        _ = try reader.readBytes(block.tailByteCount(wide: wide))
        self.init(
            transitions: times, offsets: indexes.map { types[Int($0)] }, initialOffset: types[0],
            rule: wide ? try Zone.readRule(from: &reader) : nil)
    }

    private static func readTypes(count: Int, from reader: inout ByteReader) throws -> [Int32] {
        var types: [Int32] = []
        for _ in 0..<count {
            let offset = try reader.readBigEndian(Int32.self)
            guard offset.magnitude < UInt32(offsetSecondsMax) else {
                throw TimeZoneFileError(message: "an offset of \(offset) seconds")
            }
            types.append(offset)
            _ = try reader.readBytes(2)
        }
        return types
    }

    private static func readRule(from reader: inout ByteReader) throws -> DaylightRule? {
        let newline = UInt8(ascii: "\n")
        guard try reader.readByte() == newline else {
            throw TimeZoneFileError(message: "the rule for later years is missing")
        }
        var text: [UInt8] = []
        while true {
            let byte = try reader.readByte()
            if byte == newline { break }
            text.append(byte)
        }
        if text.isEmpty { return nil }
        guard let rule = DaylightRule(parsing: text) else {
            let shown = String(decoding: text.prefix(64), as: UTF8.self)
            throw TimeZoneFileError(message: "the rule for later years is not valid: \(shown)")
        }
        return rule
    }
}

/// The 44 bytes before each block.
private struct TimeZoneHeader {
    let version: UInt8
    let utcCount: Int
    let standardCount: Int
    let leapCount: Int
    let timeCount: Int
    let typeCount: Int
    let characterCount: Int

    init(from reader: inout ByteReader) throws {
        guard Array(try reader.readBytes(4)) == Array("TZif".utf8) else {
            throw TimeZoneFileError(message: "not a time zone file")
        }
        version = try reader.readByte()
        _ = try reader.readBytes(15)
        var counts: [Int] = []
        for _ in 0..<6 { counts.append(Int(try reader.readBigEndian(UInt32.self))) }
        utcCount = counts[0]
        standardCount = counts[1]
        leapCount = counts[2]
        timeCount = counts[3]
        typeCount = counts[4]
        characterCount = counts[5]
    }

    /// Counts are below 2^32, so the sums fit with room to spare.
    func tailByteCount(wide: Bool) -> Int {
        characterCount + leapCount * (wide ? 12 : 8) + standardCount + utcCount
    }

    func blockByteCount(wide: Bool) -> Int {
        timeCount * (wide ? 9 : 5) + typeCount * 6 + tailByteCount(wide: wide)
    }
}
