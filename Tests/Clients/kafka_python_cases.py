"""kafka-python: pure Python, with the newest versions of most requests."""

import threading

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

from broker import equal, eventually

CODECS = [None, "gzip", "snappy", "lz4", "zstd"]


def producer(broker, **settings):
    return KafkaProducer(
        bootstrap_servers=broker.address, acks="all", **{"linger_ms": 5, **settings})


def consumer(broker, group=None, **settings):
    given = {
        "auto_offset_reset": "earliest", "enable_auto_commit": False, "session_timeout_ms": 6000,
        "heartbeat_interval_ms": 300, "consumer_timeout_ms": 1000, "metadata_max_age_ms": 1000,
    }
    return KafkaConsumer(
        bootstrap_servers=broker.address, group_id=group, **{**given, **settings})


def admin_client(broker):
    return KafkaAdminClient(bootstrap_servers=broker.address)


def create(broker, topic, partitions=1, config=None):
    client = admin_client(broker)
    client.create_topics([NewTopic(topic, partitions, 1, topic_configs=config or {})])
    client.close()


def read(client, count):
    found = []

    def all_there():
        for records in client.poll(100).values():
            found.extend(records)
        return len(found) >= count
    eventually(all_there, f"{count} records arrive")
    equal(len(found), count)
    return found


def from_offset(broker, topic, offset, count, partition=0):
    client = consumer(broker)
    part = TopicPartition(topic, partition)
    client.assign([part])
    client.seek(part, offset)
    found = read(client, count)
    client.close()
    return found


def produce_and_consume(broker):
    create(broker, "t", 3)
    client = producer(broker)
    futures = [
        client.send(
            "t", b"%d" % n if n % 10 else None, key=None if n % 5 else b"k",
            partition=n % 3, headers=[("h", b"1")], timestamp_ms=1000 + n)
        for n in range(600)]
    client.flush(20)
    equal([f.get(20).offset for f in futures], [n // 3 for n in range(600)])
    client.close()
    reader = consumer(broker, "g")
    reader.subscribe(["t"])
    for record in read(reader, 600):
        number = record.offset * 3 + record.partition
        equal(record.value, b"%d" % number if number % 10 else None)
        equal((record.key, record.timestamp), (None if number % 5 else b"k", 1000 + number))
        equal(list(record.headers), [("h", b"1")])
    reader.commit()
    reader.close()
    again = consumer(broker, "g")
    equal([again.committed(TopicPartition("t", p)) for p in range(3)], [200] * 3)
    again.close()


def every_codec(broker):
    values = [b"the same words over and over, number %d" % n for n in range(300)]
    for codec in CODECS:
        topic = f"c-{codec}"
        create(broker, topic)
        client = producer(broker, compression_type=codec, linger_ms=50)
        for value in values:
            client.send(topic, value, partition=0)
        client.close()
        stored, plain = broker.stored_bytes(topic), sum(map(len, values))
        assert (stored > plain) == (codec is None), f"{codec}: {stored} bytes of {plain}"
        equal([r.value for r in from_offset(broker, topic, 0, 300)], values)
        equal([r.value for r in from_offset(broker, topic, 123, 177)], values[123:])


def offsets_by_time(broker):
    create(broker, "t", 1)
    client = producer(broker)
    for number in range(10):
        client.send("t", b"v", partition=0, timestamp_ms=10_000 + number * 1000).get(20)
    client.close()
    reader = consumer(broker)
    part = TopicPartition("t", 0)

    def at(timestamp):
        found = reader.offsets_for_times({part: timestamp})[part]
        return found and (found.offset, found.timestamp)
    equal([at(0), at(12_500), at(19_000)], [(0, 10_000), (3, 13_000), (9, 19_000)])
    equal(at(19_001), None)
    equal((reader.beginning_offsets([part])[part], reader.end_offsets([part])[part]), (0, 10))
    reader.close()


def admin(broker):
    client = admin_client(broker)
    create(broker, "t", 2, {"retention.ms": "3600000"})
    try:
        create(broker, "t", 2)
        raise AssertionError("made twice")
    except TopicAlreadyExistsError:
        pass
    client.create_partitions({"t": 4})
    equal(len(client.describe_topics(["t"])[0]["partitions"]), 4)
    assert "t" in client.list_topics()
    shown = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "t")])
    assert "3600000" in str(shown), "the setting is missing"
    equal(len(client.describe_cluster()["brokers"]), 1)
    sender = producer(broker)
    for number in range(100):
        sender.send("t", b"%d" % number, partition=0)
    sender.close()
    part = TopicPartition("t", 0)
    client.delete_records({part: 40})
    equal([r.offset for r in from_offset(broker, "t", 40, 60)], list(range(40, 100)))
    reader = consumer(broker, "g")
    reader.assign([part])
    reader.commit({part: OffsetAndMetadata(77, "note", -1)})
    reader.close()
    assert "'g'" in str(client.list_groups())
    assert "Empty" in str(client.describe_groups(["g"]))
    offsets = client.list_group_offsets(["g"])["g"]
    equal([(p.topic, o.offset, o.metadata) for p, o in offsets.items()], [("t", 77, "note")])
    client.delete_groups(["g"])
    assert "'g'" not in str(client.list_groups())
    client.delete_topics(["t"])
    assert "t" not in client.list_topics()
    client.close()


class Member(ConsumerRebalanceListener):
    """A member of a group on a thread of its own, since its calls wait for the other members."""

    def __init__(self, broker, **settings):
        self.settings, self.broker = settings, broker
        self.has, self.assigns, self.values, self.ends = set(), 0, [], False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        client = consumer(self.broker, "g", **self.settings)
        client.subscribe(["t"], listener=self)
        while not self.ends:
            for records in client.poll(50).values():
                self.values += [record.value for record in records]
            self.has = {part.partition for part in client.assignment()}
        client.close()

    def close(self):
        self.ends = True
        self.thread.join(20)

    def on_partitions_assigned(self, assigned):
        self.assigns += 1

    def on_partitions_revoked(self, revoked):
        pass


def shared(members, partitions):
    """Whether the members have all partitions, each one, and each member some."""
    have = [part for member in members for part in member.has]
    return sorted(have) == list(range(partitions)) and all(m.has for m in members)


def members_come_and_go(broker):
    create(broker, "t", 6)
    settings = {"partition_assignment_strategy": [CooperativeStickyAssignor]}
    members = [Member(broker, **settings)]
    eventually(lambda: shared(members, 6), "one member has all")
    members.append(Member(broker, **settings))
    eventually(lambda: shared(members, 6), "two members share")
    sender = producer(broker)
    wanted = {b"%d" % n for n in range(300)}
    for value in sorted(wanted):
        sender.send("t", value)
    sender.close()
    eventually(lambda: {v for m in members for v in m.values} == wanted, "all arrive")
    equal(sum(len(m.values) for m in members), 300)
    members.pop(0).close()
    eventually(lambda: shared(members, 6), "the other has all")
    members[0].close()


def a_static_member_comes_back(broker):
    create(broker, "t", 4)
    members = [Member(broker, group_instance_id=f"i{n}") for n in range(2)]
    eventually(lambda: shared(members, 4), "the members share")
    before, has = members[0].assigns, set(members[1].has)
    members[1].close()
    members[1] = Member(broker, group_instance_id="i1")
    eventually(lambda: shared(members, 4), "the member is back")
    equal(members[1].has, has)
    equal(members[0].assigns, before)
    for member in members:
        member.close()


def idempotent_over_a_kill(broker):
    create(broker, "t", 2)
    client = producer(
        broker, enable_idempotence=True, reconnect_backoff_max_ms=200, retry_backoff_ms=50)
    futures = []
    for _ in range(2):
        goal = len(futures) + 500
        while len(futures) < goal or not futures[-400].is_done:
            futures.append(client.send("t", b"%d" % len(futures), partition=len(futures) % 2))
        broker.kill()
        broker.start()
    client.flush(30)
    sent = len(futures)
    equal([f.get(1).offset for f in futures], [n // 2 for n in range(sent)])
    client.close()
    for part in range(2):
        wanted = [b"%d" % n for n in range(part, sent, 2)]
        equal([r.value for r in from_offset(broker, "t", 0, len(wanted), part)], wanted)
