// Who may use the server, and what is kept of their passwords. Users of the operator's file are
// hashed at the start and only kept in memory; those that AlterUserScramCredentials sets are in the
// checkpoint `users.checkpoint` (numbers little-endian):
//
//     secret          32 bytes          salts of the file's users, and of nobody's
//     count           uint32
//     each:           name length uint16, name; mechanism uint8; iterations uint32;
//                     salt length uint16, salt; stored key, server key (32 or 64 bytes each)
//
// A name that nobody has gets a salt too, always the same one, so that asking tells nothing.

internal import Base
internal import Crypto
internal import Synchronization

/// All users. Any thread.
final class UserTable: Sendable {
    typealias Credentials = [ScramMechanism: ScramCredential]

    private static let checkpointName = "users.checkpoint"
    private static let secretBytes = 32

    private let ofFile: [String: Credentials]
    private let altered: Mutex<[String: Credentials]>
    private let secret: [UInt8]
    private let directory: String
    private let disk: any LogDisk

    /// Reads the checkpoint and hashes the file's users, which takes milliseconds each. Blocks.
    init(
        _ users: [LogUser], directory: String, disk: any LogDisk
    ) throws(LogStorageError) {
        self.directory = directory
        self.disk = disk
        let found = try Self.read(directory, disk)
        let secret = found?.secret ?? secureRandomBytes(Self.secretBytes)
        self.secret = secret
        altered = Mutex(found?.users ?? [:])
        var ofFile: [String: Credentials] = [:]
        for user in users {
            ofFile[user.name] = Dictionary(
                uniqueKeysWithValues: ScramMechanism.allCases.map { mechanism in
                    let credential = ScramCredential(
                        mechanism, password: user.password,
                        salt: Self.salt(secret, mechanism, user.name),
                        iterations: Limits.scramIterationsDefault)
                    return (mechanism, credential)
                })
        }
        self.ofFile = ofFile
        do throws(DiskError) {
            if found == nil, !users.isEmpty { try save([:]) }
            // Older versions let others read it.
            if found != nil { try disk.makePrivate("\(directory)/\(Self.checkpointName)") }
        } catch {
            throw LogStorageError(error)
        }
    }

    private static func salt(
        _ secret: [UInt8], _ mechanism: ScramMechanism, _ name: String
    ) -> [UInt8] {
        hmacSHA256(key: secret, message: [UInt8(mechanism.rawValue)] + Array(name.utf8))
    }

    // MARK: Asking

    /// Users that were altered, for the log.
    var alteredCount: Int { altered.withLock { $0.count } }

    private func credentials(of name: String) -> Credentials? {
        ofFile[name] ?? altered.withLock { $0[name] }
    }

    /// A user's credential; one that nothing matches if there is no such user.
    func credential(
        of name: String, _ mechanism: ScramMechanism
    ) -> (credential: ScramCredential, isKnown: Bool) {
        if let found = credentials(of: name)?[mechanism] { return (found, true) }
        let unknown = ScramCredential(
            mechanism, salt: Self.salt(secret, mechanism, name),
            iterations: Limits.scramIterationsDefault,
            storedKey: mechanism.hash.digest(secret + Array(name.utf8)),
            serverKey: mechanism.hash.hmac(key: secret, message: Array(name.utf8)))
        return (unknown, false)
    }

    /// Whether the user exists and has this password. Takes milliseconds, whatever the answer.
    func check(_ name: String, password: [UInt8]) -> Bool {
        let mechanism = credentials(of: name)?.keys.max() ?? .sha512
        let (credential, isKnown) = credential(of: name, mechanism)
        return credential.matches(password: password) && isKnown
    }

    /// Names and what they have; in order of the names.
    func all() -> [(name: String, credentials: Credentials)] {
        altered.withLock { $0 }.merging(ofFile) { $1 }
            .map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
    }

    /// Whether the user is one of the operator's file, which only the operator changes.
    func isFixed(_ name: String) -> Bool { ofFile[name] != nil }

    // MARK: Changing

    /// Why a change was refused.
    enum Refusal: Error {
        case tooManyUsers
        case disk(DiskError)
    }

    /// Sets and removes credentials; returns when they will survive a power cut. Blocks.
    func change(
        set credentials: [(name: String, credential: ScramCredential)],
        remove: [(name: String, mechanism: ScramMechanism)]
    ) throws(Refusal) {
        // Under the lock: of two changes at once one would be written over.
        try altered.withLock { altered throws(Refusal) in
            var changed = altered
            for (name, mechanism) in remove {
                changed[name]?[mechanism] = nil
                if changed[name]?.isEmpty == true { changed[name] = nil }
            }
            for (name, credential) in credentials {
                changed[name, default: [:]][credential.mechanism] = credential
            }
            guard changed.count <= Limits.logUsersMax else { throw .tooManyUsers }
            do throws(DiskError) { try save(changed) } catch { throw .disk(error) }
            altered = changed
        }
    }

    // MARK: The checkpoint

    private func save(_ users: [String: Credentials]) throws(DiskError) {
        try Checkpoint.write(
            .users, payload: Self.encode(users, secret: secret), to: Self.checkpointName,
            in: directory, disk: disk)
    }

    static func encode(_ users: [String: Credentials], secret: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.write(secret)
        let all = users.sorted { $0.key < $1.key }.flatMap { name, credentials in
            credentials.values.sorted { $0.mechanism < $1.mechanism }.map { (name, $0) }
        }
        writer.write(littleEndian: UInt32(all.count))
        for (name, credential) in all {
            writer.write(littleEndian: UInt16(name.utf8.count))
            writer.write(name.utf8)
            writer.write(UInt8(credential.mechanism.rawValue))
            writer.write(littleEndian: UInt32(credential.iterations))
            writer.write(littleEndian: UInt16(credential.salt.count))
            writer.write(credential.salt)
            writer.write(credential.storedKey)
            writer.write(credential.serverKey)
        }
        return writer.bytes
    }

    private static func read(
        _ directory: String, _ disk: any LogDisk
    ) throws(LogStorageError) -> (secret: [UInt8], users: [String: Credentials])? {
        guard
            var reader = try Checkpoint.read(
                .users, from: checkpointName, in: directory, disk: disk)
        else { return nil }
        do throws(ByteReaderError) {
            let secret = Array(try reader.readBytes(secretBytes))
            let count: UInt32 = try reader.readLittleEndian()
            var users: [String: Credentials] = [:]
            for _ in 0..<count {
                let (name, credential) = try readOne(&reader)
                users[name, default: [:]][credential.mechanism] = credential
            }
            return (secret, users)
        } catch {
            throw LogStorageError(.damaged, "the checkpoint of users is damaged: \(error)")
        }
    }

    private static func readOne(
        _ reader: inout ByteReader
    ) throws(ByteReaderError) -> (String, ScramCredential) {
        let nameBytes: UInt16 = try reader.readLittleEndian()
        let name = String(decoding: try reader.readBytes(Int(nameBytes)), as: UTF8.self)
        guard let mechanism = ScramMechanism(rawValue: Int8(clamping: try reader.readByte())) else {
            throw .invalidValue(offset: reader.offset, what: "mechanism")
        }
        let iterations: UInt32 = try reader.readLittleEndian()
        let saltBytes: UInt16 = try reader.readLittleEndian()
        let salt = Array(try reader.readBytes(Int(saltBytes)))
        let storedKey = Array(try reader.readBytes(mechanism.hash.byteCount))
        let serverKey = Array(try reader.readBytes(mechanism.hash.byteCount))
        return (
            name,
            ScramCredential(
                mechanism, salt: salt, iterations: max(Int(iterations), 1), storedKey: storedKey,
                serverKey: serverKey)
        )
    }
}
