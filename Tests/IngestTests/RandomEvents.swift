import Base
import JSON

/// Events from a seed.
enum RandomEvents {
    static func object(depth: Int, _ random: inout PRNG) -> JSONObject {
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            object[name(&random)] = value(depth: depth, &random)
        }
        return object
    }

    private static func name(_ random: inout PRNG) -> String {
        ["a", "b", "ö", "long name", "x_y", "\"", "\\", "😀", "keen", "\u{1}"].randomElement(
            using: &random) ?? "a"
    }

    private static func value(depth: Int, _ random: inout PRNG) -> JSONValue {
        switch Int.random(in: 0...(depth < 4 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .int(Int64(truncatingIfNeeded: random.next()))
        case 3: return .double(Double.random(in: -1e9...1e9, using: &random))
        case 4: return .string("")
        case 5: return .string("té\"xt\n\(random.next())")
        case 6: return .object(object(depth: depth + 1, &random))
        default:
            let count = Int.random(in: 0...4, using: &random)
            return .array((0..<count).map { _ in value(depth: depth + 1, &random) })
        }
    }
}
