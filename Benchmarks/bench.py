"""Measures the collector and log of Millrace beside nginx and Tornado, in one run, and writes
docs/performance.md. Every figure is the median of several short turns in which the servers take
turns, because the machine's speed drifts; ratios are what counts."""

import gzip
import http.client
import json
import os
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import report

ROOT = report.ROOT
BIN = os.path.join(ROOT, ".build", "release")
TURNS = int(os.environ.get("TURNS", "5"))
SECONDS = float(os.environ.get("TURN_SECONDS", "4"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "128"))
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def children(pid):
    found = [pid]
    with open(f"/proc/{pid}/task/{pid}/children") as list_:
        for child in list_.read().split():
            found += children(int(child))
    return found


def wait_for(port):
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on {port}")


class Server:
    """One contender: where to post, as whom, and whose CPU time counts."""

    def __init__(self, name, single, bulk, key, pids, process):
        self.name, self.single, self.bulk, self.key = name, single, bulk, key
        self.pids, self.process = pids, process


def start_nginx(folder):
    port = free_port()
    with open(f"{ROOT}/Benchmarks/peers/nginx.conf") as template:
        text = template.read().replace("PREFIX", folder).replace("PORT", str(port))
    with open(f"{folder}/nginx.conf", "w") as target:
        target.write(text)
    process = subprocess.Popen(["nginx", "-p", folder, "-c", f"{folder}/nginx.conf"])
    wait_for(port)
    url = f"http://127.0.0.1:{port}/"
    return Server("nginx `return 201`", url, url, "", lambda: children(process.pid), process)


def start_tornado(python):
    port = free_port()
    process = subprocess.Popen([python, f"{ROOT}/Benchmarks/peers/tornado_server.py", str(port)])
    wait_for(port)
    base = f"http://127.0.0.1:{port}"
    return Server(
        "Tornado, no log", f"{base}/events/flights", f"{base}/bulk", "",
        lambda: children(process.pid), process)


def start_millrace(folder):
    process = subprocess.Popen(
        [f"{BIN}/millrace", "up", "--data", folder], stdout=subprocess.DEVNULL)
    while not os.path.exists(f"{folder}/endpoints.json"):
        if process.poll() is not None:
            raise SystemExit("millrace up did not start")
        time.sleep(0.05)
    with open(f"{folder}/endpoints.json") as file:
        ends = json.load(file)
    base = f"{ends['collectors'][0]}/3.0/projects/{ends['project']['id']}/events"
    pids = ends["pids"]
    server = Server(
        "Millrace collector and log", f"{base}/flights", base, ends["project"]["write_key"],
        lambda: pids["collector"] + pids["log"], process)
    server.ends = ends
    return server


def turn(server, url, body_file):
    """One wrk run: requests a second, p50 and p99 in ms, server CPU seconds, failures."""
    before = cpu_seconds(server.pids())
    output = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:.0f}s", "--latency", "-s",
         f"{ROOT}/Benchmarks/post.lua", url],
        env={**os.environ, "BODY": body_file, "KEY": server.key}, capture_output=True, text=True,
    ).stdout
    cpu = cpu_seconds(server.pids()) - before
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    seconds = {"us": 1e-3, "ms": 1.0, "s": 1e3}

    def latency(percent):
        match = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", output)
        return float(match.group(1)) * seconds[match.group(2)]

    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)),
        "p50": latency(50), "p99": latency(99), "cpu": cpu / max(requests, 1) * 1e6,
        "failed": int(bad.group(1)) if bad else 0,
    }


def compare(servers, kind, body_file, events):
    turns = {server.name: [] for server in servers}
    for _ in range(TURNS):
        for server in servers:
            url = server.single if kind == "single" else server.bulk
            turns[server.name].append(turn(server, url, body_file))
    rows = []
    for server in servers:
        mine = turns[server.name]
        rows.append({
            "name": server.name,
            "rate": statistics.median(t["rate"] for t in mine) * events,
            "p50": statistics.median(t["p50"] for t in mine),
            "p99": statistics.median(t["p99"] for t in mine),
            "cpu": statistics.median(t["cpu"] for t in mine) / events,
            "failed": sum(t["failed"] for t in mine),
        })
    return rows


def freshness(server, samples=200):
    """Milliseconds from the 201 of an event to the first count that includes it."""
    ends = server.ends
    path = f"/3.0/projects/{ends['project']['id']}"
    collector = http.client.HTTPConnection(ends["collectors"][0].split("//")[1])
    query = http.client.HTTPConnection(ends["queries"][0].split("//")[1])

    def call(connection, target, key, body):
        connection.request("POST", target, json.dumps(body), {"Authorization": key})
        return json.loads(connection.getresponse().read())

    times = []
    for number in range(1, samples + 1):
        call(collector, f"{path}/events/fresh", ends["project"]["write_key"], {"n": number})
        start = time.perf_counter()
        while call(query, f"{path}/queries/count", ends["project"]["read_key"],
                   {"event_collection": "fresh"})["result"] < number:
            pass
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def table(rows, unit):
    ours = next(row for row in rows if row["name"].startswith("Millrace"))
    lines = [f"| server | {unit}/s | p50 ms | p99 ms | server CPU-s per million | "
             "rate, Millrace : peer | CPU, peer : Millrace | failed |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        lines.append(
            f"| {row['name']} | {row['rate']:,.0f} | {row['p50']:.2f} | {row['p99']:.2f} | "
            f"{row['cpu']:.2f} | {ours['rate'] / row['rate']:.2f} | "
            f"{row['cpu'] / ours['cpu']:.2f} | {row['failed']} |")
    return "\n".join(lines)


def main():
    python = sys.argv[1]
    folder = tempfile.mkdtemp(prefix="millrace-bench-")
    with gzip.open(f"{ROOT}/samples/flights-2013-01.ndjson.gz", "rt") as sample:
        events = [json.loads(line) for _, line in zip(range(100), sample)]
    single, bulk = f"{folder}/single.json", f"{folder}/bulk.json"
    with open(single, "w") as file:
        json.dump(events[0], file)
    with open(bulk, "w") as file:
        json.dump({"flights": events}, file)
    servers = []
    try:
        servers.append(start_nginx(folder))
        servers.append(start_tornado(python))
        servers.append(start_millrace(f"{folder}/data"))
        fresh = freshness(servers[2])
        singles = compare(servers, "single", single, 1)
        bulks = compare(servers, "bulk", bulk, 100)
    finally:
        for server in servers:
            server.process.send_signal(signal.SIGTERM)
            server.process.wait()
    report.put("Writing over HTTP", f"""
Written by `make bench`: {TURNS} turns of {SECONDS:.0f} s for each server in rotation, {CONNECTIONS} connections,
load generator and servers on the same {os.cpu_count()} cores ({platform.machine()}), so that rates are those of
a machine that also makes the load. The figures are medians. Server CPU counts every process that
serves: for Millrace the collector and the log server, which syncs to disk before it acknowledges,
while workers and store keep up on the same cores. nginx reads nothing and keeps nothing; Tornado
parses the event and keeps nothing.

One event a request:

{table(singles, "requests")}

A hundred events a request:

{table(bulks, "events")}

An event is in the answer of a query {fresh[0]:.0f} ms (median) and {fresh[1]:.0f} ms (99th percentile of 200) after
its 201, one event at a time.
""")


if __name__ == "__main__":
    main()
