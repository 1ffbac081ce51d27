// millrace: the parts it will wire are being built; until then it says so and fails.

import Base

@main struct Main {
    static func main() { fatal(.unavailable, "millrace is not built yet") }
}
