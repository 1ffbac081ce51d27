"""Measures small queries over HTTP against a whole system with the sample flights: many at once, and
one after another with what the query server adds to the storage node's work."""

import http.client
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.parse

import report

MILLRACE = os.path.join(report.ROOT, ".build", "release", "millrace")
SAMPLE = os.path.join(report.ROOT, "samples", "flights-2013-01.ndjson.gz")
SECONDS = int(os.environ.get("DURATION", "10"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "500"))
TURNS = int(os.environ.get("TURNS", "300"))

JANUARY = {"start": "2013-01-01T00:00:00-05:00", "end": "2013-02-01T00:00:00-05:00"}
QUERIES = {
    "count": ("count", {}),
    "count of one airline, a week": ("count", {
        "timeframe": {"start": "2013-01-07T00:00:00-05:00", "end": "2013-01-14T00:00:00-05:00"},
        "filters": [{"property_name": "carrier.code", "operator": "eq", "property_value": "UA"}]}),
    "average by airline": ("average", {
        "target_property": "departure.delay", "group_by": "carrier.name", "timeframe": JANUARY}),
    "daily sums": ("sum", {
        "target_property": "distance", "interval": "daily", "timezone": "US/Eastern",
        "timeframe": JANUARY}),
    "three figures by airport": ("multi_analysis", {
        "group_by": "origin", "timeframe": JANUARY, "analyses": {
            "n": {"analysis_type": "count"},
            "p95": {"analysis_type": "percentile", "target_property": "arrival.delay",
                    "percentile": 95},
            "late": {"analysis_type": "count", "filters": [
                {"property_name": "arrival.delay", "operator": "gt", "property_value": 15}]}}}),
}


class Api:
    def __init__(self, endpoints):
        self.project = endpoints["project"]
        self.path = f"/3.0/projects/{self.project['id']}/queries/"
        self.url = endpoints["api"]
        self.connection = http.client.HTTPConnection(urllib.parse.urlparse(self.url).netloc)

    def ask(self, analysis, members):
        body = json.dumps({"event_collection": "flights", **members})
        self.connection.request(
            "POST", self.path + analysis, body, {"Authorization": self.project["read_key"]})
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text)


def wait(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def one_after_another(api):
    """For each query the milliseconds in the query server, and those beside the storage node's."""
    rows = []
    for name, (analysis, members) in QUERIES.items():
        totals, added = [], []
        for turn in range(TURNS + 20):
            found = api.ask(analysis, {**members, "explain": True})["explain"]["milliseconds"]
            if turn >= 20:
                totals.append(found["total"])
                added.append(found["total"] - found["list"] - found["read"] - found["merge"])
        beside = statistics.median(added)
        shown = f"{beside:.2f}" if beside > 0 else "–"
        rows.append(f"| {name} | {statistics.median(totals):.2f} | {shown} |")
    return rows


def many_at_once(api, folder):
    with open(f"{folder}/queries.txt", "w") as file:
        for analysis, members in QUERIES.values():
            body = json.dumps({"event_collection": "flights", **members})
            file.write(f"{api.path}{analysis}\t{body}\n")
    rows = []
    for connections in (1, 50, CONNECTIONS):
        done = subprocess.run(
            ["wrk", "-t", "1", "-c", str(connections), "-d", f"{SECONDS}s", "--timeout", "10s",
             "-s", os.path.join(report.ROOT, "Benchmarks", "api.lua"), api.url],
            env={**os.environ, "QUERIES": f"{folder}/queries.txt",
                 "KEY": api.project["read_key"]},
            capture_output=True, text=True, check=True)
        found = dict(
            line.split() for line in done.stdout.splitlines()
            if line.split()[:1] and line.split()[0] in (
                "requests", "microseconds", "p50", "p99", "errors") and len(line.split()) == 2)
        assert found["errors"] == "0", done.stdout
        rate = int(found["requests"]) / int(found["microseconds"]) * 1e6
        rows.append(
            f"| {connections} | {rate:,.0f} | {int(found['p50']) / 1000:.1f} | "
            f"{int(found['p99']) / 1000:.1f} |")
    return rows


def main():
    folder = tempfile.mkdtemp(prefix="millrace-bench-api-")
    data = f"{folder}/data"
    log = open(f"{folder}/log.txt", "wb")
    system = subprocess.Popen([MILLRACE, "up", "--data", data], stdout=log, stderr=log)
    try:
        wait(lambda: os.path.exists(f"{data}/endpoints.json"), "the system is ready")
        with open(f"{data}/endpoints.json") as file:
            api = Api(json.load(file))
        subprocess.run(
            [MILLRACE, "import", SAMPLE, "--collection", "flights", "--data", data], check=True,
            capture_output=True)
        wait(lambda: api.ask("count", {})["result"] == 27004, "all flights can be counted")
        single = "\n".join(one_after_another(api))
        many = "\n".join(many_at_once(api, folder))
    finally:
        system.send_signal(signal.SIGTERM)
        system.wait(60)
        shutil.rmtree(folder, ignore_errors=True)
    report.put("Small queries over HTTP", f"""
Written by `make bench-api`: `millrace up` with one storage node on {os.cpu_count()} cores ({platform.machine()}), which
the load shares, 27,004 events, five queries. One after another, medians of {TURNS}, as `explain` says it: in the query
server altogether, and what that is more than the storage node's reading and merging: planning,
the way to the node and back, putting together, formatting. Reading counts the time of every shard, also of
those that are read at once, so the difference is a lower bound; a dash is where it says nothing.

| query | ms | of them not in the storage node |
| --- | --- | --- |
{single}

The same five in turn on so many connections, {SECONDS} s each:

| connections | queries/s | p50 ms | p99 ms |
| --- | --- | --- | --- |
{many}
""")


if __name__ == "__main__":
    main()
