// DescribeConfigs: the settings of topics and of the server, with where each value comes from.

internal import Base
internal import EventLoop
internal import KafkaWire

/// Where a value comes from, as the protocol numbers it.
enum SettingSource: Int8 {
    case topic = 1
    case serverFile = 4
    case defaultValue = 5
}

extension Broker {
    private struct Resource: Hashable {
        var type: Int8
        var name: String
    }

    private enum ResourceType {
        static let topic: Int8 = 2
        static let broker: Int8 = 4
    }

    func source(of name: String, in settings: TopicSettings) -> SettingSource {
        if settings.changed[name] != nil { return .topic }
        return configuration.topicDefaults[name] != nil ? .serverFile : .defaultValue
    }

    func describeConfigs(
        _ request: DescribeConfigsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeConfigsResponse>
    ) {
        var response = DescribeConfigsResponse()
        let resources = unique(request.resources) { Resource(type: $0.type, name: $0.name) }
        response.results = resources.map { resource in
            var result = DescribeConfigsResponse.Result()
            result.type = resource.type
            result.name = resource.name
            do throws(TopicError) {
                let all = try configs(of: resource, showsSynonyms: request.includeSynonyms)
                result.configs = all.filter { resource.keys?.contains($0.name) ?? true }
            } catch {
                result.error = error.code
                result.errorMessage = error.message
            }
            return result
        }
        reply(.response(response))
    }

    private func configs(
        of resource: DescribeConfigsRequest.Resource, showsSynonyms: Bool
    ) throws(TopicError) -> [DescribeConfigsResponse.Config] {
        switch resource.type {
        case ResourceType.topic:
            guard let topic = topics.topic(named: resource.name) else {
                throw TopicError(.unknownTopicOrPartition)
            }
            return topicConfigs(topic.settings, showsSynonyms: showsSynonyms)
        case ResourceType.broker:
            guard resource.name.isEmpty || resource.name == "\(nodeID)" else {
                throw TopicError(.invalidRequest, "this is node \(nodeID)")
            }
            return brokerConfigs
        default:
            throw TopicError(
                .invalidRequest, "resources of type \(resource.type) have no settings here")
        }
    }

    private func topicConfigs(
        _ settings: TopicSettings, showsSynonyms: Bool
    ) -> [DescribeConfigsResponse.Config] {
        let defaults = configuration.topicDefaults
        return TopicSettings.definitions.map { definition in
            var config = DescribeConfigsResponse.Config()
            config.name = definition.name
            config.value = settings.value(definition.name, defaults)
            config.source = source(of: definition.name, in: settings).rawValue
            config.type = definition.kind.rawValue
            guard showsSynonyms else { return config }
            let layers: [(SettingSource, String?)] = [
                (.topic, settings.changed[definition.name]),
                (.serverFile, defaults[definition.name]),
                (.defaultValue, definition.defaultValue),
            ]
            config.synonyms = layers.compactMap { source, value in
                guard let value else { return nil }
                var synonym = DescribeConfigsResponse.Synonym()
                synonym.name = definition.name
                synonym.value = value
                synonym.source = source.rawValue
                return synonym
            }
            return config
        }
    }

    /// The server's own settings under Kafka's names. They come from its file and flags and cannot
    /// be changed while it runs.
    private var brokerConfigs: [DescribeConfigsResponse.Config] {
        let values: [(String, SettingDefinition.Kind, String)] = [
            ("auto.create.topics.enable", .bool, "\(configuration.autoCreatesTopics)"),
            ("broker.id", .int, "\(nodeID)"),
            ("connections.max.idle.ms", .long, "\(Limits.logConnectionIdleSeconds * 1000)"),
            ("default.replication.factor", .int, "1"),
            ("fetch.max.bytes", .int, "\(Limits.logFetchBytesMax)"),
            (
                "group.initial.rebalance.delay.ms", .int,
                "\(Self.milliseconds(configuration.groups.initialRebalanceDelay))"
            ),
            (
                "group.max.session.timeout.ms", .int,
                "\(Self.milliseconds(configuration.groups.sessionTimeouts.upperBound))"
            ),
            (
                "group.min.session.timeout.ms", .int,
                "\(Self.milliseconds(configuration.groups.sessionTimeouts.lowerBound))"
            ),
            ("log.segment.bytes", .int, "\(configuration.segmentBytes)"),
            ("max.connections", .int, "\(Limits.logConnectionsMax)"),
            ("message.max.bytes", .int, "\(BatchRules().bytesMax)"),
            ("num.partitions", .int, "\(configuration.defaultPartitions)"),
            ("offset.metadata.max.bytes", .int, "\(configuration.groups.offsetMetadataBytesMax)"),
            ("producer.id.expiration.ms", .int, "\(Limits.logProducerExpiryMilliseconds)"),
            ("socket.request.max.bytes", .int, "\(Limits.logRequestBytesMax)"),
        ]
        return values.map { name, kind, value in
            var config = DescribeConfigsResponse.Config()
            config.name = name
            config.value = value
            config.isReadOnly = true
            config.source = SettingSource.serverFile.rawValue
            config.type = kind.rawValue
            return config
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    }
}
