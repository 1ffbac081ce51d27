"""kcat, as Debian has it: librdkafka 2.0.2."""

import subprocess

from broker import equal, eventually


def kcat(broker, *arguments, text=""):
    done = subprocess.run(
        ["kcat", "-b", broker.address, *arguments], input=text, capture_output=True, text=True,
        timeout=30)
    if done.returncode:
        raise AssertionError(f"kcat {arguments} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def every_codec(broker):
    lines = "".join(f"the same words over and over, number {n}\n" for n in range(500))
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        topic = f"c-{codec}"
        kcat(broker, "-P", "-t", topic, "-p", "0", "-z", codec, text=lines)
        stored = broker.stored_bytes(topic)
        assert (stored > len(lines)) == (codec == "none"), f"{codec}: {stored} bytes"
        equal(kcat(broker, "-C", "-t", topic, "-p", "0", "-e", "-q"), lines)
        equal(kcat(broker, "-C", "-t", topic, "-p", "0", "-o", "-1", "-e", "-q"),
              lines.splitlines(True)[-1])
    assert 'topic "c-zstd" with 4 partitions' in kcat(broker, "-L")


def offsets_by_time(broker):
    kcat(broker, "-P", "-t", "t", "-p", "0", text="a\nb\n")
    equal(kcat(broker, "-Q", "-t", "t:0:-1").strip(), "t [0] offset 2")
    equal(kcat(broker, "-Q", "-t", "t:0:-2").strip(), "t [0] offset 0")
    first = kcat(broker, "-C", "-t", "t", "-p", "0", "-e", "-q", "-f", "%T %o\n").splitlines()[0]
    timestamp, offset = first.split()
    equal(kcat(broker, "-Q", "-t", f"t:0:{timestamp}").strip(), f"t [0] offset {offset}")


def two_members(broker):
    kcat(broker, "-P", "-t", "t", "-p", "0", text="0\n")
    kcat(broker, "-P", "-t", "t", "-p", "3", text="3\n")
    command = [
        "kcat", "-b", broker.address, "-G", "g", "-u", "-X", "auto.offset.reset=earliest",
        "-X", "heartbeat.interval.ms=300", "t"]
    members = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)]
    try:
        # The first line that each prints is a record, and their partitions are apart.
        equal(sorted(member.stdout.readline() for member in members), ["0\n", "3\n"])
    finally:
        for member in members:
            member.terminate()
            member.wait(20)
    equal(kcat(broker, "-G", "g", "-e", "-q", "t"), "")
