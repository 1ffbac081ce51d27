"""A millrace-log of its own for one case, and what the cases share."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class Broker:
    """The log server on a directory of its own; `with` ends it and removes the directory."""

    def __init__(self, executable, settings=None):
        self.executable = executable
        self.directory = tempfile.mkdtemp(prefix="millrace-clients-")
        given = settings(self) if callable(settings) else settings or {}
        self.settings = {"log_server.group_initial_rebalance_delay_ms": "100", **given}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.listen = f"127.0.0.1:{self.port}"
        # What clients connect to.
        self.address = self.listen
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *rest):
        self.process.terminate()
        status = self.process.wait(20)
        if kind is not None:
            with open(f"{self.directory}/log.txt") as text:
                print("the server's log:", text.read()[-2000:], sep="\n")
        shutil.rmtree(self.directory, ignore_errors=True)
        if kind is None and status != 0:
            raise AssertionError(f"the server ended with status {status}")

    def start(self):
        given = {
            **self.settings, "log_server.listen": self.listen,
            "log_server.data": f"{self.directory}/data",
        }
        environment = {f"MILLRACE_{k.upper().replace('.', '_')}": v for k, v in given.items()}
        with open(f"{self.directory}/log.txt", "ab") as log:
            self.process = subprocess.Popen(
                [self.executable], env={**os.environ, **environment}, stderr=log)
        eventually(self.serves, "the server listens")

    def serves(self):
        assert self.process.poll() is None, "the server ended at its start"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def kill(self):
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stored_bytes(self, topic):
        """Bytes of all segments of a topic."""
        total = 0
        for folder, _, files in os.walk(f"{self.directory}/data"):
            if f"/{topic}-" in folder + "/":
                total += sum(
                    os.path.getsize(f"{folder}/{name}") for name in files if name.endswith(".log"))
        return total


def eventually(condition, what, seconds=20):
    """Asks until the condition holds; its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {str(found)[:400]}, wanted {str(wanted)[:400]}")
