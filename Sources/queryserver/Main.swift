// millrace-query: the parts it will wire are being built; until then it says so and fails.

import Base

@main struct Main {
    static func main() { fatal(.unavailable, "millrace-query is not built yet") }
}
