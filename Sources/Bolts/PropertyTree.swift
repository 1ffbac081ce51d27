// The property names of one collection's events, and where each leads: to a column, or to more
// names. Events of a collection mostly have the same names in the same order, so each name knows
// which one followed it last time; one comparison then finds it, and its path is never put together
// again.

internal import Base
internal import Columns
internal import JSON
internal import Model
internal import Synchronization

/// A tree of names. Not Sendable: its decoder's own.
final class PropertyTree {
    /// A name below another one; the first is the event itself.
    struct Node: BitwiseCopyable {
        /// Where the name is in `names`, in quotes.
        var begin: Int
        var end: Int
        /// Whether documents have the name as it is, without escapes.
        var isPlain: Bool
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

        var quoted: Range<Int> { begin..<end }
        var name: Range<Int> { begin + 1..<end - 1 }
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
    @exclusivity(unchecked) private var nodes = RawList<Node>()
    @exclusivity(unchecked) private var names = RawList<UInt8>()
    /// Hash in the high half, node in the low one; 0 is free. A power of two, at most half full.
    @exclusivity(unchecked) private var slots = [UInt64](repeating: 0, count: 16)
    /// Has the columns that builders of this collection begin with.
    @exclusivity(unchecked) private(set) var template: BlockBuilder

    // `Hasher` is seeded at random by the standard library once a process.
    private static let seed = UInt64(truncatingIfNeeded: Hasher().finalize())
    private let seed = PropertyTree.seed
    private static let keen = Array("keen".utf8)
    private static let createdAt = Array(PropertyPath.createdAt.text.utf8)

    /// Columns of `template`.
    @exclusivity(unchecked) private(set) var columnCount: Int

    /// A tree for builders that have the columns of `builder`.
    init(like builder: BlockBuilder) {
        template = BlockBuilder(like: builder)
        columnCount = builder.columnCount
        names.append(contentsOf: "\"\"".utf8)
        nodes.append(Node(begin: 0, end: 2, isPlain: true, parent: -1, kind: .plain, pathBytes: 0))
    }

    /// Names, and the event itself.
    var nodeCount: Int { nodes.count }

    @inline(__always)
    func kind(of node: Int32) -> Kind { nodes[Int(node)].kind }

    /// The node of a name below `parent`, after its neighbour `before`, or 0 at the beginning; nil
    /// for a name that properties must not have.
    @inline(__always)
    func node(_ name: UnsafeRawBufferPointer, parent: Int32, before: Int32) -> Int32? {
        let guess = before == 0 ? nodes[Int(parent)].first : nodes[Int(before)].next
        if guess != 0, isName(name, of: nodes[Int(guess)]) { return guess }
        return find(name, parent: parent, before: before)
    }

    /// The same of the name in quotes that is next in a document; nil, with the scanner where it
    /// was, if it is not the one that is expected.
    @inline(__always)
    func node(_ scanner: inout JSONScanner, parent: Int32, before: Int32) -> Int32? {
        let guess = before == 0 ? nodes[Int(parent)].first : nodes[Int(before)].next
        guard guess != 0, nodes[Int(guess)].isPlain else { return nil }
        let quoted = nodes[Int(guess)].quoted
        let isNext = scanner.next(quoted.count)?.hasSameBytes(names.bytes(quoted))
        guard isNext == true else { return nil }
        scanner.skip(quoted.count)
        return guess
    }

    @inline(__always)
    private func isName(_ name: UnsafeRawBufferPointer, of node: Node) -> Bool {
        names.bytes(node.name).hasSameBytes(name)
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
        names.append(UInt8(ascii: "\""))
        names.append(contentsOf: name)
        names.append(UInt8(ascii: "\""))
        let new = Int32(nodes.count)
        let isPlain = name.allSatisfy {
            $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        nodes.append(
            Node(
                begin: begin, end: names.count, isPlain: isPlain, parent: parent, kind: .plain,
                pathBytes: pathBytes))
        if path(of: new) == Self.createdAt {
            nodes[Int(new)].kind = .createdAt
        } else if nodes[Int(parent)].parent == 0, path(of: parent) == Self.keen,
            names.bytes(nodes[Int(new)].name).elementsEqual("timestamp".utf8)
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
        guard parent > 0 else { return Array(names.bytes(name)) }
        return path(of: parent) + [UInt8(ascii: ".")] + names.bytes(name)
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
            columnCount = template.columnCount
            return column
        }
    }
}

/// A growing list in memory of its own, read without the counting and checking of arrays: it has
/// one owner, and its indexes come from itself.
private struct RawList<Element: BitwiseCopyable>: ~Copyable {
    // Small, as most of very many collections are.
    private var base = UnsafeMutablePointer<Element>.allocate(capacity: 8)
    private var capacity = 8
    private(set) var count = 0

    deinit { base.deallocate() }

    subscript(index: Int) -> Element {
        @inline(__always) _read {
            assert(index < count, "an index of another list")
            yield base[index]
        }
        @inline(__always) nonmutating _modify {
            assert(index < count, "an index of another list")
            yield &base[index]
        }
    }

    mutating func append(_ element: Element) {
        if count == capacity {
            let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
            larger.update(from: base, count: count)
            base.deallocate()
            base = larger
            capacity *= 2
        }
        base[count] = element
        count += 1
    }

    mutating func append(contentsOf elements: some Sequence<Element>) {
        for element in elements { append(element) }
    }

    @inline(__always)
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer where Element == UInt8 {
        assert(range.upperBound <= count, "a range of another list")
        return UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }
}
