// A topology for people and programs: as text, as JSON and as a graph for Graphviz.

package import JSON

extension Topology: CustomStringConvertible {
    /// One line a component, in the order of declaration.
    package var description: String {
        var lines = ["topology \(name)", "  \(spout.name): spout -> \(Self.text(spout.emits))"]
        for bolt in bolts {
            let inputs = bolt.reads.map { "\($0.source).\($0.stream) by \($0.grouping)" }
            let outputs = bolt.emits.map(Self.text).joined(separator: ", ")
            lines.append(
                "  \(bolt.name): bolt" + (bolt.parallelism > 1 ? " x \(bolt.parallelism)" : "")
                    + " <- \(inputs.joined(separator: ", "))"
                    + (outputs.isEmpty ? "" : " -> \(outputs)"))
        }
        return lines.joined(separator: "\n")
    }

    private static func text(_ stream: StreamDeclaration) -> String {
        stream.name.text
            + (stream.fields.isEmpty ? "" : "(\(stream.fields.joined(separator: ", ")))")
    }

    /// The same as an object: `name`, `spout`, `bolts`.
    package var json: JSONValue {
        [
            "name": .string(name),
            "spout": [
                "name": .string(spout.name.text), "emits": .array([Self.json(spout.emits)]),
                "pending_batches_max": .int(Int64(spout.pendingBatchesMax)),
            ],
            "bolts": .array(bolts.map(Self.json)),
        ]
    }

    private static func json(_ bolt: BoltDeclaration<Payload>) -> JSONValue {
        [
            "name": .string(bolt.name.text), "tasks_per_partition": .int(Int64(bolt.parallelism)),
            "queue_capacity": .int(Int64(bolt.queueCapacity)),
            "reads": .array(
                bolt.reads.map {
                    [
                        "component": .string($0.source.text), "stream": .string($0.stream.text),
                        "grouping": .string($0.grouping.description),
                    ]
                }),
            "emits": .array(bolt.emits.map(Self.json)),
        ]
    }

    private static func json(_ stream: StreamDeclaration) -> JSONValue {
        [
            "stream": .string(stream.name.text),
            "fields": .array(stream.fields.map { .string($0) }),
        ]
    }

    /// A picture: `dot -Tsvg` draws it.
    package var dot: String {
        var lines = [
            "digraph \(Self.quoted(name)) {", "  rankdir=LR;",
            "  \(Self.quoted(spout.name.text)) [shape=house, orientation=270];",
        ]
        for bolt in bolts {
            let count = bolt.parallelism > 1 ? "\\n× \(bolt.parallelism)" : ""
            lines.append(
                "  \(Self.quoted(bolt.name.text)) [shape=box, "
                    + "label=\(Self.quoted(bolt.name.text, count))];")
        }
        for bolt in bolts {
            for input in bolt.reads {
                lines.append(
                    "  \(Self.quoted(input.source.text)) -> \(Self.quoted(bolt.name.text)) "
                        + "[label=\(Self.quoted(input.stream.text, "\\n\(input.grouping)"))];")
            }
        }
        return (lines + ["}"]).joined(separator: "\n")
    }

    /// A string of Graphviz, with something behind that is quoted already.
    private static func quoted(_ text: String, _ rest: String = "") -> String {
        var escaped = ""
        for character in text {
            if character == "\"" || character == "\\" { escaped.append("\\") }
            escaped.append(character)
        }
        return "\"\(escaped)\(rest)\""
    }
}
