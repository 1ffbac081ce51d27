// The numbers that name the requests of the protocol.

/// A request's key. Keys outside the table are possible: they come from the network.
package struct APIKey: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    package static let produce = APIKey(rawValue: 0)
    package static let fetch = APIKey(rawValue: 1)
    package static let listOffsets = APIKey(rawValue: 2)
    package static let metadata = APIKey(rawValue: 3)
    package static let offsetCommit = APIKey(rawValue: 8)
    package static let offsetFetch = APIKey(rawValue: 9)
    package static let findCoordinator = APIKey(rawValue: 10)
    package static let joinGroup = APIKey(rawValue: 11)
    package static let heartbeat = APIKey(rawValue: 12)
    package static let leaveGroup = APIKey(rawValue: 13)
    package static let syncGroup = APIKey(rawValue: 14)
    package static let describeGroups = APIKey(rawValue: 15)
    package static let listGroups = APIKey(rawValue: 16)
    package static let apiVersions = APIKey(rawValue: 18)
    package static let createTopics = APIKey(rawValue: 19)
    package static let deleteTopics = APIKey(rawValue: 20)
    package static let deleteRecords = APIKey(rawValue: 21)
    package static let initProducerID = APIKey(rawValue: 22)
    package static let offsetForLeaderEpoch = APIKey(rawValue: 23)
    package static let describeConfigs = APIKey(rawValue: 32)
    package static let createPartitions = APIKey(rawValue: 37)
    package static let deleteGroups = APIKey(rawValue: 42)
    package static let offsetDelete = APIKey(rawValue: 47)
    package static let describeCluster = APIKey(rawValue: 60)
    package static let describeAcls = APIKey(rawValue: 29)
    package static let createAcls = APIKey(rawValue: 30)
    package static let deleteAcls = APIKey(rawValue: 31)
    package static let alterConfigs = APIKey(rawValue: 33)
    package static let describeLogDirs = APIKey(rawValue: 35)
    package static let electLeaders = APIKey(rawValue: 43)
    package static let incrementalAlterConfigs = APIKey(rawValue: 44)
    package static let listPartitionReassignments = APIKey(rawValue: 46)
    package static let describeClientQuotas = APIKey(rawValue: 48)
    package static let describeProducers = APIKey(rawValue: 61)
    package static let describeTopicPartitions = APIKey(rawValue: 75)
}
