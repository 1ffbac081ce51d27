// AlterConfigs and IncrementalAlterConfigs: changing the settings of topics. Each resource is
// changed as a whole or not at all. The server's own settings come from its file and flags.

internal import Base
internal import EventLoop
internal import KafkaWire

extension Broker {
    /// What is to be done to one setting, as the protocol numbers it.
    private enum ConfigOperation: Int8 {
        case set = 0
        case delete = 1
        case append = 2
        case subtract = 3
    }

    /// Gives topics all their settings anew.
    func alterConfigs(
        _ request: AlterConfigsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<AlterConfigsResponse>
    ) {
        run(on: control, reply) { [self] in
            let names = request.resources.map { ConfigResource(type: $0.type, name: $0.name) }
            var response = AlterConfigsResponse()
            response.results = request.resources.map { resource in
                var result = AlterConfigsResponse.Result()
                (result.type, result.name) = (resource.type, resource.name)
                do throws(TopicError) {
                    let name = ConfigResource(type: resource.type, name: resource.name)
                    try change(name, among: names, isTrial: request.validateOnly) {
                        _ throws(TopicError) in
                        var settings = TopicSettings()
                        for config in resource.configs {
                            try settings.set(config.name, to: config.value)
                        }
                        return settings
                    }
                } catch {
                    result.error = error.code
                    result.errorMessage = error.message
                }
                return result
            }
            return response
        }
    }

    /// Changes some settings of topics.
    func changeConfigs(
        _ request: IncrementalAlterConfigsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<IncrementalAlterConfigsResponse>
    ) {
        run(on: control, reply) { [self] in
            let names = request.resources.map { ConfigResource(type: $0.type, name: $0.name) }
            var response = IncrementalAlterConfigsResponse()
            response.results = request.resources.map { resource in
                var result = IncrementalAlterConfigsResponse.Result()
                (result.type, result.name) = (resource.type, resource.name)
                do throws(TopicError) {
                    let name = ConfigResource(type: resource.type, name: resource.name)
                    try change(name, among: names, isTrial: request.validateOnly) {
                        old throws(TopicError) in try changed(old, by: resource.configs)
                    }
                } catch {
                    result.error = error.code
                    result.errorMessage = error.message
                }
                return result
            }
            return response
        }
    }

    private func changed(
        _ old: TopicSettings, by configs: [IncrementalAlterConfigsRequest.Config]
    ) throws(TopicError) -> TopicSettings {
        var settings = old
        guard unique(configs, by: \.name).count == configs.count else {
            throw TopicError(.invalidRequest, "a setting is named twice")
        }
        let defaults = topicDefaults
        for config in configs {
            switch ConfigOperation(rawValue: config.operation) {
            case .set:
                guard let value = config.value else {
                    throw TopicError(.invalidConfig, "\(config.name): no value was given")
                }
                try settings.set(config.name, to: value)
            case .delete: try settings.set(config.name, to: nil)
            case .append:
                try settings.change(config.name, adding: true, config.value, defaults)
            case .subtract:
                try settings.change(config.name, adding: false, config.value, defaults)
            case nil:
                throw TopicError(
                    .invalidRequest, "\(config.name): no operation is \(config.operation)")
            }
        }
        return settings
    }

    /// Changes the settings of one resource. Control thread.
    private func change(
        _ resource: ConfigResource, among all: [ConfigResource], isTrial: Bool,
        _ body: (TopicSettings) throws(TopicError) -> TopicSettings
    ) throws(TopicError) {
        guard all.count(where: { $0 == resource }) == 1 else {
            throw TopicError(.invalidRequest, "the resource is named twice")
        }
        switch resource.type {
        case ConfigResource.topic:
            guard let topic = topics.topic(named: resource.name) else {
                throw TopicError(.unknownTopicOrPartition)
            }
            try topics.configure(topic, try body(topic.settings), isTrial: isTrial)
        case ConfigResource.broker:
            throw TopicError(
                .invalidConfig,
                "the server's settings come from its file and flags; they change with a restart")
        default:
            throw TopicError(
                .invalidRequest, "resources of type \(resource.type) have no settings here")
        }
    }
}
