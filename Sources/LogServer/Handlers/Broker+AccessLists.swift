// Access lists and quotas: there are none, and the answers say so as those of a Kafka without an
// authorizer do.

internal import EventLoop
internal import KafkaWire

extension Broker {
    func describeAcls(
        _ request: DescribeAclsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeAclsResponse>
    ) {
        var response = DescribeAclsResponse()
        response.error = .securityDisabled
        response.errorMessage = response.error.text
        reply(.response(response))
    }

    func createAcls(
        _ request: CreateAclsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<CreateAclsResponse>
    ) {
        var response = CreateAclsResponse()
        response.results = request.rules.map { _ in
            var result = CreateAclsResponse.Result()
            result.error = .securityDisabled
            result.errorMessage = result.error.text
            return result
        }
        reply(.response(response))
    }

    func deleteAcls(
        _ request: DeleteAclsRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DeleteAclsResponse>
    ) {
        var response = DeleteAclsResponse()
        response.results = request.filters.map { _ in
            var result = DeleteAclsResponse.Result()
            result.error = .securityDisabled
            result.errorMessage = result.error.text
            return result
        }
        reply(.response(response))
    }

    func describeQuotas(
        _ request: DescribeClientQuotasRequest, _ context: RequestContext,
        _ reply: @escaping Reply<DescribeClientQuotasResponse>
    ) {
        var response = DescribeClientQuotasResponse()
        response.entries = []
        reply(.response(response))
    }
}
