// RocksDB reports failures as text: here it becomes our error, once.

internal import CRocksDB

/// Runs a call that reports failure through RocksDB's `errptr`, and frees the text it sets.
func checked<Result>(
    _ operation: String, _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) throws(RowStoreError) -> Result {
    var text: UnsafeMutablePointer<CChar>?
    // The pointer to `text` is used by the call only.
    let result = unsafe withUnsafeMutablePointer(to: &text) { unsafe body($0) }
    guard let failure = unsafe text else { return result }
    let message = unsafe String(cString: failure)
    unsafe rocksdb_free(failure)
    throw RowStoreError(operation: operation, status: message)
}

extension RowStoreError {
    /// `status` begins with the name of RocksDB's status code.
    init(operation: String, status: String) {
        let code: Code =
            if status.hasPrefix("Corruption") {
                .damaged
            } else if status.contains("LOCK") || status.contains("lock hold by current process") {
                .locked
            } else if status.hasPrefix("IO error") {
                .disk
            } else {
                .other
            }
        self.init(code: code, message: "row store could not \(operation): \(status)")
    }
}
