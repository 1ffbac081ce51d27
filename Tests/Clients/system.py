"""A whole Millrace of its own for one case: `millrace up` on a directory that goes afterwards."""

import json
import os
import shutil
import signal
import subprocess
import tempfile

from broker import eventually


class System:
    """`with` starts and stops it. The executables are those beside the one that is given."""

    def __init__(self, executable, settings=None):
        self.millrace = os.path.join(os.path.dirname(executable), "millrace")
        self.directory = tempfile.mkdtemp(prefix="millrace-clients-")
        self.settings = settings or {}
        self.process = None

    def __enter__(self):
        environment = {
            f"MILLRACE_{k.upper().replace('.', '_')}": v for k, v in self.settings.items()}
        with open(f"{self.directory}/log.txt", "ab") as log:
            self.process = subprocess.Popen(
                [self.millrace, "up", "--data", f"{self.directory}/data", "--stores", "2"],
                env={**os.environ, **environment}, stdout=log, stderr=log)
        endpoints = f"{self.directory}/data/endpoints.json"
        eventually(lambda: self.runs() and os.path.exists(endpoints), "the system is ready", 40)
        with open(endpoints) as text:
            found = json.load(text)
        self.api, self.project = found["api"], found["project"]
        self.url = f"{self.api}/3.0/projects/{self.project['id']}"
        return self

    def __exit__(self, kind, *rest):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        if kind is not None:
            with open(f"{self.directory}/log.txt") as text:
                print("the system's log:", text.read()[-2000:], sep="\n")
        shutil.rmtree(self.directory, ignore_errors=True)
        if kind is None and status != 0:
            raise AssertionError(f"the system ended with status {status}")

    def runs(self):
        assert self.process.poll() is None, "the system ended at its start"
        return True

    def run(self, *arguments):
        """One of the commands of `millrace`, on this system."""
        done = subprocess.run(
            [self.millrace, *arguments, "--data", f"{self.directory}/data"],
            capture_output=True, text=True, timeout=50)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout
