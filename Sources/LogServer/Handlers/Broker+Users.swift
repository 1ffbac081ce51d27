// DescribeUserScramCredentials and AlterUserScramCredentials: users that clients see and change.

internal import Base
internal import Crypto
internal import KafkaWire

extension Broker {
    func describeUsers(
        _ request: DescribeUserScramCredentialsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeUserScramCredentialsResponse>
    ) {
        var response = DescribeUserScramCredentialsResponse()
        let all = users.all()
        let names = request.users.flatMap { $0.isEmpty ? nil : $0.map(\.name) }
        let counts = Dictionary((names ?? []).map { ($0, 1) }, uniquingKeysWith: +)
        response.results = unique(names ?? all.map(\.name)) { $0 }.map { name in
            var result = DescribeUserScramCredentialsResponse.Result()
            result.user = name
            if counts[name, default: 0] > 1 {
                result.error = .duplicateResource
            } else if let found = all.first(where: { $0.name == name }) {
                result.credentials = found.credentials.values
                    .sorted { $0.mechanism < $1.mechanism }
                    .map { credential in
                        var entry = DescribeUserScramCredentialsResponse.Credential()
                        entry.mechanism = credential.mechanism.rawValue
                        entry.iterations = Int32(credential.iterations)
                        return entry
                    }
            } else {
                result.error = .resourceNotFound
            }
            if result.error != .none { result.errorMessage = result.error.text }
            return result
        }
        reply(.response(response))
    }

    func alterUsers(
        _ request: AlterUserScramCredentialsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<AlterUserScramCredentialsResponse>
    ) {
        run(on: control, reply) { [self] in alterUsers(request) }
    }

    /// All of a user's changes are made, or none.
    private func alterUsers(
        _ request: AlterUserScramCredentialsRequest
    ) -> AlterUserScramCredentialsResponse {
        var errors: [String: (code: KafkaErrorCode, message: String)] = [:]
        func refuse(_ name: String, _ code: KafkaErrorCode, _ message: String? = nil) {
            if errors[name] == nil { errors[name] = (code, message ?? code.text) }
        }
        var seen: Set<String> = []
        let changes =
            request.deletions.map { ($0.name, $0.mechanism) }
            + request.upsertions.map { ($0.name, $0.mechanism) }
        for (name, mechanism) in changes {
            if !seen.insert("\(mechanism) \(name)").inserted { refuse(name, .duplicateResource) }
            if users.isFixed(name) {
                refuse(name, .policyViolation, "the user is one of the server's users file")
            }
        }
        for deletion in request.deletions where !has(deletion) {
            refuse(deletion.name, .resourceNotFound)
        }
        for upsertion in request.upsertions {
            if let (code, message) = problem(of: upsertion) {
                refuse(upsertion.name, code, message)
            }
        }
        apply(request, except: errors.keys.reduce(into: Set()) { $0.insert($1) }, refuse)
        var response = AlterUserScramCredentialsResponse()
        response.results = unique(changes.map(\.0)) { $0 }.map { name in
            var result = AlterUserScramCredentialsResponse.Result()
            result.user = name
            if let error = errors[name] { (result.error, result.errorMessage) = error }
            return result
        }
        return response
    }

    private func apply(
        _ request: AlterUserScramCredentialsRequest, except refused: Set<String>,
        _ refuse: (String, KafkaErrorCode, String?) -> Void
    ) {
        let set = request.upsertions.filter { !refused.contains($0.name) }.compactMap {
            upsertion -> (name: String, credential: ScramCredential)? in
            guard let mechanism = ScramMechanism(rawValue: upsertion.mechanism) else { return nil }
            let credential = ScramCredential(
                mechanism, salt: upsertion.salt, iterations: Int(upsertion.iterations),
                saltedPassword: upsertion.saltedPassword)
            return (upsertion.name, credential)
        }
        let remove = request.deletions.filter { !refused.contains($0.name) }.compactMap {
            deletion -> (name: String, mechanism: ScramMechanism)? in
            ScramMechanism(rawValue: deletion.mechanism).map { (deletion.name, $0) }
        }
        guard !set.isEmpty || !remove.isEmpty else { return }
        do throws(UserTable.Refusal) {
            try users.change(set: set, remove: remove)
        } catch {
            for name in set.map(\.name) + remove.map(\.name) {
                switch error {
                case .tooManyUsers: refuse(name, .policyViolation, "there are too many users")
                case .disk(let error): refuse(name, .storageError, error.description)
                }
            }
        }
    }

    private func has(_ deletion: AlterUserScramCredentialsRequest.Deletion) -> Bool {
        guard let mechanism = ScramMechanism(rawValue: deletion.mechanism) else { return false }
        return users.credential(of: deletion.name, mechanism).isKnown
    }

    private func problem(
        of upsertion: AlterUserScramCredentialsRequest.Upsertion
    ) -> (KafkaErrorCode, String)? {
        guard let mechanism = ScramMechanism(rawValue: upsertion.mechanism) else {
            return (.unsupportedSASLMechanism, KafkaErrorCode.unsupportedSASLMechanism.text)
        }
        let iterations = Limits.scramIterationsMin...Limits.scramIterationsMax
        guard (1...Limits.logUserTextBytesMax).contains(upsertion.name.utf8.count) else {
            return (.unacceptableCredential, "the name is empty or too long")
        }
        guard iterations.contains(Int(upsertion.iterations)) else {
            return (
                .unacceptableCredential,
                "iterations are \(iterations.lowerBound) to \(iterations.upperBound)"
            )
        }
        guard (1...Limits.logUserTextBytesMax).contains(upsertion.salt.count),
            upsertion.saltedPassword.count == mechanism.hash.byteCount
        else { return (.unacceptableCredential, "salt or salted password have a wrong length") }
        return nil
    }
}
