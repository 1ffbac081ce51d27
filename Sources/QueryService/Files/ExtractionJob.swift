// An extraction to a file, and the JSON that the directory keeps of it (docs/formats/files.md), so
// that a server that is started again goes on with it.

internal import Base
internal import Crypto
internal import JSON
internal import Model
internal import Query

/// One extraction, from its request until its file is too old.
struct ExtractionJob: Sendable {
    enum State: Sendable, Equatable {
        /// Not done: to be begun, or under way.
        case waiting
        case done(bytes: Int)
        /// As its answer would have said it.
        case failed(status: Int, code: String, message: String)
    }

    /// Names its files, and opens them to whoever knows it.
    let token: String
    let project: ProjectID
    let parameters: Parameters
    let delivery: ExtractionDelivery
    /// What relative timeframes count from, and its age.
    let made: Timestamp
    var state = State.waiting
    /// How often it has been begun.
    var starts = 0
    /// Whether somebody is still to be told.
    var owesMail: Bool

    init(
        project: ProjectID, parameters: Parameters, delivery: ExtractionDelivery, made: Timestamp
    ) {
        token = hexadecimal(secureRandomBytes(32))
        self.project = project
        self.parameters = parameters
        self.delivery = delivery
        self.made = made
        owesMail = delivery.email != nil
    }

    var isWaiting: Bool { state == .waiting }

    /// What the file is called when it is saved.
    var fileName: String {
        let day = made.description.prefix(10)
        let suffix = delivery.format == .csv ? "csv" : "json"
        return "extraction-\(day).\(suffix)" + (delivery.isCompressed ? ".gz" : "")
    }

    var contentType: String {
        if delivery.isCompressed { return "application/gzip" }
        return delivery.format == .csv ? "text/csv; charset=utf-8" : "application/json"
    }

    static func isToken(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

extension ExtractionJob {
    var encoded: [UInt8] {
        var json: JSONValue = [
            "project": .string(project.name), "parameters": parameters.kept,
            "email": delivery.email.map { .string($0) } ?? .null,
            "content_type": delivery.format == .csv ? "text/csv" : "application/json",
            "content_encoding": delivery.isCompressed ? "gzip" : "identity",
            "made": .string(made.description), "starts": .int(Int64(starts)),
            "owes_mail": .bool(owesMail),
        ]
        switch state {
        case .waiting: break
        case .done(let bytes): json.set("bytes", .int(Int64(bytes)))
        case .failed(let status, let code, let message):
            json.set(
                "failure",
                [
                    "status": .int(Int64(status)), "error_code": .string(code),
                    "message": .string(message),
                ])
        }
        return json.encoded
    }

    /// nil: the bytes are no job's.
    init?(token: String, _ bytes: [UInt8]) {
        guard bytes.count <= Limits.fileJobBytesMax, let json = try? JSONValue(parsing: bytes),
            let project = json["project"]?.string.flatMap({ try? ProjectID($0) }),
            let parameters = json["parameters"].flatMap({ Parameters(kept: $0) }),
            let type = json["content_type"]?.string, let coding = json["content_encoding"]?.string,
            let made = json["made"]?.string.flatMap({ Timestamp(iso8601: $0.utf8) }),
            let starts = json["starts"]?.int, (0...1000).contains(starts),
            let owesMail = json["owes_mail"]?.bool
        else { return nil }
        var written = JSONObject([
            (key: "file", value: true), (key: "content_type", value: .string(type)),
            (key: "content_encoding", value: .string(coding)),
        ])
        if let email = json["email"]?.string { written["email"] = .string(email) }
        guard let delivery = try? ExtractionDelivery(Parameters(written)) else { return nil }
        self.token = token
        self.project = project
        self.parameters = parameters
        self.delivery = delivery
        self.made = made
        self.starts = Int(starts)
        self.owesMail = owesMail
        if let bytes = json["bytes"]?.int {
            guard bytes >= 0 else { return nil }
            state = .done(bytes: Int(bytes))
        } else if let failure = json["failure"] {
            guard let status = failure["status"]?.int, (400...599).contains(status),
                let code = failure["error_code"]?.string, let message = failure["message"]?.string
            else { return nil }
            state = .failed(status: Int(status), code: code, message: message)
        }
    }
}

extension JSONValue {
    fileprivate mutating func set(_ name: String, _ value: JSONValue) {
        guard var object else { return }
        object[name] = value
        self = .object(object)
    }
}
