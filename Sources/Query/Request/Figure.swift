// The figures of an answer: one, or for a multi_analysis one under each label.

internal import Base
internal import JSON
package import Model
package import Plan

/// One figure that a query asks for.
package struct Figure: Sendable, Hashable {
    /// The member of a record that holds it: `result`, or the label in a multi_analysis.
    package var label: String
    package var analysis: AnalysisName
    /// What the analysis reads; nil for count.
    package var target: PropertyPath?
    /// For `percentile`.
    package var percentiles: Percentiles?
    /// Of a part of a multi_analysis, besides those of the whole.
    package var filters: [Filter] = []

    /// Whether groups can be put in order by it.
    var hasOrder: Bool { analysis != .selectUnique && percentiles?.isList != true }

    /// Whether it is an instant again: the same element of the property, not a sum of them.
    var isElement: Bool {
        switch analysis {
        case .minimum, .maximum, .median, .percentile: true
        default: false
        }
    }
}

/// Which percentiles a figure is about.
package struct Percentiles: Sendable, Hashable {
    /// In hundredths, from 1 to 10,000.
    package var hundredths: [Int]
    /// Whether the request had a list of them, so that the answer has an object.
    package var isList: Bool

    /// How a percentile is called in an answer: `50`, `99.9`, `99.99`.
    static func name(_ hundredths: Int) -> String {
        let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        if rest == 0 { return "\(whole)" }
        return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}

extension Parameters {
    /// The figures of an analysis; labels never equal a property of `groupBy`.
    func figures(
        of analysis: AnalysisName, groupBy: [PropertyPath], zone: Zone
    ) throws(QueryError) -> [Figure] {
        guard analysis == .multiAnalysis else { return [try figure(analysis, label: "result")] }
        guard let value = value("analyses") else {
            throw QueryError(.missingParameter, "multi_analysis needs analyses")
        }
        guard let members = value.object, !members.isEmpty else {
            throw QueryError(
                .invalidParameter, "analyses is an object with an analysis under each label")
        }
        guard members.count <= Limits.queryAnalysesMax else {
            throw QueryError(
                .tooLarge, "analyses has at most \(Limits.queryAnalysesMax) members")
        }
        var figures: [Figure] = []
        for (label, member) in members {
            guard !groupBy.contains(where: { $0.text == label }) else {
                throw QueryError(
                    .invalidParameter,
                    "the label '\(label.shortened)' is also a property of group_by")
            }
            do { figures.append(try Self.member(member, label: label, zone: zone)) } catch {
                throw QueryError(error.code, "analyses, '\(label.shortened)': \(error.message)")
            }
        }
        return figures
    }

    private static func member(
        _ value: JSONValue, label: String, zone: Zone
    ) throws(QueryError) -> Figure {
        guard let object = value.object else {
            throw QueryError(.invalidParameter, "expected an object, not \(value.kindName)")
        }
        let parameters = Parameters(object)
        guard let name = try parameters.string("analysis_type") else {
            throw QueryError(.missingParameter, "analysis_type is missing")
        }
        guard let analysis = AnalysisName(rawValue: name), analysis.aggregate != nil else {
            throw QueryError(
                .invalidParameter, "'\(name.shortened)' cannot be part of a multi_analysis")
        }
        var figure = try parameters.figure(analysis, label: label)
        figure.filters = try FilterParser(zone: zone).filters(parameters.value("filters"))
        return figure
    }

    private func figure(_ analysis: AnalysisName, label: String) throws(QueryError) -> Figure {
        Figure(
            label: label, analysis: analysis,
            target: try analysis.needsTarget ? target(of: analysis) : nil,
            percentiles: try analysis == .percentile ? percentiles() : nil)
    }

    private func target(of analysis: AnalysisName) throws(QueryError) -> PropertyPath {
        guard let text = try name("target_property") else {
            throw QueryError(
                .missingParameter, "\(analysis.rawValue) needs a target_property")
        }
        return try PropertyPath(parameter: text)
    }

    private func percentiles() throws(QueryError) -> Percentiles {
        guard let value = value("percentile") else {
            throw QueryError(.missingParameter, "percentile needs a percentile")
        }
        guard let elements = value.array else {
            return Percentiles(hundredths: [try Self.hundredths(value)], isList: false)
        }
        guard !elements.isEmpty, elements.count <= Limits.queryPercentilesMax else {
            throw QueryError(
                .invalidParameter,
                "a list of percentiles has 1 to \(Limits.queryPercentilesMax) members")
        }
        var hundredths: [Int] = []
        for element in elements {
            let next = try Self.hundredths(element)
            guard !hundredths.contains(next) else {
                throw QueryError(
                    .invalidParameter, "the percentile \(Percentiles.name(next)) stands twice")
            }
            hundredths.append(next)
        }
        return Percentiles(hundredths: hundredths, isList: true)
    }

    private static func hundredths(_ value: JSONValue) throws(QueryError) -> Int {
        let number = value.double ?? value.string.flatMap { Double($0) }
        guard let number, number > 0, number <= 100 else {
            throw QueryError(
                .invalidParameter, "a percentile is a number above 0 and up to 100")
        }
        let hundredths = (number * 100).rounded()
        guard hundredths >= 1, (number * 100 - hundredths).magnitude < 1e-9 else {
            throw QueryError(
                .invalidParameter, "a percentile has at most two decimals")
        }
        return Int(hundredths)
    }
}
