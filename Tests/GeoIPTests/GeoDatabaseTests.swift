import Enrich
import Foundation
import GeoIP
import Testing

/// Places from a file in MaxMind's format, written here byte by byte.
@Suite struct GeoDatabaseTests {
    /// A value of the data section.
    private indirect enum Item {
        case text(String)
        case double(Double)
        case map([(String, Item)])
        case list([Item])
        case number(type: UInt8, bytes: [UInt8])

        var encoded: [UInt8] {
            switch self {
            case .text(let text): Self.head(2, text.utf8.count) + Array(text.utf8)
            case .double(let value):
                Self.head(3, 8)
                    + (0..<8).map {
                        UInt8(truncatingIfNeeded: value.bitPattern >> (56 - 8 * UInt64($0)))
                    }
            case .map(let members):
                Self.head(7, members.count)
                    + members.flatMap { Item.text($0.0).encoded + $0.1.encoded }
            case .list(let items): Self.head(11, items.count) + items.flatMap(\.encoded)
            case .number(let type, let bytes): Self.head(type, bytes.count) + bytes
            }
        }

        /// Sizes below 29 are all that is needed.
        static func head(_ type: UInt8, _ size: Int) -> [UInt8] {
            type < 8 ? [type << 5 | UInt8(size)] : [UInt8(size), type - 7]
        }
    }

    private static func names(_ name: String) -> Item {
        .map([("names", .map([("de", .text("anders")), ("en", .text(name))]))])
    }

    /// An IPv4 database in which addresses from 128.0.0.0 on have a place and the others none.
    private static var file: [UInt8] {
        let place = Item.map([
            ("city", names("Évora")), ("continent", names("Europe")),
            ("country", names("Portugal")),
            ("location", .map([("latitude", .double(38.5)), ("longitude", .double(-7.9))])),
            ("postal", .map([("code", .text("7000"))])),
            ("subdivisions", .list([names("Évora D.")])),
        ])
        // One node of two 24-bit records: nothing on the left (1, the count of nodes), on the
        // right the data's offset plus the count plus 16.
        let tree: [UInt8] = [0, 0, 1, 0, 0, 17]
        let metadata = Item.map([
            ("node_count", .number(type: 6, bytes: [1])),
            ("record_size", .number(type: 5, bytes: [24])),
            ("ip_version", .number(type: 5, bytes: [4])),
            ("database_type", .text("Test-City")), ("languages", .list([.text("en")])),
            ("binary_format_major_version", .number(type: 5, bytes: [2])),
            ("binary_format_minor_version", .number(type: 5, bytes: [])),
            ("build_epoch", .number(type: 9, bytes: [1])),
            ("description", .map([("en", .text("test"))])),
        ])
        return tree + [UInt8](repeating: 0, count: 16) + place.encoded
            + [0xAB, 0xCD, 0xEF] + Array("MaxMind.com".utf8) + metadata.encoded
    }

    private func withFile<Result>(
        _ bytes: [UInt8], _ body: (String) throws -> Result
    ) throws -> Result {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "millrace-\(UUID().uuidString).mmdb")
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }

    @Test func placesAreFound() throws {
        let database = try withFile(Self.file) { try GeoDatabase(path: $0) }
        let place = try #require(database.place(of: "192.0.2.1"))
        #expect(place.city == "Évora")
        #expect(place.province == "Évora D.")
        #expect(place.country == "Portugal")
        #expect(place.continent == "Europe")
        #expect(place.postalCode == "7000")
        #expect(place.longitude == -7.9)
        #expect(place.latitude == 38.5)
        for address in ["10.0.0.1", "", "localhost", "192.0.2", "2001:db8::1", "192.0.2.1 "] {
            #expect(database.place(of: address) == nil, "\(address)")
        }
    }

    @Test func whatIsNoDatabaseIsSaid() throws {
        #expect(throws: GeoDatabaseError.self) { try GeoDatabase(path: "/nonexistent.mmdb") }
        for bytes in [[], Array("nothing".utf8), Array(Self.file.prefix(60))] {
            try withFile(bytes) { path in
                let error = #expect(throws: GeoDatabaseError.self) { try GeoDatabase(path: path) }
                #expect(error?.description.contains(path) ?? false)
            }
        }
    }
}
