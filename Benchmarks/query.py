"""Measures the queries of the storage node's engine beside DuckDB and ClickHouse (chdb): the same
events, the same threads, in turn, in one run; and holds the answers against each other."""

import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import report

BENCH = os.path.join(report.ROOT, ".build", "release", "benchstore")
EVENTS = int(os.environ.get("EVENTS", "2000000"))
TURNS = int(os.environ.get("TURNS", "7"))
# No store keeps so many events unmerged, and reading them anew from the disk measures the disk.
LARGE = EVENTS > 5_000_000
# New processes for each query asked cold.
COLD_TURNS = int(os.environ.get("COLD_TURNS", "3"))
THREADS = int(os.environ.get("THREADS", str(os.cpu_count())))

WHAT = {
    "Q1": "count", "Q2": "count of a country, 7 of 30 days", "Q3": "sum by country",
    "Q4": "top 10 of 5,000 pages", "Q5": "average by day and device", "Q6": "distinct users",
    "Q7": "95th percentile by country", "Q8": "text contains, by referrer",
    "Q9": "hourly count, two filters", "Q10": "funnel of users, three steps",
    "Q11": "latest 100 matching", "Q12": "top 10 users of a country",
}
# Asked once more of the same events with texts for users.
TEXTS = ["Q6", "Q10", "Q12"]

# Names differ: {ts} is the time in milliseconds, {bucket(n)} the number of a stretch of n of them.
START, DAY = 1356998400000, 86400000
BUSY = "items >= 3 AND ab"
# Who reaches the first step, the first two, all three.
FUNNEL = """WITH a AS (SELECT DISTINCT user_id FROM t WHERE device = 'phone'),
  b AS (SELECT user_id FROM a WHERE user_id IN (SELECT user_id FROM t WHERE amount > 100)),
  c AS (SELECT user_id FROM b WHERE user_id IN (SELECT user_id FROM t WHERE {contains}))
SELECT n FROM (SELECT count(*) AS n FROM a UNION ALL SELECT count(*) AS n FROM b
  UNION ALL SELECT count(*) AS n FROM c) ORDER BY n DESC"""


def queries(bucket, percentile, contains):
    within = f"ms >= {START} AND ms < {START + 30 * DAY}"
    return {
        "Q1": f"SELECT count(*) FROM t WHERE {within}",
        "Q2": f"SELECT count(*) FROM t WHERE country = 'c3' AND ms >= {START + 10 * DAY} AND ms < {START + 17 * DAY}",
        "Q3": f"SELECT country, sum(amount) FROM t WHERE {within} GROUP BY country",
        "Q4": f"SELECT page, count(*) AS n FROM t WHERE {within} GROUP BY page ORDER BY n DESC LIMIT 10",
        "Q5": f"SELECT {bucket(DAY)} AS b, device, avg(session_ms) FROM t WHERE {within} GROUP BY b, device",
        "Q6": f"SELECT count(DISTINCT user_id) FROM t WHERE {within}",
        "Q7": f"SELECT country, {percentile} FROM t WHERE {within} GROUP BY country",
        "Q8": f"SELECT referrer, count(*) FROM t WHERE {contains} AND {within} GROUP BY referrer",
        "Q9": f"SELECT {bucket(DAY // 24)} AS b, count(*) FROM t WHERE {BUSY} AND {within} GROUP BY b",
        "Q10": FUNNEL.format(contains=contains),
        "Q12": f"SELECT user_id, count(*) AS n FROM t WHERE country = 'c3' AND {within} GROUP BY user_id ORDER BY n DESC LIMIT 10",
        "Q11": f"SELECT user_id, ms FROM t WHERE country = 'c3' AND {BUSY} ORDER BY ms DESC LIMIT 100",
    }


DUCKDB = """
import duckdb, sys, json, time
source, queries, turns, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
c = duckdb.connect(sys.argv[5])
c.execute(f"SET threads TO {threads}")
c.execute(f'''CREATE TABLE t AS SELECT user_id, country, page, device, referrer, amount, items, session_ms, ab,
  epoch_ms(CAST(keen.timestamp AS TIMESTAMP)) AS ms FROM read_json('{source}', format='newline_delimited') ORDER BY ms''')
c.execute("CHECKPOINT")
out = {}
for name, sql in queries.items():
    times = []
    for _ in range(turns + 2):
        start = time.perf_counter()
        rows = c.execute(sql).fetchall()
        times.append((time.perf_counter() - start) * 1e3)
    out[name] = {"ms": times[2:], "rows": rows}
print(json.dumps(out))
"""

# Opens what the above made, with no query asked before.
DUCKDB_COLD = """
import duckdb, sys, json, time
c = duckdb.connect(sys.argv[1])
c.execute(f"SET threads TO {sys.argv[3]}")
start = time.perf_counter()
c.execute(sys.argv[2]).fetchall()
print(json.dumps((time.perf_counter() - start) * 1e3))
"""

CHDB_COLD = """
import sys, json, time
from chdb import session
s = session.Session(sys.argv[1])
s.query("SELECT 1")
sql = sys.argv[2].replace("FROM t", "FROM b.t") + f" SETTINGS max_threads = {sys.argv[3]}"
start = time.perf_counter()
str(s.query(sql, "JSONCompactEachRow"))
print(json.dumps((time.perf_counter() - start) * 1e3))
"""

CHDB = """
import sys, json, time
from chdb import session
source, queries, turns, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
s = session.Session(sys.argv[5])
s.query("CREATE DATABASE b ENGINE = Atomic")
user = sys.argv[6]
s.query(f'''CREATE TABLE b.t (user_id {user}, country LowCardinality(String), page LowCardinality(String),
  device LowCardinality(String), referrer LowCardinality(String), amount Float64, items Int64,
  session_ms Int64, ab Bool, ms Int64) ENGINE = MergeTree ORDER BY ms''')
s.query(f'''INSERT INTO b.t SELECT user_id, country, page, device, referrer, amount, items, session_ms, ab,
  toUnixTimestamp64Milli(keen.timestamp) FROM file('{source}', 'JSONEachRow', 'user_id {user}, country String,
  page String, device String, referrer String, amount Float64, items Int64, session_ms Int64, ab Bool,
  keen Tuple(id String, created_at DateTime64(3), timestamp DateTime64(3))')
  SETTINGS date_time_input_format = 'best_effort' ''')
s.query("OPTIMIZE TABLE b.t FINAL")
out = {}
for name, sql in queries.items():
    times = []
    sql = sql.replace("FROM t", "FROM b.t") + f" SETTINGS max_threads = {threads}"
    for _ in range(turns + 2):
        start = time.perf_counter()
        text = str(s.query(sql, "JSONCompactEachRow"))
        rows = [json.loads(line) for line in text.splitlines()]
        times.append((time.perf_counter() - start) * 1e3)
    out[name] = {"ms": times[2:], "rows": rows}
print(json.dumps(out))
"""


def run(command):
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def peer(python, script, source, sql, path, user):
    return run([python, "-c", script, source, json.dumps(sql), str(TURNS), str(THREADS), path, user])


def plain(name, rows):
    """Rows that can be compared: numbers as numbers, in the order of their keys."""
    def cell(value):
        try:
            return float(value) if not isinstance(value, bool) else value
        except (TypeError, ValueError):
            return value
    rows = [[cell(value) for value in row] for row in rows]
    if name in ("Q4", "Q12"):
        # Pages or users with as many views may take each other's place.
        return sorted([row[1]] for row in rows)
    if name == "Q11":
        return sorted([row[1]] for row in rows)
    return sorted(rows, key=lambda row: [str(value) for value in row[:-1]])


def check(name, ours, theirs, whose):
    left, right = plain(name, ours), plain(name, theirs)
    assert len(left) == len(right), (name, whose, len(left), len(right))
    # Percentiles of many different numbers are rounded to eleven binary digits; ClickHouse takes
    # the next rank where the rank is whole.
    near = 2e-3 if name == "Q7" else 1e-9
    for mine, other in zip(left, right):
        for a, b in zip(mine, other):
            same = math.isclose(a, b, rel_tol=near) if isinstance(a, float) else a == b
            assert same, (name, whose, mine, other)


def extracted(rows):
    """Events as rows of user and time."""
    import datetime
    found = []
    for event in rows:
        time = datetime.datetime.fromisoformat(event["keen"]["timestamp"].replace("Z", "+00:00"))
        found.append([event["user_id"], round(time.timestamp() * 1000)])
    return found


def forget(path):
    """Has the system's memory let go of files."""
    os.sync()
    for folder, _, files in os.walk(path):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cold(path, command, name=None):
    """Milliseconds of a query that is the first one of its process, of files that are not in memory."""
    times = []
    for _ in range(COLD_TURNS):
        forget(path)
        found = run(command)
        times.append(found[name]["first"] if name else found)
    return times


def measure_cold(python, folder, options, duckdb, chdb):
    """By engine and query."""
    ours = [BENCH, "query", "--data", f"{folder}/millrace", "--turns", "0"] + options
    return [
        {name: cold(f"{folder}/millrace", ours + ["--only", name], name) for name in duckdb},
        {name: cold(f"{folder}/duckdb", [
            python, "-c", DUCKDB_COLD, f"{folder}/duckdb/file", sql, str(THREADS)])
         for name, sql in duckdb.items()},
        {name: cold(f"{folder}/chdb", [python, "-c", CHDB_COLD, f"{folder}/chdb", sql, str(THREADS)])
         for name, sql in chdb.items()},
    ]


def measure(python, folder, names, texts):
    """What all engines took and answered, Millrace thrice, then what they took cold."""
    source = f"{folder}/events.ndjson"
    with open(source, "wb") as file:
        subprocess.run(
            [BENCH, "generate", "--events", str(EVENTS)] + (["--text-users"] if texts else []),
            stdout=file, check=True)
    threads = ["--threads", str(THREADS)]
    options = threads + ["--turns", str(TURNS)]
    for name in names:
        options += ["--only", name]

    def ask(store, *more):
        found = run([BENCH, "query", "--data", f"{folder}/{store}"] + options + list(more))
        if "Q11" in names:
            found["Q11"]["rows"] = extracted(found["Q11"]["rows"])
        return found

    for store, more in (("millrace", []),) if LARGE else (("millrace", []), ("fresh", ["--fresh"])):
        subprocess.run(
            [BENCH, "ingest", source, "--data", f"{folder}/{store}"] + more, check=True,
            capture_output=True)
    ours = ask("millrace")
    again = ask("millrace", "--cache-bytes", str(128 << 20))
    fresh = None if LARGE else ask("fresh")

    def asked(*words):
        return {name: sql for name, sql in queries(*words).items() if name in names}

    os.mkdir(f"{folder}/duckdb")
    in_duckdb = asked(
        lambda n: f"(ms - {START}) // {n}", "quantile_disc(session_ms, 0.95)",
        "contains(page, 'checkout')")
    duckdb = peer(python, DUCKDB, source, in_duckdb, f"{folder}/duckdb/file", "")
    in_chdb = asked(
        lambda n: f"intDiv(ms - {START}, {n})", "quantileExact(0.95)(session_ms)",
        "position(page, 'checkout') > 0")
    chdb = peer(
        python, CHDB, source, in_chdb, f"{folder}/chdb", "String" if texts else "Int64")
    for mine in (ours, again) if LARGE else (ours, again, fresh):
        for name in names:
            check(name, mine[name]["rows"], duckdb[name]["rows"], "DuckDB")
            check(name, mine[name]["rows"], chdb[name]["rows"], "ClickHouse")
    engines = ours, again, duckdb, chdb
    if LARGE:
        return engines, None, None
    return engines, measure_cold(python, folder, threads, in_duckdb, in_chdb), fresh


def main():
    python = sys.argv[1]
    found = []
    for names, texts in ((list(WHAT), False), (TEXTS, True)):
        folder = tempfile.mkdtemp(prefix="millrace-bench-query-")
        try:
            found.append(measure(python, folder, names, texts))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    write(*found)


def second_row(name, what, measured):
    engines, cold, fresh = measured
    mine, duck, click = (statistics.median(found[name]) for found in cold)
    warm, tail = (statistics.median(found[name]["ms"]) for found in (engines[0], fresh))
    return (f"| {name} {what} | {mine:.2f} | {duck:.2f} | {click:.2f} | {min(duck, click) / mine:.1f} | "
            f"{tail:.2f} | {tail / warm:.1f} |")


def row(name, what, measured):
    engines = measured[0]
    mine, cached, duck, click = (statistics.median(found[name]["ms"]) for found in engines)
    best = min(duck, click)
    return (f"| {name} {what} | {mine:.2f} | {cached:.2f} | {duck:.2f} | {click:.2f} | "
            f"{best / mine:.1f} | {best / cached:.1f} |")


def write(numbers, texts):
    lines = ["| query | Millrace | repeated | DuckDB | ClickHouse | better peer : Millrace | : repeated |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [row(name, what, numbers) for name, what in WHAT.items()]
    lines += [row(name, f"{WHAT[name]}, users as texts", texts) for name in TEXTS]
    table = "\n".join(lines)
    if LARGE:
        return report.put("Queries of a large set", f"""
Written by `make bench-query EVENTS={EVENTS}`: as under *Queries*, with {EVENTS:,} events and medians of {TURNS}
turns.

{table}
""")
    lines = ["| query | Millrace | DuckDB | ClickHouse | better peer : Millrace | not merged | : merged |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [second_row(name, what, numbers) for name, what in WHAT.items()]
    lines += [second_row(name, f"{WHAT[name]}, users as texts", texts) for name in TEXTS]
    second = "\n".join(lines)
    report.put("Queries", f"""
Written by `make bench-query`: {EVENTS:,} events, {THREADS} threads ({platform.machine()}), milliseconds, warm medians of
{TURNS} turns, one engine after the other. Millrace is the storage node's engine in one process, with
the partial results formed and without the network; *repeated* keeps answers of sealed blocks, as a
storage node does, and is what a dashboard gets that asks again. The peers run in a process too, and
answer from SQL. All answers were held against each other and are equal: sums and averages to nine
digits, percentiles to two in a thousand.

{table}

The funnel is three scans of distinct users and what is in all of them, as a query server does it. Where
Millrace does not win: a percentile puts every number of a group in order (Q7), texts that hardly repeat are
hashed and put in order one by one (Q6 with texts), and a count of whole hours adds up the counters of each
hour (Q1). Take single times of a machine with other work with care; ratios too.

Cold, and of events that have just come. The first four columns are the first query of a new process, medians of
{COLD_TURNS}, its files not in memory; opening them is not counted. What it pays beside reading, and the peers do not, is
not known yet. *Not merged* is warm, of a store that has
all its events in the batches of 2,000 in which they came: a storage node has some ten thousands so.

{second}
""")


if __name__ == "__main__":
    main()
