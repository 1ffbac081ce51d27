// The property names of one collection's events, and where each leads: to a column, or to more
// names. Events of a collection mostly have the same names in the same order, so each name knows
// which one followed it last time; one comparison then finds it, and its path is never put together
// again.

internal import Base
internal import Columns
internal import Model
internal import Synchronization

/// A tree of names. Not Sendable: its decoder's own.
final class PropertyTree {
    /// A name below another one; the first is the event itself.
    struct Node {
        /// Where the name is in `names`.
        var name: Range<Int>
        var parent: Int32
        /// The name that came after this one in the same object last time; 0 if none did.
        var next: Int32 = 0
        /// The name that came first below this one last time; 0 if none did.
        var first: Int32 = 0
        /// The column's number in `template`; -1 while no event had a value here.
        var column: Int32 = -1
        var kind: Kind
        /// Bytes of the dotted path.
        var pathBytes: Int
    }
    enum Kind: UInt8 {
        case plain
        /// `keen.timestamp`, as the member of the object `keen`.
        case timestamp
        /// `keen.created_at`, however it came about.
        case createdAt
    }

    /// No other tree of the process has it.
    let number = trees.add(1, ordering: .relaxed).newValue
    private static let trees = Atomic<UInt64>(0)

    // One decoder at a time uses a tree, and none of its calls leads back to it: what the runtime
    // would check of each access costs more than the access.
    @exclusivity(unchecked) private(set) var nodes = [
        Node(name: 0..<0, parent: -1, kind: .plain, pathBytes: 0)
    ]
    @exclusivity(unchecked) private var names: [UInt8] = []
    /// Hash in the high half, node in the low one; 0 is free. A power of two, at most half full.
    @exclusivity(unchecked) private var slots = [UInt64](repeating: 0, count: 16)
    /// Has the columns that builders of this collection begin with.
    @exclusivity(unchecked) private(set) var template: BlockBuilder

    // `Hasher` is seeded at random by the standard library once a process.
    private static let seed = UInt64(truncatingIfNeeded: Hasher().finalize())
    private let seed = PropertyTree.seed
    private static let keen = Array("keen".utf8)
    private static let createdAt = Array(PropertyPath.createdAt.text.utf8)

    /// A tree for builders that have the columns of `builder`.
    init(like builder: BlockBuilder) { template = BlockBuilder(like: builder) }

    /// The node of a name below `parent`, after its neighbour `before`, or 0 at the beginning; nil
    /// for a name that properties must not have.
    @inline(__always)
    func node(_ name: UnsafeRawBufferPointer, parent: Int32, before: Int32) -> Int32? {
        let guess = before == 0 ? nodes[Int(parent)].first : nodes[Int(before)].next
        if guess != 0, isName(name, of: nodes[Int(guess)]) { return guess }
        return find(name, parent: parent, before: before)
    }

    @inline(__always)
    private func isName(_ name: UnsafeRawBufferPointer, of node: Node) -> Bool {
        names.withUnsafeBytes {
            UnsafeRawBufferPointer(rebasing: $0[node.name]).hasSameBytes(name)
        }
    }

    private func find(
        _ name: UnsafeRawBufferPointer, parent: Int32, before: Int32
    ) -> Int32? {
        if slots.count < nodes.count * 2 { grow() }
        let hash = name.shortHash(seed: seed &+ UInt64(parent))
        var slot = Int(hash) & (slots.count - 1)
        var found: Int32 = 0
        while slots[slot] != 0, found == 0 {
            let place = Int(slots[slot] & 0xFFFF_FFFF)
            if slots[slot] >> 32 == hash, nodes[place].parent == parent,
                isName(name, of: nodes[place])
            {
                found = Int32(place)
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        if found == 0 {
            guard let new = makeNode(name, parent: parent) else { return nil }
            slots[slot] = hash << 32 | UInt64(new)
            found = new
        }
        if before == 0 {
            nodes[Int(parent)].first = found
        } else {
            nodes[Int(before)].next = found
        }
        return found
    }

    private func makeNode(_ name: UnsafeRawBufferPointer, parent: Int32) -> Int32? {
        let above = nodes[Int(parent)].pathBytes
        let pathBytes = (above == 0 ? 0 : above + 1) + name.count
        guard name.count > 0, pathBytes <= Limits.propertyPathBytesMax else { return nil }
        let begin = names.count
        names.append(contentsOf: name)
        let new = Int32(nodes.count)
        nodes.append(
            Node(name: begin..<names.count, parent: parent, kind: .plain, pathBytes: pathBytes))
        if path(of: new) == Self.createdAt {
            nodes[Int(new)].kind = .createdAt
        } else if nodes[Int(parent)].parent == 0, path(of: parent) == Self.keen,
            names[begin...].elementsEqual("timestamp".utf8)
        {
            nodes[Int(new)].kind = .timestamp
        }
        return new
    }

    private func grow() {
        var larger = [UInt64](repeating: 0, count: slots.count * 4)
        for entry in slots where entry != 0 {
            var slot = Int(entry >> 32) & (larger.count - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (larger.count - 1) }
            larger[slot] = entry
        }
        slots = larger
    }

    /// The dotted path of a node.
    private func path(of node: Int32) -> [UInt8] {
        let (parent, name) = (nodes[Int(node)].parent, nodes[Int(node)].name)
        guard parent > 0 else { return Array(names[name]) }
        return path(of: parent) + [UInt8(ascii: ".")] + names[name]
    }

    /// The column of a node in `builder`, which has all columns of `template`; it is made in both
    /// at the node's first value.
    @inline(__always)
    func column(of node: Int32, in builder: inout BlockBuilder) -> ColumnIndex {
        let known = nodes[Int(node)].column
        return known >= 0 ? ColumnIndex(number: Int(known)) : makeColumn(of: node, in: &builder)
    }

    private func makeColumn(of node: Int32, in builder: inout BlockBuilder) -> ColumnIndex {
        path(of: node).withUnsafeBufferPointer { path in
            let column = template.column(path)
            let other = builder.column(path)
            precondition(column == other, "a builder of another tree")
            nodes[Int(node)].column = Int32(column.number)
            return column
        }
    }
}
