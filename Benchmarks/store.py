"""Measures the storage node's engine beside DuckDB and ClickHouse (chdb): the same events, as the
log holds them, from JSON to columns on the disk. One thread each, in turn, in one run. With
EVENTS= of more than 20 million it measures instead what one store of so many events takes."""

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import report

BENCH = os.path.join(report.ROOT, ".build", "release", "benchstore")
EVENTS = int(os.environ.get("EVENTS", "2000000"))
TURNS = int(os.environ.get("TURNS", "3"))
COLLECTIONS = int(os.environ.get("COLLECTIONS", "100000"))
# Beyond it the peers, and the file of JSON, would take too long and too much room.
COMPARED_MAX = 20_000_000

DUCKDB = """
import duckdb, sys, json, time, resource
source, target = sys.argv[1:3]
c = duckdb.connect(target)
c.execute("SET threads TO 1")
c.execute("SET preserve_insertion_order TO true")
start = time.time()
c.execute(f"CREATE TABLE t AS SELECT * FROM read_json('{source}', format='newline_delimited')")
c.execute("CHECKPOINT")
seconds = time.time() - start
print(json.dumps({"seconds": seconds, "events": c.execute("SELECT count(*) FROM t").fetchone()[0]}))
"""

CHDB = """
import sys, json, time
from chdb import session
source, target, codec = sys.argv[1:4]
s = session.Session(target)
s.query("CREATE DATABASE b ENGINE = Atomic")
s.query(f'''CREATE TABLE b.t (user_id Int64, country LowCardinality(String),
  page LowCardinality(String), device LowCardinality(String), referrer LowCardinality(String),
  amount Float64, items Int64, session_ms Int64, ab Bool,
  id String, created_at DateTime64(3), ts DateTime64(3))
  ENGINE = MergeTree ORDER BY ts''' + (f" SETTINGS default_compression_codec = '{codec}'" if codec else ""))
start = time.time()
s.query(f'''INSERT INTO b.t SELECT user_id, country, page, device, referrer, amount, items,
  session_ms, ab, keen.id, keen.created_at, keen.timestamp
  FROM file('{source}', 'JSONEachRow', 'user_id Int64, country String, page String, device String,
    referrer String, amount Float64, items Int64, session_ms Int64, ab Bool,
    keen Tuple(id String, created_at DateTime64(3), timestamp DateTime64(3))')
  SETTINGS max_threads = 1, max_insert_threads = 1, input_format_parallel_parsing = 0,
    date_time_input_format = 'best_effort' ''')
seconds = time.time() - start
s.query("OPTIMIZE TABLE b.t FINAL")
size = s.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 't'", "TSV")
count = s.query("SELECT count() FROM b.t", "TSV")
print(json.dumps({"seconds": seconds, "bytes": int(str(size)), "events": int(str(count))}))
"""


def run(command):
    """The JSON that a command prints, and the CPU it used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(output.strip().splitlines()[-1])
    result.setdefault(
        "cpu_seconds",
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return result


def millrace(source, folder):
    data = f"{folder}/millrace"
    shutil.rmtree(data, ignore_errors=True)
    result = run([BENCH, "ingest", source, "--data", data])
    opened = run([BENCH, "open", "--data", data])
    return {**result, "open_seconds": opened["open_seconds"], "bytes": opened["bytes"]}


def duckdb(python, source, folder):
    path = f"{folder}/events.duckdb"
    if os.path.exists(path):
        os.remove(path)
    result = run([python, "-c", DUCKDB, source, path])
    result["bytes"] = os.path.getsize(path)
    return result


def chdb(python, source, folder, codec=""):
    shutil.rmtree(f"{folder}/chdb", ignore_errors=True)
    return run([python, "-c", CHDB, source, f"{folder}/chdb", codec])


class Memory(threading.Thread):
    """Looks at a process' own memory, the page cache of mapped files left out, until it ends."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process = process
        self.peak = 0

    def run(self):
        while self.process.poll() is None:
            try:
                with open(f"/proc/{self.process.pid}/status") as status:
                    own = [line for line in status if line.startswith("RssAnon:")]
            except OSError:
                return
            if own:
                self.peak = max(self.peak, int(own[0].split()[1]) << 10)
            time.sleep(0.05)


def watched(command, **options):
    """The JSON that a command prints, and its peak memory besides the page cache."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    memory = Memory(process)
    memory.start()
    output = process.communicate()[0]
    assert process.returncode == 0, command
    memory.join()
    return {**json.loads(output.strip().splitlines()[-1]), "memory": memory.peak}


def large():
    """One store of EVENTS events."""
    folder = tempfile.mkdtemp(prefix="millrace-bench-store-", dir=os.environ.get("FOLDER"))
    try:
        generator = subprocess.Popen(
            [BENCH, "generate", "--events", str(EVENTS)], stdout=subprocess.PIPE)
        held = watched(
            [BENCH, "ingest", "/dev/stdin", "--data", f"{folder}/millrace"],
            stdin=generator.stdout)
        assert generator.wait() == 0
        opened = watched([BENCH, "open", "--data", f"{folder}/millrace"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(held, opened, flush=True)
    assert held["events"] == EVENTS and held["rejected"] == 0
    report.put("A large store", f"""
Written by `make bench-store EVENTS={EVENTS}`: {EVENTS:,} events of {held['json_bytes'] / EVENTS:.0f} bytes of JSON
in one collection of one shard, made and decoded on the same {os.cpu_count()} cores ({platform.machine()}).

| | |
| --- | --- |
| ingested | {EVENTS / held['seconds']:,.0f} events/s, {EVENTS / held['cpu_seconds']:,.0f} a CPU second |
| apply of 2,000 events | {held['apply_p50_ms']:.2f} ms median, {held['apply_p99_ms']:.2f} ms 99th percentile |
| on the disk | {opened['bytes'] / EVENTS:.1f} bytes/event, {opened['bytes'] / 1e9:.2f} GB in {held['files']} files |
| memory besides the page cache, at most | {held['memory'] / 2**20:,.0f} MiB while events came in |
| opening | {opened['open_seconds'] * 1e3:,.0f} ms, {opened['memory'] / 2**20:,.0f} MiB |
""")


def main():
    if EVENTS > COMPARED_MAX:
        return large()
    python = sys.argv[1]
    folder = tempfile.mkdtemp(prefix="millrace-bench-store-")
    source = f"{folder}/events.ndjson"
    contenders = {
        "Millrace": lambda: millrace(source, folder),
        "DuckDB `read_json`": lambda: duckdb(python, source, folder),
        "ClickHouse (chdb), its default codec": lambda: chdb(python, source, folder),
        "ClickHouse (chdb), ZSTD(1)": lambda: chdb(python, source, folder, "ZSTD(1)"),
    }
    try:
        with open(source, "wb") as file:
            subprocess.run([BENCH, "generate", "--events", str(EVENTS)], stdout=file, check=True)
        json_bytes = os.path.getsize(source)
        turns = {name: [] for name in contenders}
        for _ in range(TURNS):
            for name, measure in contenders.items():
                turns[name].append(measure())
                print(name, turns[name][-1], flush=True)
        shutil.rmtree(f"{folder}/tiny", ignore_errors=True)
        tiny = run([BENCH, "tiny", "--data", f"{folder}/tiny", "--collections", str(COLLECTIONS)])
        tiny_open = run([BENCH, "open", "--data", f"{folder}/tiny"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, mine in turns.items():
        assert all(turn["events"] == EVENTS for turn in mine), (name, mine)

    def median(name, key):
        return statistics.median(turn[key] for turn in turns[name])

    ours = median("Millrace", "cpu_seconds")
    lines = ["| engine | events a CPU second | events/s | bytes/event | CPU, engine : Millrace |",
             "| --- | --- | --- | --- | --- |"]
    for name in contenders:
        cpu = median(name, "cpu_seconds")
        lines.append(
            f"| {name} | {EVENTS / cpu:,.0f} | {EVENTS / median(name, 'seconds'):,.0f} | "
            f"{median(name, 'bytes') / EVENTS:.1f} | {cpu / ours:.2f} |")
    table = "\n".join(lines)
    report.put("From JSON to columns", f"""
Written by `make bench-store`: {EVENTS:,} events of {json_bytes / EVENTS:.0f} bytes of JSON with twelve properties, as
the log holds them; {TURNS} turns, medians, one after the other on {os.cpu_count()} cores ({platform.machine()}). Millrace decodes,
applies in batches of 2,000 and merges as worker and store do, without the network between them;
the peers read the same file with one thread. CPU time counts everything, also merging.

{table}

Millrace's batches take {median('Millrace', 'apply_p50_ms'):.2f} ms (median) and {median('Millrace', 'apply_p99_ms'):.2f} ms (99th percentile) to
apply while the merger works, {median('Millrace', 'bytes_written') / EVENTS:.0f} bytes are written an event,
{median('Millrace', 'bytes_written') / median('Millrace', 'bytes'):.1f} times what stays. The store of all events opens in
{median('Millrace', 'open_seconds') * 1e3:.0f} ms.

{COLLECTIONS:,} collections of ten events go in at {tiny['events'] / tiny['seconds']:,.0f} events/s, take
{tiny_open['bytes'] / tiny['events']:.0f} bytes an event and {tiny['files']} files, and open in {tiny_open['open_seconds'] * 1e3:.0f} ms.
""")


if __name__ == "__main__":
    main()
