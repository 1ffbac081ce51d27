// Users as an operator writes them down: a line each, `name: password`.

internal import Base

/// Why a file of users was refused. Never names a password.
package struct InvalidUsers: Error, Sendable, Equatable {
    package let message: String
}

/// A user with a password that is still readable. Has no way to be printed.
package struct LogUser: Sendable, CustomStringConvertible, CustomReflectable {
    package let name: String
    let password: [UInt8]

    /// Throws if name or password are empty or too long.
    package init(name: String, password: String) throws(InvalidUsers) {
        let lengths = 1...Limits.logUserTextBytesMax
        guard lengths.contains(name.utf8.count), lengths.contains(password.utf8.count) else {
            throw InvalidUsers(
                message: "name and password of a user have 1 to \(Limits.logUserTextBytesMax) bytes"
            )
        }
        self.name = name
        self.password = Array(password.utf8)
    }

    /// Reads `name: password` lines. Empty lines and those that begin with '#' are skipped; blanks
    /// around name and password do not count; the name ends at the first colon.
    package static func parse(_ text: String) throws(InvalidUsers) -> [LogUser] {
        var users: [LogUser] = []
        for (index, line) in text.split(whereSeparator: \.isNewline, keepingEmpty: true)
            .enumerated()
        {
            let line = line.trimmed
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw InvalidUsers(message: "line \(index + 1) is not 'name: password'")
            }
            do {
                users.append(
                    try LogUser(name: String(parts[0].trimmed), password: String(parts[1].trimmed)))
            } catch { throw InvalidUsers(message: "line \(index + 1): \(error.message)") }
        }
        guard !users.isEmpty else { throw InvalidUsers(message: "there is no user in it") }
        guard users.count <= Limits.logUsersMax else {
            throw InvalidUsers(message: "there are more than \(Limits.logUsersMax) users in it")
        }
        guard Set(users.map(\.name)).count == users.count else {
            throw InvalidUsers(message: "a user is named twice")
        }
        return users
    }

    package var description: String { "\(name): <redacted>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension StringProtocol {
    fileprivate func split(
        whereSeparator isSeparator: (Character) -> Bool, keepingEmpty: Bool
    ) -> [SubSequence] {
        split(omittingEmptySubsequences: !keepingEmpty, whereSeparator: isSeparator)
    }

    fileprivate var trimmed: SubSequence {
        let end = reversed().drop(while: \.isWhitespace)
        return self[startIndex..<end.startIndex.base].drop(while: \.isWhitespace)
    }
}
