-- wrk: POST one body over and over; BODY, KEY and EXPECT come from the environment.
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = os.getenv("KEY") or ""
file:close()
