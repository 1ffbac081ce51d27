// The machine's time zones: files are read at their first use and kept.

package import Base
package import Logging
package import Query
internal import Synchronization

/// Named zones out of a directory of compiled time zones (TZif). Any thread; the first look-up of a
/// name reads a small file.
package final class ZoneLibrary: Sendable {
    /// Where Linux keeps them.
    package static let systemDirectory = "/usr/share/zoneinfo"

    private let directory: String
    private let disk: any Disk
    private let logger: Logger
    /// Also names that do not exist.
    private let known = Mutex<[String: Zone?]>([:])

    package init(
        directory: String = ZoneLibrary.systemDirectory, disk: any Disk = LocalDisk(),
        logger: Logger
    ) {
        self.directory = directory
        self.disk = disk
        self.logger = logger
    }

    /// The zone of that name; nil if there is none, or none that can be used.
    package func zone(named name: String) -> Zone? {
        if let zone = known.withLock({ $0[name] }) { return zone }
        let zone = read(name)
        known.withLock { known in
            // Real names are about 600; a flood of others must not fill the memory.
            if known.count >= Limits.queryZonesMax { known.removeAll() }
            known[name] = .some(zone)
        }
        return zone
    }

    private func read(_ name: String) -> Zone? {
        guard Zone.isName(name) else { return nil }
        let bytes: [UInt8]?
        // A directory such as "Europe" cannot be read; that is a name which is no zone.
        do { bytes = try disk.read("\(directory)/\(name)") } catch { return nil }
        guard let bytes else { return nil }
        do { return try Zone(timeZoneFile: bytes) } catch {
            logger.notice(
                "a time zone is not usable",
                metadata: [LogKeys.zoneName: "\(name)", LogKeys.reason: "\(error.message)"])
            return nil
        }
    }
}
