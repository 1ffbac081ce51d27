// What operators and their tools ask of groups.

internal import KafkaWire

extension GroupTable {
    /// Bits of the operations that everybody may perform on a group without an authorizer: read,
    /// delete, describe, and describe and alter its configuration.
    private static let allOperations: Int32 = 0xD48

    func describe(_ request: DescribeGroupsRequest) -> DescribeGroupsResponse {
        var response = DescribeGroupsResponse()
        response.groups = unique(request.groups) { $0 }.map { id in
            var group = DescribeGroupsResponse.Group()
            group.groupID = id
            group.state = GroupState.dead
            if !isValid(groupID: id) { group.error = .invalidGroupID }
            if let known = groups[id] { group = known.description }
            if request.includeAuthorizedOperations, group.error == .none {
                group.authorizedOperations = Self.allOperations
            }
            return group
        }
        return response
    }

    func list(_ request: ListGroupsRequest) -> ListGroupsResponse {
        let states = Set(request.states.map { $0.lowercased() })
        let types = Set(request.types.map { $0.lowercased() })
        var response = ListGroupsResponse()
        guard types.isEmpty || types.contains(Self.type) else { return response }
        response.groups = groups.values.sorted { $0.id < $1.id }.compactMap { known in
            guard states.isEmpty || states.contains(known.state.rawValue.lowercased()) else {
                return nil
            }
            var group = ListGroupsResponse.Group()
            group.groupID = known.id
            group.protocolType = known.protocolType ?? ""
            group.state = known.state.rawValue
            group.type = Self.type
            return group
        }
        return response
    }

    /// The one type of group that there is here.
    private static let type = "classic"

    /// Forgets groups without members. They are gone at once; the answer waits until they cannot
    /// come back.
    mutating func delete(
        _ request: DeleteGroupsRequest, at time: GroupTime
    ) -> GroupAnswer<DeleteGroupsResponse> {
        var response = DeleteGroupsResponse()
        var records: [OffsetsRecord] = []
        for id in request.groups {
            var outcome = DeleteGroupsResponse.Group()
            outcome.groupID = id
            outcome.error = delete(id, into: &records)
            response.groups.append(outcome)
        }
        return GroupAnswer(response: response, append: records.isEmpty ? nil : append(records))
    }

    private mutating func delete(
        _ id: String, into records: inout [OffsetsRecord]
    ) -> KafkaErrorCode {
        guard isValid(groupID: id) else { return .invalidGroupID }
        guard let group = groups[id] else { return .groupIDNotFound }
        guard group.state == .empty else { return .nonEmptyGroup }
        do {
            for partition in group.offsets.partitions {
                records.append((try partition.key(in: id), nil))
            }
            if group.hasRecord { records.append((try GroupMachine.recordKey(id), nil)) }
        } catch {
            // Keys that were written once.
            return .unknownServerError
        }
        forget(id)
        return .none
    }
}

extension DescribeGroupsResponse {
    /// The answer that nothing is known about the groups.
    init(_ request: DescribeGroupsRequest, error: KafkaErrorCode) {
        self.init()
        groups = request.groups.map { id in
            var group = Group()
            group.groupID = id
            group.error = error
            return group
        }
    }
}

extension DeleteGroupsResponse {
    /// The same outcome for all groups.
    init(_ request: DeleteGroupsRequest, error: KafkaErrorCode) {
        self.init()
        groups = request.groups.map { id in
            var group = Group()
            group.groupID = id
            group.error = error
            return group
        }
    }

    /// The same answer if the append failed.
    func failing(_ error: KafkaErrorCode) -> DeleteGroupsResponse {
        var copy = self
        for index in copy.groups.indices where copy.groups[index].error == .none {
            copy.groups[index].error = error
        }
        return copy
    }
}

extension OffsetDeleteResponse {
    /// The same answer if the append failed.
    func failing(_ error: KafkaErrorCode) -> OffsetDeleteResponse {
        var copy = self
        copy.error = error
        copy.topics = []
        return copy
    }
}
