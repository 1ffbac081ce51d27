"""confluent-kafka: the newest librdkafka."""

from confluent_kafka import (
    Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
    OffsetSpec, ResourceType,
)

from broker import equal, eventually

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def producer(broker, **settings):
    given = {"bootstrap.servers": broker.address, "acks": "all", "linger.ms": 2}
    return Producer({**given, **{k.replace("_", "."): v for k, v in settings.items()}})


def consumer(broker, group, **settings):
    given = {
        "bootstrap.servers": broker.address, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "session.timeout.ms": 6000, "heartbeat.interval.ms": 300,
        "enable.partition.eof": False,
    }
    return Consumer({**given, **{k.replace("_", "."): v for k, v in settings.items()}})


def admin_client(broker):
    return AdminClient({"bootstrap.servers": broker.address})


def create(broker, topic, partitions=1, config=None):
    # The client must outlive what it has promised.
    client = admin_client(broker)
    client.create_topics([NewTopic(topic, partitions, 1, config=config or {})])[topic].result(20)


def send(broker, topic, values, partition=0, **settings):
    client = producer(broker, **settings)
    errors = []
    for value in values:
        client.produce(
            topic, value, partition=partition, on_delivery=lambda e, m: e and errors.append(e))
        client.poll(0)
    equal(client.flush(20), 0)
    equal(errors, [])


def read(client, count, seconds=20):
    found = []

    def all_there():
        for message in client.consume(500, 0.1):
            if message.error():
                raise KafkaException(message.error())
            found.append(message)
        return len(found) >= count
    eventually(all_there, f"{count} records arrive", seconds)
    equal(len(found), count)
    return found


def produce_and_consume(broker):
    create(broker, "t", 3)
    client = producer(broker)
    offsets = {0: [], 1: [], 2: []}
    for number in range(3000):
        client.produce(
            "t", None if number % 7 == 0 else str(number), key=None if number % 5 else b"k",
            partition=number % 3, headers=[("h", b"1"), ("h", None)], timestamp=1000 + number,
            on_delivery=lambda e, m: offsets[m.partition()].append(m.offset()))
        client.poll(0)
    equal(client.flush(20), 0)
    equal(offsets, {p: list(range(1000)) for p in range(3)})
    reader = consumer(broker, "g")
    reader.subscribe(["t"])
    for message in read(reader, 3000):
        number = message.offset() * 3 + message.partition()
        equal(message.value(), None if number % 7 == 0 else str(number).encode())
        equal(message.key(), None if number % 5 else b"k")
        equal(message.headers(), [("h", b"1"), ("h", None)])
        equal(message.timestamp(), (1, 1000 + number))
    reader.commit(asynchronous=False)
    reader.close()
    again = consumer(broker, "g")
    committed = again.committed([TopicPartition("t", p) for p in range(3)], 10)
    equal([part.offset for part in committed], [1000] * 3)
    equal(again.get_watermark_offsets(TopicPartition("t", 1), 10), (0, 1000))
    again.close()


def every_codec(broker):
    values = [b"the same words over and over, number %d" % n for n in range(2000)]
    for codec in CODECS:
        topic = f"c-{codec}"
        create(broker, topic)
        send(broker, topic, values, compression_type=codec, linger_ms=50)
        stored, plain = broker.stored_bytes(topic), sum(map(len, values))
        assert (stored > plain) == (codec == "none"), f"{codec}: {stored} bytes of {plain}"
        reader = consumer(broker, "g")
        reader.assign([TopicPartition(topic, 0, 0)])
        equal([m.value() for m in read(reader, len(values))], values)
        # From the middle of a batch.
        reader.seek(TopicPartition(topic, 0, 1234))
        equal([m.value() for m in read(reader, len(values) - 1234)], values[1234:])
        reader.close()


def offsets_by_time(broker):
    create(broker, "t", 1)
    client = producer(broker, linger_ms=0)
    for number in range(10):
        client.produce("t", str(number), partition=0, timestamp=10_000 + number * 1000)
        client.flush(20)
    reader = consumer(broker, "g")

    def at(timestamp):
        return reader.offsets_for_times([TopicPartition("t", 0, timestamp)], 10)[0].offset
    equal([at(0), at(10_000), at(12_500), at(19_000), at(19_001)], [0, 0, 3, 9, -1])
    reader.close()
    part = TopicPartition("t", 0)
    admin = admin_client(broker)
    for spec, offset in [
        (OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 10), (OffsetSpec.max_timestamp(), 9),
        (OffsetSpec.for_timestamp(15_000), 5),
    ]:
        equal(admin.list_offsets({part: spec})[part].result(10).offset, offset)


def admin(broker):
    client = admin_client(broker)
    create(broker, "t", 2, {"retention.ms": "3600000"})
    try:
        create(broker, "t", 2)
        raise AssertionError("made twice")
    except KafkaException as error:
        equal(error.args[0].name(), "TOPIC_ALREADY_EXISTS")
    client.create_partitions([NewPartitions("t", 5)])["t"].result(10)
    equal(len(client.list_topics("t", 10).topics["t"].partitions), 5)
    resource = ConfigResource(ResourceType.TOPIC, "t")
    shown = client.describe_configs([resource])[resource].result(10)
    equal(shown["retention.ms"].value, "3600000")
    assert len(shown) > 10, "settings are missing"
    cluster = client.describe_cluster().result(10)
    equal(len(cluster.nodes), 1)
    send(broker, "t", [str(n) for n in range(100)])
    low = client.delete_records([TopicPartition("t", 0, 40)])
    equal(list(low.values())[0].result(10).low_watermark, 40)
    reader = consumer(broker, "g")
    reader.assign([TopicPartition("t", 0, 0)])
    equal([m.offset() for m in read(reader, 60)], list(range(40, 100)))
    reader.commit(offsets=[TopicPartition("t", 0, 77, "note")], asynchronous=False)
    reader.close()
    groups(client)
    client.delete_topics(["t"])["t"].result(10)
    assert "t" not in client.list_topics(timeout=10).topics


def groups(client):
    equal([g.group_id for g in client.list_consumer_groups().result(10).valid], ["g"])
    told = client.describe_consumer_groups(["g"])["g"].result(10)
    equal((told.state.name, told.members), ("EMPTY", []))
    offsets = client.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions("g")])["g"].result(10)
    equal([(p.topic, p.offset) for p in offsets.topic_partitions], [("t", 77)])
    client.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions("g", [TopicPartition("t", 0, 50)])])["g"].result(10)
    offsets = client.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions("g")])["g"].result(10)
    equal([p.offset for p in offsets.topic_partitions], [50])
    client.delete_consumer_groups(["g"])["g"].result(10)
    equal(client.list_consumer_groups().result(10).valid, [])


class Member:
    """A member of a group that notes what it has and what it was told."""

    def __init__(self, broker, group, topic, cooperative=False, **settings):
        self.client = consumer(broker, group, **settings)
        self.has, self.assigns, self.revokes, self.values = set(), 0, 0, []
        self.cooperative = cooperative
        self.client.subscribe([topic], on_assign=self.assigned, on_revoke=self.revoked)

    def assigned(self, client, parts):
        self.assigns += 1
        new = {part.partition for part in parts}
        self.has = self.has | new if self.cooperative else new

    def revoked(self, client, parts):
        self.revokes += 1
        self.has -= {part.partition for part in parts}

    def poll(self):
        for message in self.client.consume(500, 0.02):
            if not message.error():
                self.values.append(message.value())
        return self


def shared(members, partitions):
    """Whether the members have all partitions, each one, and each member some."""
    for member in members:
        member.poll()
    have = [part for member in members for part in member.has]
    return sorted(have) == list(range(partitions)) and all(m.has for m in members)


def come_and_go(broker, cooperative, **settings):
    create(broker, "t", 6)
    members = [Member(broker, "g", "t", cooperative, **settings)]
    eventually(lambda: shared(members, 6), "one member has all")
    first = members[0]
    for number in range(2):
        members.append(Member(broker, "g", "t", cooperative, **settings))
        eventually(lambda: shared(members, 6), f"{number + 2} members share")
    if cooperative:
        assert first.revokes >= 1 and len(first.has) == 2
    for part in range(6):
        send(broker, "t", [b"%d-%d" % (part, n) for n in range(50)], part)
    wanted = {b"%d-%d" % (part, n) for part in range(6) for n in range(50)}

    def arrived():
        return {value for m in members for value in m.poll().values} == wanted
    eventually(arrived, "all records arrive")
    equal(sum(len(m.values) for m in members), 300)
    gone = members.pop()
    gone.client.close()
    eventually(lambda: shared(members, 6), "two members share again")
    for member in members:
        member.client.close()


def eager_members_come_and_go(broker):
    come_and_go(broker, False, partition_assignment_strategy="range")


def cooperative_members_come_and_go(broker):
    come_and_go(broker, True, partition_assignment_strategy="cooperative-sticky")


def a_static_member_comes_back(broker):
    create(broker, "t", 4)
    members = [Member(broker, "g", "t", group_instance_id=f"i{n}") for n in range(2)]
    eventually(lambda: shared(members, 4), "the members share")
    before, has = members[0].assigns, set(members[1].has)
    members[1].client.close()
    members[1] = Member(broker, "g", "t", group_instance_id="i1")
    eventually(lambda: shared(members, 4), "the member is back")
    equal(members[1].has, has)
    equal((members[0].assigns, members[0].revokes), (before, 0))
    for member in members:
        member.client.close()


def idempotent_over_a_kill(broker):
    create(broker, "t", 2)
    delivered, failed = [], []

    def report(error, message):
        (failed if error else delivered).append(error or message.value())
    client = producer(
        broker, enable_idempotence=True, message_timeout_ms=30_000, reconnect_backoff_max_ms=200,
        retry_backoff_ms=50)
    sent = 0
    for _ in range(3):
        goal = len(delivered) + 2000
        while len(delivered) < goal:
            for _ in range(100):
                client.produce("t", str(sent), partition=sent % 2, on_delivery=report)
                sent += 1
            client.poll(0.002)
        broker.kill()
        broker.start()
    equal(client.flush(30), 0)
    equal(failed, [])
    reader = consumer(broker, "g")
    reader.assign([TopicPartition("t", p, 0) for p in range(2)])
    found = {0: [], 1: []}
    for message in read(reader, sent):
        found[message.partition()].append(int(message.value()))
    equal(found, {p: list(range(p, sent, 2)) for p in range(2)})
    reader.close()
