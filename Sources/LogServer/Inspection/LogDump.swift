// `millrace-log inspect`: what a data directory holds, line by line.

internal import Base
internal import KafkaWire

/// What to print.
package struct DumpOptions: Sendable {
    /// Only this topic.
    package var topic: String?
    /// Only this partition of each topic.
    package var partition: Int?
    /// Nothing below segments.
    package var isBrief = false
    /// Records too.
    package var showsRecords = false

    package init() {}
}

extension OfflineLog {
    /// Hands every line to `print`; false if something in it is damaged. Blocks. Throws a
    /// `LogStorageError` if the list of topics cannot be read, or an asked topic is not on it.
    package func dump(
        _ options: DumpOptions, _ print: @escaping (String) -> Void
    ) throws -> Bool {
        let all = try topics()
        if let wanted = options.topic, !all.contains(where: { $0.name == wanted }) {
            throw LogStorageError(.disk, "there is no topic '\(wanted)'")
        }
        var isSound = true
        for topic in all where options.topic ?? topic.name == topic.name {
            print("topic \(topic.name) id \(topic.id.text) partitions \(topic.partitionCount)")
            for (name, value) in topic.settings.changed.sorted(by: { $0.key < $1.key }) {
                print("  setting \(name)=\(value)")
            }
            for (index, place) in places(of: topic).enumerated()
            where options.partition ?? index == index {
                var dump = PartitionDump(
                    place: place, log: self, options: options, print: print)
                do { try dump.run() } catch {
                    print("  damaged: \(error)")
                    dump.isSound = false
                }
                isSound = isSound && dump.isSound
            }
        }
        return isSound
    }
}

private struct PartitionDump {
    let place: OfflineLog.Place
    let log: OfflineLog
    let options: DumpOptions
    let print: (String) -> Void
    var isSound = true

    mutating func run() throws {
        let checkpoint =
            try PartitionCheckpoint.read(in: place.directory, disk: log.disk)
            ?? PartitionCheckpoint()
        let epochs = checkpoint.epochs.entries.map { "\($0.epoch)@\($0.startOffset)" }
        let snapshot = PartitionSnapshot.read(in: place.directory, disk: log.disk)
        print(
            "partition \(place.name) log_start \(checkpoint.logStart) epochs "
                + epochs.joined(separator: ",") + " gaps_end \(checkpoint.gapsEnd) recovery_point "
                + (snapshot.map { "\($0.nextOffset)" } ?? "none")
                + " producers \(snapshot?.producers.count ?? 0)")
        for range in checkpoint.quarantined {
            print("  set aside \(range.start)..\(range.end - 1): \(range.reason)")
            isSound = false
        }
        let gapsEnd = place.isCompacted ? Int64.max : checkpoint.gapsEnd
        for base in try log.bases(in: place) { try segment(base, gapsEnd: gapsEnd) }
    }

    private mutating func segment(_ base: Int64, gapsEnd: Int64) throws {
        let name = Segment.fileName(baseOffset: base)
        let file = try log.disk.openFile("\(place.directory)/\(name)", isNew: false)
        let times = SegmentIndexFile.read(
            baseOffset: base, in: place.directory, disk: log.disk)?.appendTimes.entries
        var appended = ""
        if let first = times?.first, let last = times?.last {
            appended = " appended \(first.time)..\(last.time)"
        }
        print("  segment \(name) bytes \(try file.byteCount())\(appended)")
        let salvage = try SegmentSalvage(file, offset: base, gapsEnd: gapsEnd) {
            header, bytes, position in
            guard !options.isBrief else { return }
            print("    " + Self.line(header, position))
            if options.showsRecords { records(header, bytes) }
        }
        for part in salvage.damage {
            print(
                "    damaged bytes \(part.range.lowerBound)..\(part.range.upperBound) at offset "
                    + "\(part.offset): \(part.reason)")
            isSound = false
        }
        print("  end \(salvage.nextOffset) batches \(salvage.sound.count)")
    }

    private static let codecs = ["none", "gzip", "snappy", "lz4", "zstd"]

    private static func line(_ header: RecordBatchHeader, _ position: Int) -> String {
        let codec = Int(header.attributes & 7)
        var line =
            "batch offset \(header.baseOffset)..\(header.lastOffset) position \(position) bytes "
            + "\(header.totalByteCount) records \(header.recordCount) codec "
            + (codec < codecs.count ? codecs[codec] : "\(codec)")
            + " time \(header.baseTimestamp)..\(header.maxTimestamp) epoch "
            + "\(header.leaderEpoch)"
        if header.hasProducer {
            line +=
                " producer \(header.producerID)/\(header.producerEpoch) sequence "
                + "\(header.baseSequence)"
        }
        if header.hasLogAppendTime { line += " append_time" }
        if header.isTransactional { line += " transactional" }
        if header.isControl { line += " control" }
        return line
    }

    private func records(_ header: RecordBatchHeader, _ bytes: ArraySlice<UInt8>) {
        guard !header.isCompressed else {
            return print("      records compressed with \(Self.codecs[Int(header.attributes & 7)])")
        }
        do {
            try forEachRecord(inBatch: bytes) { header, record in
                let headers = record.headers.map {
                    Self.text($0.key) + "=" + Self.text($0.value)
                }
                print(
                    "      record offset \(header.baseOffset + Int64(record.offsetDelta)) time "
                        + "\(header.baseTimestamp &+ record.timestampDelta)"
                        + " key \(Self.text(record.key)) value \(Self.text(record.value))"
                        + (headers.isEmpty ? "" : " headers " + headers.joined(separator: " ")))
                return true
            }
        } catch { print("      damaged records: \(error)") }
    }

    /// Text in quotes; `\xNN` if the bytes are none, and for what could end the line or the quotes.
    private static func text(_ bytes: [UInt8]?) -> String {
        guard let bytes else { return "null" }
        let isText = String(validating: bytes, as: UTF8.self) != nil
        let special: Set<UInt8> = [0x22, 0x5C, 0x7F]
        var shown: [UInt8] = [0x22]
        for byte in bytes {
            if byte >= 0x20, !special.contains(byte), isText || byte < 0x80 {
                shown.append(byte)
            } else {
                shown += Array("\\x".utf8)
                shown += [byte >> 4, byte & 15].map { Array("0123456789abcdef".utf8)[Int($0)] }
            }
        }
        return String(decoding: shown + [0x22], as: UTF8.self)
    }
}
