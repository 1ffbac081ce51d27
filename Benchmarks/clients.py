"""Measures queries from end to end: a whole system of Millrace, asked over HTTP, beside ClickHouse
(chdb), asked within its process. First one client asks one query after the other, then ten ask at once,
small and large ones mixed, while events arrive."""

import http.client
import json
import os
import platform
import random
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
EVENTS = int(os.environ.get("EVENTS", "2000000"))
SECONDS = float(os.environ.get("SECONDS", "20"))
RATE = int(os.environ.get("RATE", "50000"))
TURNS = 10
CLIENTS = 10
# Events come so many at a time, all in one call of each system.
BATCH = 2500
FRAME = {"start": "2013-01-01T00:00:00Z", "end": "2013-02-05T00:00:00Z"}
WEEK = {"start": "2013-01-11T00:00:00Z", "end": "2013-01-18T00:00:00Z"}
COUNTRY = [{"property_name": "country", "operator": "eq", "property_value": "c3"}]
BUSY = [{"property_name": "items", "operator": "gte", "property_value": 3},
        {"property_name": "ab", "operator": "eq", "property_value": True}]
START, DAY = 1356998400000, 86400000

# Name, analysis, parameters, and the same in SQL.
QUERIES = [
    ("count of a country, a week", "count", {"timeframe": WEEK, "filters": COUNTRY},
     f"SELECT count() FROM t WHERE country = 'c3' AND ms >= {START + 10 * DAY} AND ms < {START + 17 * DAY}"),
    ("latest 100 matching", "extraction",
     {"timeframe": FRAME, "filters": COUNTRY + BUSY, "latest": 100, "property_names": ["user_id"]},
     "SELECT user_id FROM t WHERE country = 'c3' AND items >= 3 AND ab ORDER BY ms DESC LIMIT 100"),
    ("hourly count, two filters", "count",
     {"timeframe": FRAME, "filters": BUSY, "interval": "hourly"},
     f"SELECT intDiv(ms - {START}, {DAY // 24}) AS b, count() FROM t WHERE items >= 3 AND ab GROUP BY b"),
    ("sum by country", "sum",
     {"timeframe": FRAME, "target_property": "amount", "group_by": "country"},
     "SELECT country, sum(amount) FROM t GROUP BY country"),
    ("top 10 of 5,000 pages", "count",
     {"timeframe": FRAME, "group_by": "page", "order_by": {"property_name": "result", "direction": "DESC"},
      "limit": 10},
     "SELECT page, count() AS n FROM t GROUP BY page ORDER BY n DESC LIMIT 10"),
    ("distinct users", "count_unique", {"timeframe": FRAME, "target_property": "user_id"},
     "SELECT uniqExact(user_id) FROM t"),
    ("95th percentile by country", "percentile",
     {"timeframe": FRAME, "target_property": "session_ms", "percentile": 95, "group_by": "country"},
     "SELECT country, quantileExact(0.95)(session_ms) FROM t GROUP BY country"),
]
NAMES = [name for name, *_ in QUERIES]


class Load:
    """One client after another, then ten at once beside a writer. What asks and what writes is given:
    `ask(connection, number of the query)`, `write(connection, number of the batch)`."""

    def __init__(self, connect, ask, write):
        self.connect, self.ask, self.write = connect, ask, write

    def timed(self, connection, number):
        start = time.perf_counter()
        self.ask(connection, number)
        return (time.perf_counter() - start) * 1e3

    def alone(self):
        connection = self.connect()
        return {name: [self.timed(connection, number) for _ in range(TURNS + 2)][2:]
                for number, name in enumerate(NAMES)}

    def beside(self):
        """The smallest query alone, and while the largest runs all the time."""
        connection, other = self.connect(), self.connect()
        alone = [self.timed(connection, 0) for _ in range(200)]
        ended = threading.Event()

        def work():
            while not ended.is_set():
                self.ask(other, len(QUERIES) - 1)

        worker = threading.Thread(target=work)
        worker.start()
        busy = [self.timed(connection, 0) for _ in range(200)]
        ended.set()
        worker.join()
        return alone, busy

    def together(self, batches):
        found = {name: [] for name in NAMES}
        begin = time.monotonic()
        failures, written = [], [0]

        def read(number):
            # In an order of its own that can be repeated.
            order, connection = random.Random(number), self.connect()
            while time.monotonic() < begin + SECONDS:
                turn = order.randrange(len(QUERIES))
                found[NAMES[turn]].append(self.timed(connection, turn))

        def produce():
            connection = self.connect()
            while (now := time.monotonic()) < begin + SECONDS:
                due = begin + written[0] * BATCH / RATE
                if due > now:
                    time.sleep(due - now)
                self.write(connection, written[0] % batches)
                written[0] += 1

        def guarded(work, *words):
            try:
                work(*words)
            except Exception as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=guarded, args=(read, n)) for n in range(CLIENTS)]
        threads.append(threading.Thread(target=guarded, args=(produce,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise SystemExit(f"a client failed: {failures[0]}")
        return found, written[0] * BATCH / SECONDS


class Client:
    """One connection that is kept."""

    def __init__(self, base, key):
        self.connection = http.client.HTTPConnection(urlparse(base).netloc, timeout=300)
        self.key = key

    def post(self, path, body):
        self.connection.request(
            "POST", path, body, {"Authorization": self.key, "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{path}: {answer.status} {text[:300]}")
        return text


class System:
    """A running system with a project."""

    def __init__(self, folder, cache_bytes=None):
        environment = dict(os.environ)
        if cache_bytes is not None:
            environment["MILLRACE_STORE_ANSWER_CACHE_BYTES"] = str(cache_bytes)
        endpoints = f"{folder}/endpoints.json"
        if os.path.exists(endpoints):
            os.remove(endpoints)
        self.process = subprocess.Popen(
            [f"{BIN}/millrace", "up", "--data", folder], stdout=subprocess.DEVNULL, env=environment)
        while not os.path.exists(endpoints):
            if self.process.poll() is not None:
                raise SystemExit("millrace up did not start")
            time.sleep(0.05)
        with open(endpoints) as file:
            self.ends = json.load(file)
        self.path = f"/3.0/projects/{self.ends['project']['id']}"

    def writer(self):
        return Client(self.ends["collectors"][0], self.ends["project"]["write_key"])

    def reader(self):
        return Client(self.ends["queries"][0], self.ends["project"]["read_key"])

    def ask(self, client, number):
        _, analysis, parameters, _ = QUERIES[number]
        body = json.dumps({"event_collection": "views"} | parameters)
        return client.post(f"{self.path}/queries/{analysis}", body)

    def count(self):
        body = json.dumps({"event_collection": "views", "timeframe": FRAME})
        return json.loads(self.reader().post(f"{self.path}/queries/count", body))["result"]

    def wait(self, count):
        end = time.monotonic() + 1200
        while self.count() < count:
            if time.monotonic() > end:
                raise SystemExit("the events did not arrive")
            time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def body(lines):
    return b'{"views":[' + b",".join(lines) + b"]}"


def generate(folder):
    """The events, and the batches that arrive later: the first ones again, a month after."""
    with open(f"{folder}/events.ndjson", "wb") as file:
        with subprocess.Popen(
                [f"{BIN}/benchstore", "generate", "--events", str(EVENTS)],
                stdout=subprocess.PIPE) as process:
            for line in process.stdout:
                # The collector gives ids and times of arrival itself.
                head, stamp = line.rsplit(b'"keen":{"id"', 1)
                file.write(head + b'"keen":{"timestamp"' + stamp.rsplit(b'"timestamp"', 1)[1])
    batches = 0
    with open(f"{folder}/events.ndjson", "rb") as file:
        while batches < 40:
            lines = [file.readline() for _ in range(BATCH)]
            if not lines[-1]:
                break
            at = f'"2013-02-01T00:{batches:02}:00.000Z"}}}}\n'.encode()
            lines = [line[:line.rindex(b'"timestamp":') + 12] + at for line in lines]
            with open(f"{folder}/batch{batches}.ndjson", "wb") as batch:
                batch.writelines(lines)
            batches += 1
    return batches


def millrace(folder, batches):
    data = f"{folder}/millrace"
    system = System(data, cache_bytes=0)
    try:
        writer, path = system.writer(), f"{system.path}/events"
        with open(f"{folder}/events.ndjson", "rb") as file:
            while lines := [line.strip() for line in (file.readline() for _ in range(BATCH)) if line]:
                writer.post(path, body(lines))
        system.wait(EVENTS)
        time.sleep(5)  # The merger's.
        load = Load(system.reader, system.ask, None)
        fresh, beside = load.alone(), load.beside()
    finally:
        system.stop()
    system = System(data)
    try:
        bodies = []
        for number in range(batches):
            with open(f"{folder}/batch{number}.ndjson", "rb") as file:
                bodies.append(body([line.strip() for line in file]))
        load = Load(system.reader, system.ask, None)
        alone = load.alone()
        writer = system.writer()
        load.write = lambda _, number: writer.post(f"{system.path}/events", bodies[number])
        return fresh, beside, alone, *load.together(batches)
    finally:
        system.stop()


STRUCTURE = ("user_id Int64, country String, page String, device String, referrer String, amount Float64, "
             "items Int64, session_ms Int64, ab Bool, keen Tuple(timestamp DateTime64(3))")


def clickhouse(folder, batches):
    """In a process of its own, see `main`: chdb shares its process with the clients."""
    from chdb import session

    base = session.Session(f"{folder}/chdb")
    base.query("CREATE DATABASE b ENGINE = Atomic")
    base.query("""CREATE TABLE b.t (user_id Int64, country LowCardinality(String),
      page LowCardinality(String), device LowCardinality(String), referrer LowCardinality(String),
      amount Float64, items Int64, session_ms Int64, ab Bool, ms Int64) ENGINE = MergeTree ORDER BY ms""")

    def insert(source):
        base.query(f"""INSERT INTO b.t SELECT user_id, country, page, device, referrer, amount, items,
          session_ms, ab, toUnixTimestamp64Milli(keen.timestamp)
          FROM file('{source}', 'JSONEachRow', '{STRUCTURE}') SETTINGS date_time_input_format = 'best_effort'""")

    insert(f"{folder}/events.ndjson")
    base.query("OPTIMIZE TABLE b.t FINAL")
    # The arriving events are parsed from memory-cached files, as Millrace parses them from requests.
    load = Load(
        lambda: None,
        lambda _, number: base.query(QUERIES[number][3].replace("FROM t", "FROM b.t"), "JSONCompactEachRow"),
        lambda _, number: insert(f"{folder}/batch{number}.ndjson"))
    alone = load.alone()
    return alone, *load.together(batches)


def main():
    if sys.argv[1] == "clickhouse":
        print(json.dumps(clickhouse(sys.argv[2], int(sys.argv[3]))))
        return
    folder = tempfile.mkdtemp(prefix="millrace-bench-clients-")
    try:
        batches = generate(folder)
        ours = millrace(folder, batches)
        theirs = json.loads(subprocess.run(
            [sys.argv[1], __file__, "clickhouse", folder, str(batches)], check=True,
            stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(*ours, *theirs)


def late(times):
    return sorted(times)[min(len(times) * 99 // 100, len(times) - 1)]


def write(fresh, beside, alone, ten, rate, their_alone, their_ten, their_rate):
    median = statistics.median
    one = ["| query | Millrace | repeated | ClickHouse | ClickHouse : Millrace | : repeated |",
           "| --- | --- | --- | --- | --- | --- |"]
    both = ["| query | Millrace: answers | median | 99th percentile | ClickHouse: answers | median "
            "| 99th percentile | median, ClickHouse : Millrace |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name in NAMES:
        new, again, other = median(fresh[name]), median(alone[name]), median(their_alone[name])
        one.append(f"| {name} | {new:.1f} | {again:.1f} | {other:.1f} | {other / new:.1f} | {other / again:.1f} |")
        mine, others = ten[name], their_ten[name]
        both.append(
            f"| {name} | {len(mine)} | {median(mine):.1f} | {late(mine):.1f} | {len(others)} | "
            f"{median(others):.1f} | {late(others):.1f} | {median(others) / median(mine):.1f} |")
    one, both = "\n".join(one), "\n".join(both)
    report.put("Queries over HTTP", f"""
Written by `make bench-clients`: {EVENTS:,} events that came in over HTTP, in a whole system on one machine
(`millrace up`, 4 shards in one storage node), {os.cpu_count()} cores ({platform.machine()}),
milliseconds. Millrace is asked over HTTP, and its clients and its five processes share the cores;
ClickHouse (chdb) is asked by its own process, without a network.

One client, medians of {TURNS}; *repeated* is with the answers of sealed blocks kept, as a storage node does
it, the column before without (`store.answer_cache_bytes: 0`):

{one}

Ten clients for {SECONDS:.0f} s, each with the queries in an order of its own, while events arrive: {rate:,.0f} a second
at Millrace, {their_rate:,.0f} at ClickHouse, both of {RATE:,} offered, {BATCH:,} at a time:

{both}

Fairness: {NAMES[0]}, answers not kept, takes {median(beside[0]):.1f} ms (99th percentile {late(beside[0]):.1f})
alone, and {median(beside[1]):.1f} ms ({late(beside[1]):.1f}) while a second client asks for {NAMES[-1]}
without a pause.
""")


if __name__ == "__main__":
    main()
