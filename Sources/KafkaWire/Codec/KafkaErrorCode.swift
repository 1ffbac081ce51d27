// The protocol's error codes that this broker sends or understands, with what each says.

/// An error code as it goes over the wire. Codes outside the table survive a round trip.
package struct KafkaErrorCode: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    /// A sentence for people and for the message fields of answers.
    package var text: String { Self.texts[rawValue] ?? "error \(rawValue)" }
}

extension KafkaErrorCode {
    package static let unknownServerError = KafkaErrorCode(rawValue: -1)
    package static let none = KafkaErrorCode(rawValue: 0)
    package static let offsetOutOfRange = KafkaErrorCode(rawValue: 1)
    package static let corruptMessage = KafkaErrorCode(rawValue: 2)
    package static let unknownTopicOrPartition = KafkaErrorCode(rawValue: 3)
    package static let leaderNotAvailable = KafkaErrorCode(rawValue: 5)
    package static let notLeaderOrFollower = KafkaErrorCode(rawValue: 6)
    package static let requestTimedOut = KafkaErrorCode(rawValue: 7)
    package static let messageTooLarge = KafkaErrorCode(rawValue: 10)
    package static let offsetMetadataTooLarge = KafkaErrorCode(rawValue: 12)
    package static let coordinatorLoadInProgress = KafkaErrorCode(rawValue: 14)
    package static let coordinatorNotAvailable = KafkaErrorCode(rawValue: 15)
    package static let notCoordinator = KafkaErrorCode(rawValue: 16)
    package static let invalidTopic = KafkaErrorCode(rawValue: 17)
    package static let notEnoughReplicas = KafkaErrorCode(rawValue: 19)
    package static let invalidRequiredAcks = KafkaErrorCode(rawValue: 21)
    package static let illegalGeneration = KafkaErrorCode(rawValue: 22)
    package static let inconsistentGroupProtocol = KafkaErrorCode(rawValue: 23)
    package static let invalidGroupID = KafkaErrorCode(rawValue: 24)
    package static let unknownMemberID = KafkaErrorCode(rawValue: 25)
    package static let invalidSessionTimeout = KafkaErrorCode(rawValue: 26)
    package static let rebalanceInProgress = KafkaErrorCode(rawValue: 27)
    package static let invalidCommitOffsetSize = KafkaErrorCode(rawValue: 28)
    package static let topicAuthorizationFailed = KafkaErrorCode(rawValue: 29)
    package static let groupAuthorizationFailed = KafkaErrorCode(rawValue: 30)
    package static let clusterAuthorizationFailed = KafkaErrorCode(rawValue: 31)
    package static let invalidTimestamp = KafkaErrorCode(rawValue: 32)
    package static let unsupportedSASLMechanism = KafkaErrorCode(rawValue: 33)
    package static let illegalSASLState = KafkaErrorCode(rawValue: 34)
    package static let unsupportedVersion = KafkaErrorCode(rawValue: 35)
    package static let topicAlreadyExists = KafkaErrorCode(rawValue: 36)
    package static let invalidPartitions = KafkaErrorCode(rawValue: 37)
    package static let invalidReplicationFactor = KafkaErrorCode(rawValue: 38)
    package static let invalidReplicaAssignment = KafkaErrorCode(rawValue: 39)
    package static let invalidConfig = KafkaErrorCode(rawValue: 40)
    package static let notController = KafkaErrorCode(rawValue: 41)
    package static let invalidRequest = KafkaErrorCode(rawValue: 42)
    package static let unsupportedForMessageFormat = KafkaErrorCode(rawValue: 43)
    package static let policyViolation = KafkaErrorCode(rawValue: 44)
    package static let outOfOrderSequenceNumber = KafkaErrorCode(rawValue: 45)
    package static let duplicateSequenceNumber = KafkaErrorCode(rawValue: 46)
    package static let invalidProducerEpoch = KafkaErrorCode(rawValue: 47)
    package static let invalidTransactionState = KafkaErrorCode(rawValue: 48)
    package static let invalidProducerIDMapping = KafkaErrorCode(rawValue: 49)
    package static let invalidTransactionTimeout = KafkaErrorCode(rawValue: 50)
    package static let concurrentTransactions = KafkaErrorCode(rawValue: 51)
    package static let securityDisabled = KafkaErrorCode(rawValue: 54)
    package static let operationNotAttempted = KafkaErrorCode(rawValue: 55)
    package static let storageError = KafkaErrorCode(rawValue: 56)
    package static let saslAuthenticationFailed = KafkaErrorCode(rawValue: 58)
    package static let unknownProducerID = KafkaErrorCode(rawValue: 59)
    package static let nonEmptyGroup = KafkaErrorCode(rawValue: 68)
    package static let groupIDNotFound = KafkaErrorCode(rawValue: 69)
    package static let fetchSessionIDNotFound = KafkaErrorCode(rawValue: 70)
    package static let invalidFetchSessionEpoch = KafkaErrorCode(rawValue: 71)
    package static let fencedLeaderEpoch = KafkaErrorCode(rawValue: 74)
    package static let unknownLeaderEpoch = KafkaErrorCode(rawValue: 75)
    package static let unsupportedCompressionType = KafkaErrorCode(rawValue: 76)
    package static let memberIDRequired = KafkaErrorCode(rawValue: 79)
    package static let groupMaxSizeReached = KafkaErrorCode(rawValue: 81)
    package static let fencedInstanceID = KafkaErrorCode(rawValue: 82)
    package static let electionNotNeeded = KafkaErrorCode(rawValue: 84)
    package static let groupSubscribedToTopic = KafkaErrorCode(rawValue: 86)
    package static let invalidRecord = KafkaErrorCode(rawValue: 87)
    package static let unstableOffsetCommit = KafkaErrorCode(rawValue: 88)
    package static let throttlingQuotaExceeded = KafkaErrorCode(rawValue: 89)
    package static let producerFenced = KafkaErrorCode(rawValue: 90)
    package static let resourceNotFound = KafkaErrorCode(rawValue: 91)
    package static let duplicateResource = KafkaErrorCode(rawValue: 92)
    package static let unacceptableCredential = KafkaErrorCode(rawValue: 93)
    package static let unknownTopicID = KafkaErrorCode(rawValue: 100)
    package static let transactionalIDNotFound = KafkaErrorCode(rawValue: 105)

    private static let texts: [Int16: String] = [
        -1: "unexpected failure of the server",
        0: "success",
        1: "offset outside the log",
        2: "checksum or length of a batch is wrong",
        3: "no such topic or partition",
        5: "the partition has no leader yet",
        6: "this node does not lead the partition",
        7: "not done within the time given",
        10: "batch above max.message.bytes",
        12: "metadata of a commit too long",
        14: "the coordinator is loading",
        15: "the coordinator cannot answer",
        16: "another node coordinates this",
        17: "the topic name is not allowed",
        19: "fewer replicas than min.insync.replicas",
        21: "acks must be -1, 0 or 1",
        22: "the generation is not the group's",
        23: "no protocol that all members support",
        24: "the group id is empty",
        25: "the member is not in the group",
        26: "session timeout outside the allowed range",
        27: "the group is rebalancing",
        28: "the commit is too large for the offsets topic",
        29: "not allowed on this topic",
        30: "not allowed on this group",
        31: "not allowed on the cluster",
        32: "timestamp too far from now",
        33: "no such SASL mechanism",
        34: "request out of turn",
        35: "version not served",
        36: "the topic exists",
        37: "partition count not allowed",
        38: "more replicas than nodes",
        39: "assignment names unknown nodes",
        40: "setting unknown or out of range",
        41: "this node is not the controller",
        42: "the request contradicts itself",
        43: "message formats 0 and 1 are not taken",
        44: "not allowed by the topic's policy",
        45: "sequence does not follow the last one",
        46: "sequence already taken",
        47: "an old producer",
        48: "not possible in this state of the transaction",
        49: "producer id and transactional id do not match",
        50: "transaction timeout too long",
        51: "the last transaction is still finishing",
        54: "no authorizer is set up",
        55: "not tried, since another part of the request is wrong",
        56: "the disk failed or the partition is damaged",
        58: "wrong credentials",
        59: "no state for this producer",
        68: "the group has members",
        69: "no such group",
        70: "fetch sessions are not kept",
        71: "fetch session out of step",
        74: "the leader epoch is old",
        75: "the leader epoch is not known yet",
        76: "codec not allowed here",
        79: "join again with this member id",
        81: "the group is full",
        82: "another member has taken this instance id",
        84: "the leader is the preferred one already",
        86: "members of the group subscribe to the topic",
        87: "a record of the batch is not allowed",
        88: "a transaction holds the offset",
        89: "quota exceeded",
        90: "a newer producer has this transactional id",
        91: "nothing of this name",
        92: "named twice in one request",
        93: "the credential does not meet the requirements",
        100: "no topic with this id",
        105: "no such transactional id",
    ]
}
