// Extractions that are not answered at once: to a file, whose address is the answer, and by mail to
// somebody who is told it.
//
//   email=ann@example.com   or   file=true      content_type=text/csv   content_encoding=gzip

internal import Base

/// Where an extraction goes.
package struct ExtractionDelivery: Sendable, Equatable {
    /// Who is told; nil: nobody, the answer says where to look.
    package let email: String?
    package let format: AnswerFormat
    /// Whether the file is compressed with gzip.
    package let isCompressed: Bool

    /// What a request says; nil: the answer is wanted at once.
    package init?(_ parameters: Parameters) throws(QueryError) {
        var email = try parameters.string("email")
        if email == nil { email = try parameters.string("email_address") }
        let wantsFile = try parameters.bool("file") ?? false
        guard email != nil || wantsFile else { return nil }
        if let email, !Self.isAddress(email) {
            throw QueryError(.invalidParameter, "email is no address: '\(email.shortened)'")
        }
        self.email = email
        // As Keen did it: people who get mail open tables.
        let isChosen = parameters.value("content_type") != nil
        format =
            email != nil && !isChosen ? .csv : try AnswerFormat(parameters, accept: nil)
        switch try parameters.string("content_encoding") {
        case nil, "identity": isCompressed = false
        case "gzip": isCompressed = true
        case let other?:
            throw QueryError(
                .invalidParameter, "content_encoding is gzip or identity, not '\(other.shortened)'")
        }
    }

    /// An address as it may stand in a message's head: nothing that could end the line, begin
    /// another address or be taken for a comment.
    static func isAddress(_ text: String) -> Bool {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, (3...Limits.emailBytesMax).contains(text.utf8.count) else {
            return false
        }
        let marks = Set("!#$%&'*+-/=?^_`{|}~.".utf8)
        func isAtom(_ byte: UInt8, _ marks: Set<UInt8>) -> Bool {
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                || marks.contains(byte)
        }
        return !parts[0].isEmpty && !parts[1].isEmpty && parts[0].first != UInt8(ascii: "-")
            && parts[0].allSatisfy { isAtom($0, marks) }
            && parts[1].allSatisfy { isAtom($0, Set("-.".utf8)) }
    }
}

extension Parameters {
    /// The collection, for people.
    package var collectionText: String { (try? name("event_collection")) ?? "" }

    /// Without what says where an extraction goes.
    package var withoutDelivery: Parameters {
        var rest = self
        for name in ["email", "email_address", "file", "content_type", "content_encoding"] {
            rest.remove(name)
        }
        return rest
    }
}
