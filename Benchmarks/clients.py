"""Measures queries from end to end: a whole system of Millrace, asked over HTTP. First one client after
the other queries, then ten at once, small and large mixed, while events arrive. There are no peers here:
DuckDB and chdb answer one process, and ten of its threads share what two could have."""

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from urllib.parse import urlparse

import report

BIN = os.path.join(report.ROOT, ".build", "release")
EVENTS = int(os.environ.get("EVENTS", "1000000"))
SECONDS = float(os.environ.get("SECONDS", "10"))
CLIENTS = 10
FRAME = {"start": "2013-01-01T00:00:00Z", "end": "2013-01-31T00:00:00Z"}
WEEK = {"start": "2013-01-11T00:00:00Z", "end": "2013-01-18T00:00:00Z"}
COUNTRY = [{"property_name": "country", "operator": "eq", "property_value": "c3"}]
BUSY = [{"property_name": "items", "operator": "gte", "property_value": 3},
        {"property_name": "ab", "operator": "eq", "property_value": True}]

# Name, whether it is a small one, analysis, parameters.
QUERIES = [
    ("count of a country, a week", True, "count", {"timeframe": WEEK, "filters": COUNTRY}),
    ("latest 100 matching", True, "extraction",
     {"timeframe": FRAME, "filters": COUNTRY + BUSY, "latest": 100, "property_names": ["user_id"]}),
    ("hourly count, two filters", True, "count",
     {"timeframe": FRAME, "filters": BUSY, "interval": "hourly"}),
    ("sum by country", True, "sum",
     {"timeframe": FRAME, "target_property": "amount", "group_by": "country"}),
    ("count by 5,000 pages", False, "count", {"timeframe": FRAME, "group_by": "page"}),
    ("distinct users", False, "count_unique", {"timeframe": FRAME, "target_property": "user_id"}),
    ("95th percentile by country", False, "percentile",
     {"timeframe": FRAME, "target_property": "session_ms", "percentile": 95, "group_by": "country"}),
]


class Client:
    """One connection that is kept."""

    def __init__(self, base, key):
        self.connection = http.client.HTTPConnection(urlparse(base).netloc, timeout=60)
        self.key = key

    def post(self, path, body):
        self.connection.request(
            "POST", path, body if isinstance(body, (bytes, str)) else json.dumps(body),
            {"Authorization": self.key, "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{path}: {answer.status} {text[:300]}")
        return json.loads(text)


def lines():
    with subprocess.Popen(
            [f"{BIN}/benchstore", "generate", "--events", str(EVENTS)],
            stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            # The collector gives ids and times of arrival itself.
            head, stamp = line.rsplit(b'"keen":{"id"', 1)
            yield head + b'"keen":{"timestamp"' + stamp.rsplit(b'"timestamp"', 1)[1].strip()


def load(client, path):
    batch = []
    for line in lines():
        batch.append(line)
        if len(batch) == 2000:
            client.post(path, b'{"views":[' + b",".join(batch) + b"]}")
            batch = []
    if batch:
        client.post(path, b'{"views":[' + b",".join(batch) + b"]}")


class System:
    """A running system with a project."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [f"{BIN}/millrace", "up", "--data", folder], stdout=subprocess.DEVNULL)
        while not os.path.exists(f"{folder}/endpoints.json"):
            if self.process.poll() is not None:
                raise SystemExit("millrace up did not start")
            time.sleep(0.05)
        with open(f"{folder}/endpoints.json") as file:
            self.ends = json.load(file)
        self.path = f"/3.0/projects/{self.ends['project']['id']}"

    def writer(self):
        return Client(self.ends["collectors"][0], self.ends["project"]["write_key"])

    def reader(self):
        return Client(self.ends["queries"][0], self.ends["project"]["read_key"])

    def ask(self, client, analysis, parameters):
        body = {"event_collection": "views"} | parameters
        start = time.perf_counter()
        result = client.post(f"{self.path}/queries/{analysis}", body)["result"]
        return (time.perf_counter() - start) * 1e3, result


def alone(system):
    client = system.reader()
    found = {}
    for name, _, analysis, parameters in QUERIES:
        times = [system.ask(client, analysis, parameters)[0] for _ in range(12)][2:]
        found[name] = times
    return found


def together(system):
    """Ten clients, each with the queries in an order of its own, and one that writes."""
    found = {name: [] for name, *_ in QUERIES}
    end = time.monotonic() + SECONDS
    written = [0]

    def read(number):
        client = system.reader()
        turn = number
        while time.monotonic() < end:
            name, _, analysis, parameters = QUERIES[turn % len(QUERIES)]
            found[name].append(system.ask(client, analysis, parameters)[0])
            turn += 1 + number % 3

    def write():
        client = system.writer()
        stamp = b'{"user_id":1,"country":"c9","page":"/page/1","keen":{"timestamp":"2013-01-29T10:00:00Z"}}'
        body = b'{"views":[' + b",".join([stamp] * 200) + b"]}"
        while time.monotonic() < end:
            client.post(f"{system.path}/events", body)
            written[0] += 200
            time.sleep(0.1)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(CLIENTS)]
    threads.append(threading.Thread(target=write))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, written[0]


def main():
    folder = tempfile.mkdtemp(prefix="millrace-bench-clients-")
    system = System(folder)
    try:
        load(system.writer(), f"{system.path}/events")
        client = system.reader()
        for _ in range(3000):
            if system.ask(client, "count", {"timeframe": FRAME})[1] == EVENTS:
                break
            time.sleep(0.1)
        else:
            raise SystemExit("the events did not arrive")
        one = alone(system)
        ten, written = together(system)
    finally:
        system.process.terminate()
        system.process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
    write(one, ten, written)


def write(one, ten, written):
    rows = ["| query | one client, median ms | ten clients: answers | median ms | 99th percentile ms |",
            "| --- | --- | --- | --- | --- |"]
    for name, *_ in QUERIES:
        times = sorted(ten[name])
        late = times[min(len(times) * 99 // 100, len(times) - 1)] if times else float("nan")
        rows.append(
            f"| {name} | {statistics.median(one[name]):.1f} | {len(times)} | "
            f"{statistics.median(times) if times else float('nan'):.1f} | {late:.1f} |")
    table = "\n".join(rows)
    report.put("Queries over HTTP", f"""
Written by `make bench-clients`: {EVENTS:,} events in a whole system on one machine (`millrace up`), asked over HTTP.
*One client* asks one query after the other, again and again, so answers of sealed blocks are known;
*ten clients* ask all of them at once for {SECONDS:.0f} s, each in an order of its own, while {written / SECONDS:,.0f}
events/s arrive. DuckDB and chdb run inside one process and are not made for ten clients, so there is
no peer here.

{table}
""")


if __name__ == "__main__":
    main()
