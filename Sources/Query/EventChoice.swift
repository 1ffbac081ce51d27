// Which events a delete is about.

package import Model
package import Plan

/// The parameters of a delete, checked.
package struct EventChoice: Sendable {
    package let timeframe: Range<Timestamp>?
    package let filters: [Filter]

    /// `now` is what relative timeframes count from.
    package init(
        parameters: Parameters, now: Timestamp, zones: ZoneLookup
    ) throws(QueryError) {
        let zone = try Zone.parameter(parameters, lookup: zones)
        timeframe = try parameters.timeframe().map { timeframe throws(QueryError) in
            try timeframe.range(now: now, zone: zone)
        }
        let written = parameters.value("filters")
        filters = try FilterParser(zone: zone).filters(written)
        // Somebody who meant to choose must not lose everything.
        guard written == nil || !filters.isEmpty || timeframe != nil else {
            throw QueryError(
                .invalidParameter,
                "a delete with an empty list of filters and no timeframe is refused: without "
                    + "filters it deletes the whole collection")
        }
    }

    package var isEverything: Bool { timeframe == nil && filters.isEmpty }
}
