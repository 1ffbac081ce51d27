import Base
import Testing

/// Base64 as addresses carry it.
@Suite struct Base64Tests {
    /// RFC 4648 part 10, and the ways in which Keen's clients write the same.
    @Test(
        arguments: [
            ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"), ("Zm9vYmFy", "foobar"), ("Zg", "f"), ("Zm8", "fo"),
            ("Pz8/fn5+", "???~~~"), ("Pz8_fn5-", "???~~~"), ("Pz8/fn5 ", "???~~~"),
        ])
    func decodes(text: String, bytes: String) {
        #expect(decodeBase64(anyForm: text.utf8) == Array(bytes.utf8))
    }

    @Test(arguments: ["Z", "Zg=a", "Zm9v=", "Zg===", "Zh==", "Zm9=", "Zm\n9v", "Zm9v!", "Ä"])
    func refuses(text: String) { #expect(decodeBase64(anyForm: text.utf8) == nil) }
}
