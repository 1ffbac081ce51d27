// Why something cannot be done with a topic, in the protocol's terms.

package import KafkaWire

/// An error code and a sentence for people.
package struct TopicError: Error, Sendable, Equatable {
    package var code: KafkaErrorCode
    package var message: String

    init(_ code: KafkaErrorCode, _ message: String? = nil) {
        self.code = code
        self.message = message ?? code.text
    }
}
