// SIGHUP: the files of the certificate are read again, so that a renewed one needs no restart.

import Logging
import ServiceLifecycle
import UnixSignals

/// Waits for the signal. What cannot be read leaves things as they are.
struct CertificateReload: Service {
    let logger: Logger
    let reload: @Sendable () throws -> Void

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        for await _ in signals.cancelOnGracefulShutdown() {
            do {
                try reload()
                logger.notice("certificate read again")
            } catch {
                logger.error(
                    "certificate cannot be read again", metadata: ["error.reason": "\(error)"])
            }
        }
    }
}
