// What this build calls itself.

/// The version that `--version` prints.
package enum Build {
    package static let version = "0.1.0"
}
