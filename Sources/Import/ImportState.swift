// What of a file is acknowledged, kept beside it while the import lasts, so that the same command
// goes on after an interruption.
//
// The state is written after a batch's answer. A batch that was on its way at the interruption is
// not in it and is sent again, although the collector may have taken it.

internal import Base
internal import Foundation
internal import JSON

/// What an interrupted import and its successor must agree on.
package struct ImportIdentity: Sendable, Equatable {
    package var project: String
    package var collection: String
    package var format: ImportFormat
    /// Bytes of the file, and a checksum of its beginning: another file of that name is noticed.
    package var size: Int64
    package var checksum: UInt32

    package init(
        project: String, collection: String, format: ImportFormat, size: Int64, checksum: UInt32
    ) {
        self.project = project
        self.collection = collection
        self.format = format
        self.size = size
        self.checksum = checksum
    }

    /// Bytes that the checksum covers at most.
    private static let checksumBytes = 64 << 10

    /// Reads size and beginning of a file.
    package init(path: String, project: String, collection: String, format: ImportFormat) throws {
        try checkReadable(path)
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw ImportError(.input, "\(path) cannot be read")
        }
        // Closing what was only read cannot fail in a way that matters.
        defer { try? file.close() }
        do {
            let head = [UInt8](try file.read(upToCount: Self.checksumBytes) ?? Data())
            self.init(
                project: project, collection: collection, format: format,
                size: Int64(clamping: try file.seekToEnd()), checksum: crc32c(head))
        } catch {
            throw ImportError(.input, "\(path) cannot be read: \(error.localizedDescription)")
        }
    }
}

/// The content of the state file.
package struct ImportState: Sendable, Equatable {
    package let identity: ImportIdentity
    /// Lines whose events are acknowledged or that were rejected.
    package private(set) var done = LineRanges()
    package private(set) var events: Int64 = 0
    package private(set) var rejected: Int64 = 0
    /// Every line of the file is done.
    package var isComplete = false

    package init(identity: ImportIdentity) { self.identity = identity }

    /// Counts lines as done.
    package mutating func finish(_ lines: [Range<Int>], events: Int, rejected: Int) {
        for range in lines { done.insert(range) }
        self.events += Int64(events)
        self.rejected += Int64(rejected)
    }

    package var json: [UInt8] {
        let value: JSONValue = [
            "version": 1, "project": .string(identity.project),
            "collection": .string(identity.collection),
            "format": .string(identity.format.rawValue), "size": .int(identity.size),
            "checksum": .int(Int64(identity.checksum)), "events": .int(events),
            "rejected": .int(rejected), "complete": .bool(isComplete),
            "done": .array(
                done.ranges.map { [.int(Int64($0.lowerBound)), .int(Int64($0.upperBound))] }),
        ]
        return value.encoded + [UInt8(ascii: "\n")]
    }

    /// Reads what `json` wrote.
    package init(json bytes: [UInt8]) throws {
        let value = try JSONValue(parsing: bytes)
        guard value["version"] == 1, let project = value["project"]?.string,
            let collection = value["collection"]?.string,
            let format = value["format"]?.string.flatMap(ImportFormat.init(rawValue:)),
            let size = value["size"]?.int, let events = value["events"]?.int,
            let checksum = value["checksum"]?.int.flatMap(UInt32.init(exactly:)),
            let rejected = value["rejected"]?.int, let isComplete = value["complete"]?.bool,
            let done = value["done"]?.array?.map(Self.range), !done.contains(nil)
        else { throw ImportError(.state, "this is not the state of an import") }
        identity = ImportIdentity(
            project: project, collection: collection, format: format, size: size,
            checksum: checksum)
        self.done = LineRanges(done.compactMap(\.self))
        self.events = events
        self.rejected = rejected
        self.isComplete = isComplete
    }

    private static func range(_ value: JSONValue) -> Range<Int>? {
        guard let ends = value.array?.compactMap(\.int), ends.count == 2, ends[0] > 0,
            ends[0] < ends[1], ends[1] < Int64(Int32.max) << 16
        else { return nil }
        return Int(ends[0])..<Int(ends[1])
    }
}

/// The state file of one import.
package struct ImportStateFile: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// The state to go on from: a new one if there is no file. One of another import is an error.
    package func load(_ identity: ImportIdentity) throws -> ImportState {
        guard FileManager.default.fileExists(atPath: path) else {
            return ImportState(identity: identity)
        }
        let state: ImportState
        do {
            state = try ImportState(json: [UInt8](Data(contentsOf: URL(filePath: path))))
        } catch { throw ImportError(.state, "\(path): \(error)") }
        guard state.identity == identity else {
            throw ImportError(
                .state,
                "\(path) belongs to another import (\(difference(state.identity, identity)))"
                    + "; remove it to begin anew")
        }
        return state
    }

    private func difference(_ old: ImportIdentity, _ new: ImportIdentity) -> String {
        if old.project != new.project { return "project \(old.project)" }
        if old.collection != new.collection { return "collection \(old.collection)" }
        if old.format != new.format { return "format \(old.format)" }
        return "the file has changed"
    }

    /// Readers see the old state or the new one, never a part.
    package func save(_ state: ImportState) throws {
        do { try Data(state.json).write(to: URL(filePath: path), options: .atomic) } catch {
            throw ImportError(.state, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    package func remove() {
        // Nothing to say if it is gone already.
        try? FileManager.default.removeItem(atPath: path)
    }
}
