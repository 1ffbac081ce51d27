// Why a query was refused: what the caller reads as {"message", "error_code"}.

/// A query that cannot be answered as it was asked.
package struct QueryError: Error, Sendable, Equatable {
    /// The names of the HTTP API. The raw value is the `error_code` on the wire (docs/api.md).
    package enum Code: String, Sendable, CaseIterable {
        /// A parameter has the wrong type or a value outside its range.
        case invalidParameter = "InvalidParameterError"
        /// The body is not JSON, or not a JSON object.
        case invalidJSON = "InvalidJSONError"
        case missingParameter = "MissingRequiredRequestFieldError"
        case timeframe = "TimeframeDefinitionError"
        case propertyName = "InvalidPropertyNameError"
        case collectionName = "InvalidCollectionNameError"
        case geoFilter = "InvalidPropertyNameForGeoFilter"
        /// A part of the analysis language that this version does not answer.
        case notSupported = "NotSupportedError"
        /// The answer would pass one of the bounds in Limits.
        case tooLarge = "QueryTooLargeError"
        /// A project's results are kept and refreshed for so many saved queries only.
        case tooManyCachedQueries = "OverCachedQueryLimitError"
        case notFound = "ResourceNotFoundError"
        /// Something within Millrace contradicts itself.
        case internalError = "InternalServerError"
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The HTTP status that goes with the code.
    package var status: Int {
        switch code {
        case .notFound: 404
        case .internalError: 500
        default: 400
        }
    }
}
