"""Drives Millrace with other people's clients: run.py EXECUTABLE [WORD...], where EXECUTABLE is
millrace-log, with the others beside it, and words choose cases.

A case is a function that is given a running log server, or what its module calls FIXTURE, and fails
by raising. Each runs in a process of its own with a time limit, since a client in trouble tends to
wait; the clients run side by side."""

import concurrent.futures
import importlib
import os
import subprocess
import sys
import time
import traceback

from broker import Broker
from secured import secured

# A server that looks for old and superseded records all the time.
CLEANING = {
    "log_server.compaction_interval_ms": "100", "log_server.retention_check_interval_ms": "100"}

# The table of cases: module, function, settings of the server beyond the usual ones, or a function
# that makes them.
CASES = [
    ("confluent_cases", "produce_and_consume", {}),
    ("confluent_cases", "every_codec", {}),
    ("confluent_cases", "offsets_by_time", {}),
    ("confluent_cases", "admin", {}),
    ("confluent_cases", "eager_members_come_and_go", {}),
    ("confluent_cases", "cooperative_members_come_and_go", {}),
    ("confluent_cases", "a_static_member_comes_back", {}),
    ("confluent_cases", "idempotent_over_a_kill", {}),
    ("kafka_python_cases", "produce_and_consume", {}),
    ("kafka_python_cases", "every_codec", {}),
    ("kafka_python_cases", "offsets_by_time", {}),
    ("kafka_python_cases", "admin", {}),
    ("kafka_python_cases", "members_come_and_go", {}),
    ("kafka_python_cases", "a_static_member_comes_back", {}),
    ("kafka_python_cases", "idempotent_over_a_kill", {}),
    ("aiokafka_cases", "produce_and_consume", {}),
    ("aiokafka_cases", "every_codec", {}),
    ("aiokafka_cases", "offsets_by_time", {}),
    ("aiokafka_cases", "admin", {}),
    ("aiokafka_cases", "members_come_and_go", {}),
    ("aiokafka_cases", "idempotent_over_a_kill", {}),
    ("transaction_cases", "confluent", {}),
    ("transaction_cases", "offsets_with_records", {}),
    ("transaction_cases", "the_older_producer_is_fenced", {}),
    ("transaction_cases", "kafka_python", {}),
    ("transaction_cases", "aio", {}),
    ("secured_cases", "confluent", secured),
    ("secured_cases", "strangers_get_nothing", secured),
    ("secured_cases", "kafka_python", secured),
    ("secured_cases", "aio", secured),
    ("cleaning_cases", "newest_of_every_key", CLEANING),
    ("cleaning_cases", "readers_outlive_retention", CLEANING),
    ("keen_cases", "every_call", {}),
    ("duckdb_cases", "flights", {}),
    ("kcat_cases", "every_codec", {}),
    ("kcat_cases", "offsets_by_time", {}),
    ("kcat_cases", "two_members", {}),
]
SECONDS_MAX = 120


def name(case):
    return f"{case[0].removesuffix('_cases')} {case[1]}"


def run_alone(executable, case):
    """Runs a case in a process of its own: what went wrong, or nothing."""
    command = [sys.executable, __file__, executable, "--here", str(CASES.index(case))]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_MAX, errors="replace")
    except subprocess.TimeoutExpired as error:
        return f"not done after {SECONDS_MAX} s\n{(error.stdout or b'').decode()[-4000:]}"
    if done.returncode == 0:
        print(done.stdout, end="", flush=True)
        return ""
    return (done.stdout + done.stderr)[-6000:]


def run_here(executable, case):
    module, function, settings = case
    cases = importlib.import_module(module)
    with getattr(cases, "FIXTURE", Broker)(executable, settings) as fixture:
        getattr(cases, function)(fixture)
    sys.stdout.flush()
    # Some clients' threads outlive their objects.
    os._exit(0)


def run_module(executable, cases):
    failed = 0
    for case in cases:
        began = time.monotonic()
        trouble = run_alone(executable, case)
        seconds = time.monotonic() - began
        print(f"{'FAILED' if trouble else 'passed'}  {seconds:5.1f} s  {name(case)}", flush=True)
        if trouble:
            print(trouble, flush=True)
            failed += 1
    return failed


def main():
    executable, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
    if words[:1] == ["--here"]:
        try:
            run_here(executable, CASES[int(words[1])])
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    chosen = [case for case in CASES if all(word in name(case) for word in words)]
    modules = {}
    for case in chosen:
        modules.setdefault(case[0], []).append(case)
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        failed = sum(pool.map(lambda cases: run_module(executable, cases), modules.values()))
    print(f"{len(chosen)} cases with real clients, {failed} failed")
    sys.exit(1 if failed or not chosen else 0)


if __name__ == "__main__":
    main()
