import Catalog
import JSON
import Model
import Testing

@testable import Access

/// Scoped keys that Keen's Python client 0.7.0 made (`keen.scoped_keys.encrypt`), and those of
/// others in their manner.
@Suite struct ScopedKeyTests {
    static let modern = "8A1F0C3D5E7B9A2C4D6E8F0A1B3C5D7E9F0A2B4C6D8E0F1A3B5C7D9E1F2A4B6C"
    static let legacy = "8a1f0c3d5e7b9a2c4d6e8f0a1b3c5d7e"
    static let short = "short-legacy-key"

    struct Vector: Sendable {
        var masterKey: String
        /// `{"allowed_operations": ["read"]}`: 32 bytes, which that client does not pad.
        var reads: String
        /// Both operations, and plan eq pro.
        var readsAndWrites: String
    }

    static let vectors = [
        Vector(
            masterKey: modern,
            reads: """
                13c5914585c459d9454da492318e5d885f4b197c191a8e3464176d855bc14bc5\
                1f681cf39ec836000a0c0949282bf63e
                """,
            readsAndWrites: """
                6c54ce2396e420103deb91c4583f36da6eaeee49ed7bda686d3c7d619717a80a\
                c71dc7fba50c09f4fddc4b65aab60d4bbdc44d66fde01d201a60f4713a968670\
                5e94ddcb69c9b678c153cfefef6d72a71aea807d0a76b6d9dbab89cf801e8282\
                6bedbd3cc8a93304646e30e5a8076de087b7e98492b26282b7c0cc72d843a29f\
                88d4c590fa677d6335192b7bc0f8791c
                """),
        Vector(
            masterKey: legacy,
            reads: """
                385160b772bdf7480ee1c3910a79ca06fe9acc51675f92ebd1e50c0bc30d529d\
                ca5ae6d7725607506c6447c53a51c8a3
                """,
            readsAndWrites: """
                e48114d5611d1ab0772015a5f7c06d3e3c719bfe9db3abb6a3ab9a9064b06fef\
                8872d1bbfd980bc192720e5b313703fab7c76bbf0c49f8f42d9f032bcfe33168\
                c59e5c3912b814c3bba4e21ce0374b28fdf6c632e24d009d44268cad0289d546\
                9dffb6ee4e6249e8d1b9133e38df6f91b71155287e5ce22a76b47d17fc385375\
                c71bb7e78072a9c6e138d2b4d4e3cea4
                """),
        Vector(
            masterKey: short,
            reads: """
                b265cca9967b2cc67c2846ac9391e4ebedf1ba4f48a19e46b526990f18f39672\
                32ddddba4530eb6294b3e62ef208910a
                """,
            readsAndWrites: """
                e5fdb3286727500588f92c7cfae21bcf81a1c1dbf2a526e81a7087159f206c2c\
                b49991fc472f6ddc5ed47ea023e6c2218ce4fc80cd91587fcc57724324d27f9e\
                ea1f0caebd3313b3ee8ccaf6e7fe139110d26216f0501a6c9ec3d53f1db62d29\
                f570f3b4ebfdddcee8a693508c0bb22e24d27d4d6c20cd0a29a68c7f36875bd9\
                11a9e2c26d1120ba65b4c89f099c6048
                """),
        // PKCS#7, upper case, as Java does it; and that client's AES-128 with 32 digits.
        Vector(
            masterKey: modern,
            reads: """
                000102030405060708090A0B0C0D0E0F9CF99EAB34E5216FF206B829A89A3FD7\
                D9F3B6AAC21DB38124A0B49CFA09F29CABC7B65B2D43E89E75443B5BD0062AE9
                """,
            readsAndWrites: ""),
        Vector(
            masterKey: legacy, reads: "",
            readsAndWrites: """
                000102030405060708090A0B0C0D0E0FF730056AFF99B247DEFE8555A64C46D6\
                EC0B9309FF503D421BAC55029D6F699CA92481A253788C6797EE7FBAEAC9981F\
                7C86F162BA81EA2FCFD543AEC7C94D3D7CA09D3EA19C938CE96ECA88A57A36B5\
                9A5DE7D7424574A81981C7D2FBFC121ECEA462C07AB09DF97A2CC9E0DF6026A4\
                ABCD5D616340C46B734A1C91CB4E32C5
                """),
    ]

    private func grant(
        _ masterKey: String, _ key: String, _ need: AccessNeed
    ) throws(AccessError) -> Grant {
        let json: JSONValue = [
            "id": "p1", "name": "", "master_key": .string(masterKey), "write_key": "WRITE",
            "read_key": "READ", "created": "2020-05-01",
        ]
        var state = CatalogState()
        state.apply(key: Array("project/p1".utf8), value: json.encoded)
        return try authorize(project: "p1", key: key, for: need, in: state)
    }

    private func refusal(
        _ masterKey: String, _ key: String, _ need: AccessNeed = .read
    ) -> AccessError? {
        do throws(AccessError) { _ = try grant(masterKey, key, need) } catch { return error }
        return nil
    }

    @Test(arguments: vectors.indices)
    func keysOfClientsOpenWhatTheySay(index: Int) throws {
        let vector = Self.vectors[index]
        if !vector.reads.isEmpty {
            let grant = try grant(vector.masterKey, vector.reads, .read)
            #expect(grant.rules?.queryFilters.isEmpty == true && grant.permits(.cachedQueries))
            #expect(refusal(vector.masterKey, vector.reads, .write)?.code == "InvalidApiKeyError")
        }
        if !vector.readsAndWrites.isEmpty {
            for key in [vector.readsAndWrites, vector.readsAndWrites.uppercased()] {
                for need in [AccessNeed.read, .write, .permission(.datasets)] {
                    let rules = try #require(try grant(vector.masterKey, key, need).rules)
                    let filters: JSONValue = [
                        ["property_name": "plan", "operator": "eq", "property_value": "pro"]
                    ]
                    #expect(JSONValue.array(rules.queryFilters) == filters)
                    #expect(JSONValue.array(rules.savedFilters) == filters)
                    #expect(JSONValue.array(rules.datasets.filters) == filters)
                    #expect(JSONValue.object(rules.autofill) == ["plan": "pro"])
                }
                let grant = try grant(vector.masterKey, key, .read)
                #expect(!grant.permits(.cachedQueries), "kept answers have no filters")
                for need in [AccessNeed.master, .masterOr(.savedQueries)] {
                    #expect(refusal(vector.masterKey, key, need)?.status == 401)
                }
            }
        }
        #expect(
            refusal(String(vector.masterKey.reversed()), vector.reads)?.code
                == "InvalidApiKeyError", "another master key")
    }

    /// What is wrong with the text is said, and nothing of what it decrypts to.
    @Test func damagedKeysAreRefused() {
        let key = Self.vectors[0].readsAndWrites
        let cases: [(String, String)] = [
            (String(key.dropLast()), "multiple of 32"),
            (String(key.dropLast(16)), "multiple of 32"),
            ("x" + key.dropFirst(), "character 1 is"),
            (key.dropLast() + "é", "character \(key.count) is"),
            (String(repeating: "ab", count: 9000), "longer than"),
            // A block less, another vector, a flipped bit.
            (String(key.dropLast(32)), "does not decrypt"),
            (String(repeating: "0", count: 32) + key.dropFirst(32), "does not decrypt"),
            (String(key.dropLast(40)) + "0" + key.suffix(39), "does not decrypt"),
            // {}, {"allowed_operations": ["everything"]}, no list, an unknown member, a list.
            (
                "000102030405060708090A0B0C0D0E0FE9B58DBC9758FECEA031BE6D11121EDA",
                "does not allow this"
            ),
            (
                """
                90163b97cfd1cf7f043a3bb3605343e7792ba6b1d8b457239325985265ffc5dd\
                f6fbb9fb2453acc064a2e8ec631b20fff566dfffca6a2223c9027a273ed1c450
                """,
                "does not decrypt"
            ),
            (
                """
                1a1a62ad480471d0a48f77e15a04fdeff55ffeeb6af483463d9f26c57e5f4a3d\
                191d2f884a469308d260d17bd313a2bdbe14ed5dc4644bd60a0bc6b62636edec
                """,
                "does not decrypt"
            ),
            (
                """
                955bd60171fc991eedaf568183feb6da7ae22cc8bf08ad7cc5f993a5aa083984\
                5464374a7c7b5fbce8095e4182e4011c7b96b888cb8c8e934a6895aca7b059c3
                """,
                "does not decrypt"
            ),
            // Nothing is allowed.
            (
                """
                ac86fa7836adfaf76470b3f3a569187cbba188f55d68cdf9b8d5e36042d51310\
                061f0caaee33d9deeafa36df3ccbcd51e1e982ab60966404c6441d81ec664932
                """,
                "does not allow this"
            ),
        ]
        for (text, words) in cases {
            let error = refusal(Self.modern, text)
            #expect(error?.status == 401 && error?.code == "InvalidApiKeyError")
            #expect(error?.message.contains(words) == true, "\(text.prefix(80)): \(error as Any)")
        }
    }

    /// Every bit of a key counts, and nothing traps.
    @Test func alteredKeysGiveNoMore() throws {
        let key = Array(Self.vectors[0].readsAndWrites.utf8)
        var opened = 0
        for place in key.indices {
            for digit in "07aF".utf8 where key[place] != digit {
                var altered = key
                altered[place] = digit
                let text = String(decoding: altered, as: UTF8.self)
                guard let grant = try? grant(Self.modern, text, .read) else { continue }
                opened += 1
                #expect(grant.rules?.queryFilters.count == 1, "the filter has gone: \(text)")
            }
        }
        // Spaces, and a filter's value: nothing in such a key says that they were altered.
        #expect(opened < key.count, "\(opened)")
    }

    /// A write key can only fill in what its filters say.
    @Test(arguments: [
        (#"[]"#, "{}"),
        (
            #"[{"property_name":"a.b","operator":"eq","property_value":1},"#
                + #"{"property_name":"a.c","operator":"eq","property_value":null}]"#,
            #"{"a":{"b":1,"c":null}}"#
        ),
        (#"[{"property_name":"a","operator":"gt","property_value":1}]"#, nil),
        (#"[{"operator":"or","operands":[]}]"#, nil),
        (#"[{"property_name":"keen.id","operator":"eq","property_value":"x"}]"#, nil),
        (
            #"[{"property_name":"a","operator":"eq","property_value":1},"#
                + #"{"property_name":"a.c","operator":"eq","property_value":2}]"#, nil
        ),
    ])
    func filtersFillIn(filters: String, filled: String?) throws {
        let key = ScopedKey(
            operations: [.write], filters: try #require(try JSONValue(parsing: filters).array))
        #expect(
            key.autofill.map { String(decoding: JSONValue.object($0).encoded, as: UTF8.self) }
                == filled)
    }
}
