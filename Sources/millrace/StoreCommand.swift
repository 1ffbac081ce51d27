// millrace store: the wide rows of storage nodes, for people.

import ArgumentParser
import Base
import Foundation
import JSON
import Model
import RPC

/// Shows and changes what storage nodes hold.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Look at the rows of the stores; verify and carry their data.",
        discussion: """
            A table is KEYSPACE/NAME, a key its parts with slashes between them, the shard first: \
            `slice store/blocks 3/shop/orders`. Quote a text that looks like something else.
            """,
        subcommands: [
            StoreTablesCommand.self, StoreGetCommand.self, StoreSliceCommand.self,
            StorePutCommand.self, StoreVerifyCommand.self, StoreExportCommand.self,
            StoreImportCommand.self,
        ])
}

struct StoreTablesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tables",
        abstract: "List tables: name, parts of the key, cells, and whether they can be written.")

    @Flag(help: "Print JSON, an object a line.")
    var json = false
    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await runCommand {
            try await options.asking { nodes in
                let (tables, isComplete) = try await nodes.tables()
                for table in tables { writeOutput(json ? object(table) : line(table)) }
                if !isComplete { writeError("millrace: there are more tables\n") }
            }
        }
    }

    private func parts(_ table: TableDescription) -> [String] {
        (table.hasShard ? ["shard"] : [])
            + table.parts.map { $0.kind == .tagged ? "parts…" : $0.name }
    }

    private func line(_ table: TableDescription) -> String {
        let access = table.isWritable ? "read, write" : "read"
        return [
            "\(table.reference)", parts(table).joined(separator: "/"), table.cells, access,
        ].joined(separator: "\t")
    }

    private func object(_ table: TableDescription) -> String {
        let value: JSONValue = [
            "table": .string("\(table.reference)"),
            "key": .array(parts(table).map { .string($0) }), "cells": .string(table.cells),
            "writable": .bool(table.isWritable),
        ]
        return String(decoding: value.encoded, as: UTF8.self)
    }
}

struct StoreGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Print one cell: key, a tab, value.")

    @Argument(help: "KEYSPACE/NAME.")
    var table: String
    @Argument(help: "SHARD/PART/…")
    var key: String
    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await runCommand {
            try await options.asking { nodes in
                let table = try await nodes.table(table)
                let (shard, bytes) = try table.parse(key)
                let client = nodes.client(of: shard)
                guard let cell = try await client.get(table.reference, shard: shard, key: bytes)
                else { throw CommandFailure("there is no cell \(key) in \(table.reference)") }
                writeOutput(ShownCell(cell, table, shard).text(json: json))
            }
        }
    }
}

struct StoreSliceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slice",
        abstract: "Print cells in the order of their keys, or from the last to the first.")

    @Argument(help: "KEYSPACE/NAME.")
    var table: String
    @Argument(help: "SHARD/PART/…, the beginning of the keys; without it every shard.")
    var prefix: String?
    @Option(help: .init("First key wanted.", valueName: "key"))
    var from: String?
    @Option(help: .init("First key no longer wanted.", valueName: "key"))
    var to: String?
    @Option(help: .init("Cells at most.", valueName: "n"))
    var limit = 100
    @Flag(help: "From the last key to the first.")
    var reverse = false
    @Flag(help: "Print JSON, an object a line.")
    var json = false
    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await runCommand {
            guard limit > 0 else { throw CommandFailure.usage("--limit \(limit): at least 1") }
            try await options.asking { nodes in
                let table = try await nodes.table(table)
                var left = limit
                for (shard, range) in try await ranges(table, nodes) where left > 0 {
                    try await show(table, shard, range, &left, nodes)
                }
            }
        }
    }

    /// The range of each shard that is asked for.
    private func ranges(
        _ table: NamedTable, _ nodes: StoreNodes
    ) async throws -> [(ShardID?, KeyRange)] {
        guard prefix != nil || from != nil || to != nil || !table.description.hasShard else {
            let shards = try await nodes.shards().map { ($0, KeyRange.all) }
            return reverse ? shards.reversed() : shards
        }
        let bounds = try [prefix, from, to].map { try $0.map(table.parse) }
        let shards = Set(bounds.compactMap { $0?.shard })
        guard shards.count <= 1 else {
            throw CommandFailure.usage("a slice lies in one shard")
        }
        var range = KeyRange.beginning(with: bounds[0]?.key ?? [])
        if let lower = bounds[1]?.key, range.lower.lexicographicallyPrecedes(lower) {
            range.lower = lower
        }
        if let upper = bounds[2]?.key,
            range.upper.map({ upper.lexicographicallyPrecedes($0) }) ?? true
        {
            range.upper = upper
        }
        return [(shards.first, range)]
    }

    private func show(
        _ table: NamedTable, _ shard: ShardID?, _ range: KeyRange, _ left: inout Int,
        _ nodes: StoreNodes
    ) async throws {
        var slice = TableSlice(
            table: table.reference, shard: shard, range: range, isDescending: reverse,
            limit: left, valueBytesMax: 4096)
        repeat {
            slice.limit = left
            let page = try await nodes.client(of: shard).slice(slice)
            for cell in page.cells { writeOutput(ShownCell(cell, table, shard).text(json: json)) }
            left -= page.cells.count
            slice.cursor = page.next
        } while slice.cursor != nil && left > 0
        if let next = slice.cursor {
            writeError("millrace: more from \(table.show(next, shard))\n")
        }
    }
}

struct StorePutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Write or delete one cell of a table of users.",
        discussion: """
            Tables of user hold any text or bytes; those of counters add the number that is \
            given; those of states merge an aggregate state, given with --hex.
            """)

    @Argument(help: "user/NAME, counters/NAME or states/NAME.")
    var table: String
    @Argument(help: "SHARD/PART/…")
    var key: String
    @Argument(help: "The value.")
    var value: String?
    @Flag(help: "The value is written in hexadecimal digits.")
    var hex = false
    @Flag(help: "Delete the cell.")
    var delete = false
    @Option(help: .init("Seconds after which the cell is gone (user only).", valueName: "n"))
    var ttl: Int64?
    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await runCommand {
            guard (value != nil) != delete else {
                throw CommandFailure.usage("a value or --delete is wanted")
            }
            guard ttl.map({ (1...3_153_600_000).contains($0) }) ?? true else {
                throw CommandFailure.usage("--ttl: from 1 second to 100 years")
            }
            try await options.asking { nodes in
                let table = try await nodes.table(table)
                let (shard, bytes) = try table.parse(key)
                guard let shard else {
                    throw CommandFailure("\(table.reference) cannot be written")
                }
                let changes = TableChanges(
                    shard: shard, table: table.reference, changes: [try change(bytes, table)])
                try await nodes.client(of: shard).put(changes)
            }
        }
    }

    private func change(_ key: [UInt8], _ table: NamedTable) throws -> CellChange {
        guard let value else { return .delete(key: key) }
        if table.reference.keyspace == "counters", !hex {
            guard let number = Int64(value) else {
                throw CommandFailure.usage("'\(value)' is no number that fits 64 bits")
            }
            var bytes = ByteWriter()
            bytes.write(littleEndian: number)
            return .merge(key: key, value: bytes.bytes)
        }
        let bytes = hex ? try hexBytes(value) : Array(value.utf8)
        if ["counters", "states"].contains(table.reference.keyspace) {
            return .merge(key: key, value: bytes)
        }
        let expiresAt = ttl.map { wallClockMilliseconds() + $0 * 1000 }
        return .put(key: key, value: bytes, expiresAt: expiresAt)
    }

    private func hexBytes(_ text: String) throws -> [UInt8] {
        do throws(KeyTextError) { return try KeyText([]).parse("=" + text) } catch {
            throw CommandFailure.usage("--hex: \(error)")
        }
    }
}
