// Why a system on one machine could not be started or kept up.

package import Base

/// A failure of `millrace up`, in words for the operator.
package struct SupervisorError: Error, Sendable, Equatable, CustomStringConvertible {
    package let message: String
    /// What the command's exit status says.
    package let reason: FatalReason
    /// The process that is to blame, if one is: its log says more.
    package let process: String?

    package init(_ message: String, reason: FatalReason = .usage, process: String? = nil) {
        self.message = message
        self.reason = reason
        self.process = process
    }

    package var description: String { message }
}
