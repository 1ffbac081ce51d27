// Distances on the globe.

internal import Glibc

/// All places up to a distance from a point.
package struct GeoCircle: Sendable, Hashable {
    /// Degrees east.
    package var longitude: Double
    /// Degrees north.
    package var latitude: Double
    package var radiusMiles: Double

    /// The mean radius of the Earth, 6,371.0088 km (IUGG 1980).
    private static let earthRadiusMiles = 3_958.7613

    package init(longitude: Double, latitude: Double, radiusMiles: Double) {
        self.longitude = longitude
        self.latitude = latitude
        self.radiusMiles = radiusMiles
    }

    /// Whether a place lies inside or on the edge, by the haversine formula on a sphere.
    package func contains(longitude east: Double, latitude north: Double) -> Bool {
        let radians = Double.pi / 180
        let (sinNorth, sinEast) = (
            sin((north - latitude) * radians / 2), sin((east - longitude) * radians / 2)
        )
        let haversine =
            sinNorth * sinNorth
            + cos(latitude * radians) * cos(north * radians) * sinEast * sinEast
        return 2 * Self.earthRadiusMiles * asin(min(haversine, 1).squareRoot()) <= radiusMiles
    }
}
