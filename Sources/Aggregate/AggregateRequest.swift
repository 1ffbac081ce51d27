// Which aggregate of which property a plan asks for.

package import Model

/// One aggregate. `target` is nil for `count` only.
package struct AggregateRequest: Sendable, Hashable {
    package var kind: AggregateKind
    package var target: PropertyPath?

    package init(kind: AggregateKind, target: PropertyPath? = nil) {
        self.kind = kind
        self.target = target
    }
}

/// The analyses that merge. The raw value is the byte on the wire.
package enum AggregateKind: UInt8, Sendable, Hashable, CaseIterable {
    case count = 0
    case countUnique = 1
    case sum = 2
    case average = 3
    case minimum = 4
    case maximum = 5
    case selectUnique = 6
    /// What medians and percentiles are read from.
    case numbers = 7
    case standardDeviation = 8
}
