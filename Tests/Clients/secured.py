"""A server with TLS and users: its certificate, its users file, and what clients need to know."""

import os
import socket
import subprocess

NAME, PASSWORD = "alice", "wonder land"


def secured(broker):
    """The settings of a server that listens with TLS too and asks who is there."""
    folder = broker.directory
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key.pem", "-out",
         f"{folder}/cert.pem"],
        check=True, capture_output=True)
    users = os.open(f"{folder}/users", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(users, "w") as file:
        file.write(f"{NAME}: {PASSWORD}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        broker.tls_address = f"127.0.0.1:{probe.getsockname()[1]}"
    return {
        "log_server.tls_listen": broker.tls_address,
        "log_server.tls_certificate": f"{folder}/cert.pem",
        "log_server.tls_key": f"{folder}/key.pem",
        "log_server.users_file": f"{folder}/users",
    }
