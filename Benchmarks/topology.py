"""Measures the worker's topology: events a second and CPU an event with 1, 2 and 4 workers, and by
bolt; beside Quix Streams (a stream library of Python on confluent-kafka), which decodes the same log
and counts by collection; and how long a partition is idle after a worker was killed. Writes its
section of docs/performance.md."""

import json
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

import report
from bench import BIN, cpu_seconds, free_port, wait_for

EVENTS = int(os.environ.get("EVENTS", "400000"))
TURNS = int(os.environ.get("TURNS", "3"))
PARTITIONS = 8
TOPIC = "millrace.events"

QUIX = """
import sys, json, time, resource
from quixstreams import Application
brokers, events, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
app = Application(broker_address=brokers, consumer_group="quix-" + str(time.time()),
    auto_offset_reset="earliest", state_dir=folder, loglevel="ERROR")
topic = app.topic("millrace.events", value_deserializer="json", key_deserializer="str")
seen = 0
began = None
def count(value, state):
    global seen, began
    if began is None:
        began = (time.time(), resource.getrusage(resource.RUSAGE_SELF))
    total = state.get("count", 0) + 1
    state.set("count", total)
    seen += 1
    if seen == events:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = usage.ru_utime + usage.ru_stime - began[1].ru_utime - began[1].ru_stime
        print(json.dumps({"seconds": time.time() - began[0], "cpu": cpu, "events": seen}), flush=True)
        app.stop()
    return total
app.dataframe(topic).apply(count, stateful=True)
app.run()
"""


def event(number, dice):
    return json.dumps({
        "user_id": number * 7919 % 50000, "country": dice.choice(["de", "fr", "us", "br", "in"]),
        "page": f"/page/{dice.randrange(5000)}", "device": dice.choice(["phone", "desktop"]),
        "amount": round(dice.random() * 100, 2), "items": dice.randrange(9),
        "keen": {
            "id": f"{number:024x}", "created_at": "2024-05-01T00:00:00.000Z",
            "timestamp": f"2024-05-{1 + number % 28:02}T{number % 24:02}:00:00.000Z"},
    }).encode()


class Process:
    """One executable with settings from the environment."""

    def __init__(self, folder, name, settings):
        self.admin = free_port()
        settings = {**settings, "MILLRACE_ADMIN_LISTEN": f"127.0.0.1:{self.admin}"}
        self.process = subprocess.Popen(
            [f"{BIN}/millrace-{name}"], env={**os.environ, **settings},
            stderr=open(f"{folder}/{name}-{self.admin}.txt", "wb"))
        wait_for(self.admin)

    def get(self, path):
        return urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}").read().decode()

    def metric(self, name):
        for line in self.get("/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return 0

    def cpu(self):
        return cpu_seconds([self.process.pid])

    def stop(self, with_signal=signal.SIGTERM):
        self.process.send_signal(with_signal)
        self.process.wait()


class System:
    """A log with the events in it, and stores and workers that come and go."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-bench-")
        port = free_port()
        self.brokers = f"127.0.0.1:{port}"
        with open(f"{self.folder}/secret", "w") as secret:
            secret.write("0123456789abcdef" * 4)
        os.chmod(f"{self.folder}/secret", 0o600)
        self.log = Process(self.folder, "log", {
            "MILLRACE_LOG_SERVER_LISTEN": self.brokers,
            "MILLRACE_LOG_SERVER_DATA": f"{self.folder}/log",
            "MILLRACE_LOG_SERVER_FSYNC": "never",
            "MILLRACE_LOG_SERVER_GROUP_INITIAL_REBALANCE_DELAY_MS": "300"})
        wait_for(port)
        admin = AdminClient({"bootstrap.servers": self.brokers})
        for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)]).values():
            future.result()
        self.producer = Producer({"bootstrap.servers": self.brokers, "linger.ms": 20})
        self.stores = 0

    def fill(self, events):
        dice = random.Random(1)
        for number in range(events):
            while True:
                try:
                    self.producer.produce(
                        TOPIC, event(number, dice), f"p/c{number % 20}",
                        partition=number % PARTITIONS)
                    break
                except BufferError:
                    self.producer.poll(0.1)
        self.producer.flush()

    def settings(self, store_port):
        return {
            "MILLRACE_LOG_BROKERS": self.brokers,
            "MILLRACE_STORE_ADDRESSES": f"127.0.0.1:{store_port}",
            "MILLRACE_CLUSTER_SECRET_FILE": f"{self.folder}/secret"}

    def store(self):
        self.stores += 1
        port = free_port()
        store = Process(self.folder, "store", {
            **self.settings(port), "MILLRACE_STORE_LISTEN": f"127.0.0.1:{port}",
            "MILLRACE_STORE_DATA": f"{self.folder}/store-{self.stores}"})
        return store, port

    def worker(self, store_port, session=10000):
        return Process(self.folder, "worker", {
            **self.settings(store_port), "MILLRACE_WORKER_SESSION_TIMEOUT_MS": str(session)})

    def close(self):
        self.log.stop()
        shutil.rmtree(self.folder)


def until(condition, what, limit=300):
    end = time.time() + limit
    while not condition():
        if time.time() > end:
            raise SystemExit(f"not within {limit} s: {what}")
        time.sleep(0.02)


def turn(system, count):
    """All events of the log into a fresh store, by so many workers."""
    store, port = system.store()
    store_before = store.cpu()
    workers = [system.worker(port) for _ in range(count)]
    # They have only just begun to join their group.
    before = sum(worker.cpu() for worker in workers)
    try:
        def read():
            return sum(worker.metric("worker_records_total") for worker in workers)
        until(lambda: read() > 0, "the first records are read")
        began = time.time()
        until(lambda: store.metric("store_applied_rows_total") >= EVENTS, "all are applied")
        seconds = time.time() - began
        bolts = {}
        for worker in workers:
            for row in json.loads(worker.get("/topology?format=json"))["components"]:
                tally = row["windows"]["all"]
                if row["type"] == "bolt":
                    spent = tally["execute_latency_ms"] * tally["executed"]
                    bolts[row["id"]] = bolts.get(row["id"], 0) + spent
        return {
            "rate": EVENTS / seconds,
            "worker": (sum(worker.cpu() for worker in workers) - before) / EVENTS * 1e6,
            "store": (store.cpu() - store_before) / EVENTS * 1e6,
            "bolts": {name: spent * 1e3 / EVENTS for name, spent in bolts.items()},
        }
    finally:
        for worker in workers:
            worker.stop()
        store.stop()


def quix(system):
    folder = tempfile.mkdtemp(prefix="quix-", dir=system.folder)
    done = subprocess.run(
        [sys.executable, "-c", QUIX, system.brokers, str(EVENTS), folder], capture_output=True,
        text=True, timeout=600)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            return json.loads(line)
    raise SystemExit(f"quixstreams: {done.stderr[-2000:]}")


def idle(system, session, with_signal):
    """Seconds from the end of one of four workers until the others read every partition."""
    store, port = system.store()
    workers = [system.worker(port, session) for _ in range(4)]
    try:
        def reading(some):
            return sum(worker.metric("worker_reading_partitions") for worker in some)
        until(lambda: all(w.metric("worker_reading_partitions") == 2 for w in workers),
              "four workers share the partitions")
        victim = workers.pop()
        began = time.time()
        ended = threading.Thread(target=victim.stop, args=(with_signal,))
        ended.start()
        until(lambda: reading(workers) == PARTITIONS, "three workers read all partitions")
        seconds = time.time() - began
        ended.join()
        return seconds
    finally:
        for worker in workers:
            worker.stop()
        store.stop()


def median(turns, key):
    return statistics.median(turn[key] for turn in turns)


def main():
    system = System()
    try:
        system.fill(EVENTS)
        turns = {count: [] for count in (1, 2, 4)}
        peers = []
        for _ in range(TURNS):
            for count in turns:
                turns[count].append(turn(system, count))
                print(count, turns[count][-1], flush=True)
            peers.append(quix(system))
            print("quix", peers[-1], flush=True)
        killed = [idle(system, session, signal.SIGKILL) for session in (6000, 10000)]
        stopped = idle(system, 10000, signal.SIGTERM)
        write(turns, peers, killed, stopped)
    finally:
        system.close()


def write(turns, peers, killed, stopped):
    lines = ["| workers | events/s | worker CPU-µs an event | events a worker CPU second "
             "| store CPU-µs an event |",
             "| --- | --- | --- | --- | --- |"]
    for count, mine in turns.items():
        lines.append(
            f"| {count} | {median(mine, 'rate'):,.0f} | {median(mine, 'worker'):.2f} | "
            f"{1e6 / median(mine, 'worker'):,.0f} | {median(mine, 'store'):.2f} |")
    spent = {
        name: statistics.median(turn["bolts"][name] for turn in turns[1])
        for name in turns[1][0]["bolts"] if name != "store"}
    bolts = ["| bolt | share |", "| --- | --- |"]
    for name, time_spent in spent.items():
        bolts.append(f"| {name} | {time_spent / sum(spent.values()) * 100:.1f} % |")
    quix_rate = statistics.median(peer["events"] / peer["seconds"] for peer in peers)
    quix_cpu = statistics.median(peer["cpu"] / peer["events"] * 1e6 for peer in peers)
    mine = median(turns[1], "worker")
    report.put("The topology", f"""
Written by `make bench-topology`: {EVENTS:,} events of some 230 bytes in {PARTITIONS} partitions of a log,
{TURNS} turns, medians; log, store and workers share {os.cpu_count()} cores ({platform.machine()}), so CPU an event says
more than rates. A worker reads, enriches, decodes, counts and has the store apply; every turn fills a
fresh store.

{chr(10).join(lines)}

How the time within the bolts of one worker divides, the store's left out, which waits for its answers; what
the log's client takes to fetch is beside it:

{chr(10).join(bolts)}

| on the same log | events/s | CPU-µs an event | CPU, peer : Millrace's worker |
| --- | --- | --- | --- |
| Millrace, one worker: decode to columns, roll up, store exactly once | {median(turns[1], 'rate'):,.0f} | {mine:.2f} | 1.0 |
| Quix Streams: decode, count by collection in its local state, at least once | {quix_rate:,.0f} | {quix_cpu:.2f} | {quix_cpu / mine:.1f} |

One of four workers ends, without names that outlive it: seconds until the other three read every
partition.

| end | session timeout | seconds |
| --- | --- | --- |
| `kill -9` | 6 s | {killed[0]:.1f} |
| `kill -9` | 10 s (the default) | {killed[1]:.1f} |
| SIGTERM | 10 s | {stopped:.1f} |
""")


if __name__ == "__main__":
    sys.exit(main())
