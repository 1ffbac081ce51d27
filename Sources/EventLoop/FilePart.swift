// Bytes that go from a file into a socket without passing through this process.

/// An open file whose parts may be sent. It is held until they are, and the bytes of a part must
/// not change meanwhile.
package protocol SendableFile: Sendable {
    /// Open for reading as long as this object lives.
    var descriptor: Int32 { get }
}

/// A part of a file.
package struct FilePart: Sendable {
    package var file: any SendableFile
    /// Bytes.
    package var range: Range<Int>

    package init(file: any SendableFile, range: Range<Int>) {
        (self.file, self.range) = (file, range)
    }
}
