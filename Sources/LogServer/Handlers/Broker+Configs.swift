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

/// What has settings, as the protocol numbers it.
struct ConfigResource: Hashable {
    static let topic: Int8 = 2
    static let broker: Int8 = 4

    var type: Int8
    var name: String
}

extension Broker {
    func source(of name: String, in settings: TopicSettings) -> SettingSource {
        if settings.changed[name] != nil { return .topic }
        return topicDefaults[name] != nil ? .serverFile : .defaultValue
    }

    func describeConfigs(
        _ request: DescribeConfigsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeConfigsResponse>
    ) {
        var response = DescribeConfigsResponse()
        let resources = unique(request.resources) {
            ConfigResource(type: $0.type, name: $0.name)
        }
        response.results = resources.map { resource in
            var result = DescribeConfigsResponse.Result()
            result.type = resource.type
            result.name = resource.name
            do throws(TopicError) {
                var all = try configs(of: resource, showsSynonyms: request.includeSynonyms)
                if !request.includeDocumentation {
                    for index in all.indices { all[index].documentation = nil }
                }
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
        case ConfigResource.topic:
            guard let topic = topics.topic(named: resource.name) else {
                throw TopicError(.unknownTopicOrPartition)
            }
            return topicConfigs(topic.settings, showsSynonyms: showsSynonyms)
        case ConfigResource.broker:
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
        let defaults = topicDefaults
        return TopicSettings.definitions.map { definition in
            var config = DescribeConfigsResponse.Config()
            config.name = definition.name
            config.value = settings.value(definition.name, defaults)
            config.source = source(of: definition.name, in: settings).rawValue
            config.type = definition.kind.rawValue
            config.documentation = definition.documentation
            guard showsSynonyms else { return config }
            let layers: [(SettingSource, String?)] = [
                (.topic, settings.changed[definition.name]),
                (.serverFile, defaults[definition.name]),
                (.defaultValue, definition.defaultValue),
            ]
            config.synonyms = layers.compactMap { source, value in
                guard let value else { return nil }
                var synonym = DescribeConfigsResponse.Synonym()
                synonym.name = source == .topic ? definition.name : definition.serverName
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
        let groups = configuration.groups
        let values: [(String, SettingDefinition.Kind, any CustomStringConvertible)] = [
            ("auto.create.topics.enable", .bool, configuration.autoCreatesTopics),
            ("broker.id", .int, nodeID),
            ("connections.max.idle.ms", .long, Limits.logConnectionIdleSeconds * 1000),
            ("default.replication.factor", .int, 1),
            ("fetch.max.bytes", .int, Limits.logFetchBytesMax),
            (
                "group.initial.rebalance.delay.ms", .int,
                Self.milliseconds(groups.initialRebalanceDelay)
            ),
            (
                "group.max.session.timeout.ms", .int,
                Self.milliseconds(groups.sessionTimeouts.upperBound)
            ),
            (
                "group.min.session.timeout.ms", .int,
                Self.milliseconds(groups.sessionTimeouts.lowerBound)
            ),
            ("log.cleaner.backoff.ms", .long, Self.milliseconds(configuration.compactionInterval)),
            ("log.dirs", .string, configuration.directory),
            (
                "log.retention.check.interval.ms", .long,
                Self.milliseconds(configuration.retentionCheckInterval)
            ),
            ("max.connections", .int, Limits.logConnectionsMax),
            ("num.partitions", .int, configuration.defaultPartitions),
            ("offset.metadata.max.bytes", .int, groups.offsetMetadataBytesMax),
            (
                "offsets.retention.minutes", .int,
                Self.milliseconds(groups.offsetsRetention) / 60_000
            ),
            ("producer.id.expiration.ms", .int, Limits.logProducerExpiryMilliseconds),
            ("socket.request.max.bytes", .int, Limits.logRequestBytesMax),
        ]
        let own = values.map { name, kind, value in
            brokerConfig(name, "\(value)", kind, .serverFile)
        }
        let defaults = topicDefaults
        let ofTopics = TopicSettings.definitions.filter { $0.name != $0.serverName }.map {
            brokerConfig(
                $0.serverName, defaults[$0.name] ?? $0.defaultValue, $0.kind,
                defaults[$0.name] == nil ? .defaultValue : .serverFile, $0.documentation)
        }
        return (own + ofTopics).sorted { $0.name < $1.name }
    }

    private func brokerConfig(
        _ name: String, _ value: String, _ kind: SettingDefinition.Kind, _ source: SettingSource,
        _ documentation: String? = nil
    ) -> DescribeConfigsResponse.Config {
        var config = DescribeConfigsResponse.Config()
        config.name = name
        config.value = value
        config.isReadOnly = true
        config.source = source.rawValue
        config.type = kind.rawValue
        config.documentation = documentation
        return config
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    }
}
