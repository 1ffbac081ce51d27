"""Measures millrace-log beside librdkafka's mock cluster and the bare disk, in one run, and writes
the section on the log server of docs/performance.md. The servers take turns, every figure is the
median of its turns, and only ratios mean something."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import report
from bench import BIN, ROOT, cpu_seconds, free_port, wait_for

LOAD = os.path.join(ROOT, ".build", "bench", "logload")
TURNS = int(os.environ.get("LOG_TURNS", "3"))
SECONDS = os.environ.get("LOG_TURN_SECONDS", "3")


def load(*words):
    done = subprocess.run([LOAD, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"logload {words}: {done.stderr or done.stdout}")
    return json.loads(done.stdout)


class Log:
    """millrace-log on a directory of its own."""

    def __init__(self, fsync, partitions):
        self.name, self.folder = f"fsync {fsync}", tempfile.mkdtemp(prefix="millrace-bench-")
        self.port, self.admin = free_port(), free_port()
        self.brokers = f"127.0.0.1:{self.port}"
        settings = {
            "LISTEN": self.brokers, "DATA": f"{self.folder}/log", "FSYNC": fsync,
            "PARTITIONS": str(partitions)}
        environment = {f"MILLRACE_LOG_SERVER_{key}": value for key, value in settings.items()}
        environment["MILLRACE_ADMIN_LISTEN"] = f"127.0.0.1:{self.admin}"
        self.process = subprocess.Popen(
            [f"{BIN}/millrace-log"], env={**os.environ, **environment},
            stderr=open(f"{self.folder}/log.txt", "wb"))
        wait_for(self.port)
        wait_for(self.admin)

    def metrics(self):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics").read().decode()
        lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
        return {words[0]: float(words[1]) for words in lines}

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(line for line in status if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder)


class Mock:
    """librdkafka's mock cluster in a process of its own."""

    def __init__(self, partitions):
        self.name = "mock"
        self.process = subprocess.Popen(
            [LOAD, "mock", str(partitions), "t"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.brokers = json.loads(self.process.stdout.readline())["brokers"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def turn(make, partitions, size, rate=0):
    """One server from its start to its end: what the producer, the consumer and the CPU said."""
    server = make()
    try:
        before = cpu_seconds([server.process.pid])
        sent = load("produce", server.brokers, "t", partitions, size, SECONDS, rate)
        middle = cpu_seconds([server.process.pid])
        result = {
            "rate": sent["records"] / sent["seconds"], "p50": sent["p50"], "p99": sent["p99"],
            "cpu": (middle - before) / sent["records"] * 1e6,
        }
        if isinstance(server, Log):
            seen = server.metrics()
            syncs = seen.get("log_sync_seconds_count", 0)
            times = syncs or seen["log_appended_batches_total"]
            result["piece"] = seen["log_appended_bytes_total"] / times
            bytes_rate = seen["log_appended_bytes_total"] / sent["seconds"]
            bare = bare_loop(server.folder, result["piece"], syncs / sent["seconds"],
                             partitions if rate else 1, bool(rate))
            result["of_bare"] = bytes_rate * bare["seconds"] / bare["bytes"]
            result["bare_cpu"] = (bare["cpu"] / bare["bytes"] * 1e6
                                  * seen["log_appended_bytes_total"] / sent["records"])
            result["bare_p50"], result["bare_p99"] = bare["p50"], bare["p99"]
        if not rate:
            got = load("consume", server.brokers, "t", partitions, 1)
            result["read"] = got["records"] / max(got["seconds"], 1e-9)
            after = cpu_seconds([server.process.pid])
            result["read_cpu"] = (after - middle) / max(got["records"], 1) * 1e6
        return result
    finally:
        server.stop()


def bare_loop(folder, piece, syncs, files, paced):
    """The disk without a server: writes of that many bytes, with fdatasync if the server synced; at
    the server's own pace, spread over as many files as it had partitions, or as fast as it goes."""
    if not syncs:
        return load("cache", folder, int(piece), 1)
    return load("disk", folder, int(piece), SECONDS if paced else 1, files,
                syncs / files if paced else 0)


def median(turns, key):
    return statistics.median(t[key] for t in turns)


def contenders(partitions):
    return {
        "mock": lambda: Mock(partitions),
        "millrace-log, fsync never": lambda: Log("never", partitions),
        "millrace-log, fsync always": lambda: Log("always", partitions),
    }


def throughput():
    """Top rates by load: lines of the table, and the mock's rates."""
    lines = [
        "| records | partitions | server | written/s | : mock | CPU-s per million | bytes at a time "
        "| : bare loop | bare CPU-s per million | read/s | : mock | CPU-s per million |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for size in (100, 1024):
        for partitions in (1, 8):
            makers = contenders(partitions)
            turns = {name: [] for name in makers}
            for _ in range(TURNS):
                for name, make in makers.items():
                    turns[name].append(turn(make, partitions, size))
            mock = turns["mock"]
            for name, mine in turns.items():
                bare = " | ".join(
                    [f"{median(mine, 'piece'):,.0f}", f"{median(mine, 'of_bare'):.2f}",
                     f"{median(mine, 'bare_cpu'):.2f}"] if "piece" in mine[0] else ["", "", ""])
                lines.append(
                    f"| {size} B | {partitions} | {name} | {median(mine, 'rate'):,.0f} | "
                    f"{median(mine, 'rate') / median(mock, 'rate'):.2f} | "
                    f"{median(mine, 'cpu'):.2f} | {bare} | {median(mine, 'read'):,.0f} | "
                    f"{median(mine, 'read') / median(mock, 'read'):.2f} | "
                    f"{median(mine, 'read_cpu'):.2f} |")
                print(lines[-1], flush=True)
    return "\n".join(lines)


def latency():
    """p50 and p99 at a tenth of the mock's top rate, for all three."""
    lines = ["| server | records/s | p50 ms | p99 ms | CPU-s per million | bytes a sync "
             "| bare sync p50 ms | p99 ms |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    makers = contenders(8)
    rate = turn(makers["mock"], 8, 100)["rate"] / 10
    for name, make in makers.items():
        turns = [turn(make, 8, 100, rate) for _ in range(TURNS)]
        lines.append(
            f"| {name} | {median(turns, 'rate'):,.0f} | {median(turns, 'p50'):.2f} | "
            f"{median(turns, 'p99'):.2f} | {median(turns, 'cpu'):.2f} | "
            + (f"{median(turns, 'piece'):,.0f} | {median(turns, 'bare_p50'):.2f} | "
               f"{median(turns, 'bare_p99'):.2f} |" if name.endswith("always") else "| | |"))
        print(lines[-1], flush=True)
    return "\n".join(lines)


def many():
    """A thousand partitions and 500 connections at once."""
    lines = ["| fsync | records/s | p50 ms | p99 ms | CPU-s per million | memory before | memory then |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for fsync in ("never", "always"):
        server = Log(fsync, 1000)
        try:
            # The first ask makes the topic.
            load("produce", server.brokers, "t", 1000, 100, 0, 0)
            resident, before = server.resident(), cpu_seconds([server.process.pid])
            done = load("many", server.port, "t", 1000, 500, SECONDS)
            cpu = cpu_seconds([server.process.pid]) - before
            lines.append(
                f"| {fsync} | {done['records'] / done['seconds']:,.0f} | {done['p50']:.1f} | "
                f"{done['p99']:.1f} | {cpu / done['records'] * 1e6:.1f} | "
                f"{resident / 2**20:.0f} MiB | {server.resident() / 2**20:.0f} MiB |")
            print(lines[-1], flush=True)
        finally:
            server.stop()
    return "\n".join(lines)


def main():
    report.put("The log server", f"""
Written by `make bench-log`, {TURNS} turns of {SECONDS} s each, medians: one librdkafka producer (acks=all) and one
consumer against `millrace-log`, and against librdkafka's own mock cluster, which keeps records in
memory and checks nothing. Clients and servers share {os.cpu_count()} cores, so CPU time says more than rates.
*Bytes at a time* is what one sync of the server covered, or one write if it does not sync. The *bare
loop* writes as many bytes at a time to fresh files, right afterwards and with nothing else going on,
and does what the server's policy does: write and fdatasync, or only write. Its CPU time, for the bytes
of a million records, is what the kernel takes for them whoever writes them.

How to read it: the mock keeps about 5 MB of a partition in memory that it uses again and again, so that a
reader of it mostly waits, and the ratios of reading are no praise. A log that keeps what it is given has
to have fresh pages of the page cache for all of it, and the kernel clears and fills each of them: the bare
CPU time, which the mock does not spend. So with `fsync never` the mock is out of reach where that time is
a large part of what a record costs, as with records of 1 KB, and close where the client is what
limits, as with 100 bytes; the bare loop is the ceiling there, and it has both cores and no client beside
it. Full segments are synced beside the writer and share the disk's bandwidth with nobody in the bare
loop. Where even the mock is given fewer bytes a second than the bare loop with fdatasync writes, the
producer limits, and that ratio says little. On a machine with other work, single rates differ by tens
of percent from run to run.

{throughput()}

At a tenth of the mock's top rate, 100-byte records, 8 partitions, linger 1 ms; *bare sync* is one write
and fdatasync of as many bytes as a sync of the server covered, in eight files at the server's pace,
with nothing else going on:

{latency()}

A thousand partitions, 500 connections, each of which sends one record of 100 bytes after another,
to all partitions in turn:

{many()}
""")


if __name__ == "__main__":
    sys.exit(main())
