// The two documents by which a client finds its way from the root of the API.

package import HTTP
internal import JSON

package enum VersionRoutes {
    /// Adds `/` and `/3.0` to a server's own routes.
    package static func mount(on router: inout Router) {
        let versions: JSONValue = [["is_public": true, "url": "/3.0", "version": "3.0"]]
        let version: JSONValue = ["projects_resource_url": "/3.0/projects"]
        for (path, document) in [("/", versions), ("/3.0", version)] {
            let response = HTTPResponse.json(document.encoded)
            router.on(.get, path) { _, responder in responder.respond(response) }
        }
    }
}
