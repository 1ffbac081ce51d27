// Places of addresses from a file in MaxMind's format, such as GeoLite2-City or DB-IP City Lite.

internal import CMaxMindDB
package import Enrich

/// Why a file is no database of places.
package struct GeoDatabaseError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// An open database, mapped into memory: the file is to be replaced by another of the same name,
/// never written in place. `@unchecked Sendable` holds because libmaxminddb's lookups only read and
/// nothing changes after `init`.
@safe package final class GeoDatabase: GeoSource, @unchecked Sendable {
    /// Owned: made in `init`, closed and freed in `deinit`.
    private let database: UnsafeMutablePointer<MMDB_s>

    /// Opens the file; throws if it cannot be read or is no database.
    package init(path: String) throws(GeoDatabaseError) {
        let database = UnsafeMutablePointer<MMDB_s>.allocate(capacity: 1)
        unsafe database.initialize(to: MMDB_s())
        let status = unsafe MMDB_open(path, UInt32(MMDB_MODE_MMAP), database)
        guard status == MMDB_SUCCESS else {
            unsafe database.deallocate()
            throw GeoDatabaseError(
                description: "'\(path)' is no database of places: "
                    + (unsafe MMDB_strerror(status).map { unsafe String(cString: $0) } ?? "?"))
        }
        unsafe self.database = database
    }

    deinit {
        unsafe MMDB_close(database)
        unsafe database.deallocate()
    }

    package func place(of address: String) -> GeoPlace? {
        guard Self.isAddress(address) else { return nil }
        var resolved: Int32 = 0
        var status: Int32 = 0
        // Numbers only: no name is looked up.
        let found = unsafe MMDB_lookup_string(database, address, &resolved, &status)
        guard resolved == 0, status == MMDB_SUCCESS, unsafe found.found_entry else { return nil }
        let entry = unsafe found.entry
        var place = GeoPlace()
        place.city = unsafe text(["city", "names", "en"], entry)
        place.province = unsafe text(["subdivisions", "0", "names", "en"], entry)
        place.country = unsafe text(["country", "names", "en"], entry)
        place.continent = unsafe text(["continent", "names", "en"], entry)
        place.postalCode = unsafe text(["postal", "code"], entry)
        place.longitude = unsafe number(["location", "longitude"], entry)
        place.latitude = unsafe number(["location", "latitude"], entry)
        return place
    }

    /// The library takes `192.0.2` and other old forms too, by which nobody means an address.
    private static func isAddress(_ text: String) -> Bool {
        if text.contains(":") { return text.allSatisfy { $0.isHexDigit || ":.".contains($0) } }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0).map(String.init) == String($0) }
    }

    private func text(_ path: [StaticString], _ entry: MMDB_entry_s) -> String? {
        guard let data = unsafe data(path, entry),
            unsafe data.type == UInt32(MMDB_DATA_TYPE_UTF8_STRING),
            let start = unsafe data.utf8_string
        else { return nil }
        // The library has checked that the text lies within the file.
        return unsafe String(
            decoding: UnsafeRawBufferPointer(start: start, count: Int(data.data_size)),
            as: UTF8.self)
    }

    private func number(_ path: [StaticString], _ entry: MMDB_entry_s) -> Double? {
        guard let data = unsafe data(path, entry) else { return nil }
        switch unsafe Int32(data.type) {
        case MMDB_DATA_TYPE_DOUBLE: return unsafe data.double_value
        case MMDB_DATA_TYPE_FLOAT: return unsafe Double(data.float_value)
        default: return nil
        }
    }

    private func data(_ path: [StaticString], _ entry: MMDB_entry_s) -> MMDB_entry_data_s? {
        var entry = unsafe entry
        var data = unsafe MMDB_entry_data_s()
        // Static strings end with a zero byte and stay where they are.
        var names: [UnsafePointer<CChar>?] = unsafe path.map {
            unsafe UnsafeRawPointer($0.utf8Start).assumingMemoryBound(to: CChar.self)
        }
        unsafe names.append(nil)
        let status = unsafe MMDB_aget_value(&entry, &data, &names)
        guard status == MMDB_SUCCESS, unsafe data.has_data else { return nil }
        return unsafe data
    }
}
