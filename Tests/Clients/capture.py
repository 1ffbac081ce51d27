"""Makes Tests/KafkaWireTests/Fixtures again: capture.py EXECUTABLE runs the cases through a proxy
and keeps, of each client, the longest short request of every kind and version that it sent."""

import importlib
import os
import socket
import subprocess
import sys
import threading

from broker import Broker
from run import CASES

TARGET = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                      "KafkaWireTests", "Fixtures", "requests.txt")
BYTES_MAX = 300


class Proxy:
    """Passes everything on and notes the frames that clients send."""

    def __init__(self, server):
        self.frames, self.server = [], server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self.server))
            except OSError:
                client.close()
                continue
            for pair in ((client, server, self.note), (server, client, None)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, target, note):
        pending = b""
        try:
            while data := source.recv(65536):
                target.sendall(data)
                if note:
                    pending = note(pending + data)
        except OSError:
            pass
        for side in (source, target):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def note(self, data):
        while len(data) >= 4 and len(data) >= 4 + (length := int.from_bytes(data[:4])):
            self.frames.append(data[4:4 + length])
            data = data[4 + length:]
        return data


def run_here(executable, case):
    """Runs a case through a proxy and prints what was sent."""
    module, function, settings = case
    broker = Broker(executable, settings)
    proxy = Proxy(broker.port)
    broker.settings["log_server.advertised"] = f"127.0.0.1:{proxy.port}"
    broker.address = f"127.0.0.1:{proxy.port}"
    with broker:
        getattr(importlib.import_module(module), function)(broker)
    for frame in proxy.frames:
        print("frame", frame.hex())
    sys.stdout.flush()
    os._exit(0)


def main():
    executable = os.path.abspath(sys.argv[1])
    if sys.argv[2:3] == ["--here"]:
        run_here(executable, CASES[int(sys.argv[3])])
    kept = {}
    for index, case in enumerate(CASES):
        done = subprocess.run([sys.executable, __file__, executable, "--here", str(index)],
                              capture_output=True, text=True)
        if done.returncode:
            print(case, done.stderr[-800:], file=sys.stderr)
        for line in done.stdout.splitlines():
            if not line.startswith("frame "):
                continue
            text = line[6:]
            name = (case[0].removesuffix("_cases"), int(text[:4], 16), int(text[4:8], 16))
            if len(text) <= 2 * BYTES_MAX and len(text) >= len(kept.get(name, text)):
                kept[name] = text
    with open(TARGET, "w") as target:
        target.write("# client, key, version, frame without its length; written by capture.py\n")
        for (client, key, version), text in sorted(kept.items()):
            target.write(f"{client} {key} {version} {text}\n")


if __name__ == "__main__":
    main()
