-- wrk: the small queries of the file QUERIES in turn, a path, a tab and a body on each line.
local path = os.getenv("QUERIES")
local requests = {}
local next_one = 0

function init()
    local headers = {["Authorization"] = os.getenv("KEY"), ["Content-Type"] = "application/json"}
    for line in io.lines(path) do
        local target, body = line:match("^(.-)\t(.*)$")
        requests[#requests + 1] = wrk.format("POST", target, headers, body)
    end
end

function request()
    next_one = next_one % #requests + 1
    return requests[next_one]
end

function done(summary, latency)
    print(string.format("requests %d\nmicroseconds %d\np50 %d\np99 %d\nerrors %d",
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        summary.errors.status + summary.errors.connect + summary.errors.read
            + summary.errors.write + summary.errors.timeout))
end
