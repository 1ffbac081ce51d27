"""aiokafka: asyncio, with old versions of many requests."""

import asyncio
import functools
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError

from broker import equal

CODECS = [None, "gzip", "snappy", "lz4", "zstd"]


def asynchronous(case):
    """Runs a case on a loop of its own."""
    @functools.wraps(case)
    def run(broker):
        asyncio.run(case(broker))
    return run


async def eventually(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.02)


def producer(broker, **settings):
    return AIOKafkaProducer(
        bootstrap_servers=broker.address, **{"acks": "all", "linger_ms": 5, **settings})


def consumer(broker, *topics, group=None, **settings):
    given = {
        "auto_offset_reset": "earliest", "enable_auto_commit": False, "session_timeout_ms": 6000,
        "heartbeat_interval_ms": 300, "metadata_max_age_ms": 1000,
    }
    return AIOKafkaConsumer(
        *topics, bootstrap_servers=broker.address, group_id=group, **{**given, **settings})


async def create(broker, topic, partitions=1, config=None):
    client = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await client.start()
    try:
        await client.create_topics([NewTopic(topic, partitions, 1, topic_configs=config or {})])
    finally:
        await client.close()


async def read(client, count):
    found = []
    while len(found) < count:
        found.append(await asyncio.wait_for(client.getone(), 20))
    return found


async def from_offset(broker, topic, offset, count, partition=0):
    part = TopicPartition(topic, partition)
    client = consumer(broker)
    await client.start()
    client.assign([part])
    client.seek(part, offset)
    found = await read(client, count)
    await client.stop()
    return found


@asynchronous
async def produce_and_consume(broker):
    await create(broker, "t", 3)
    async with producer(broker) as client:
        futures = [
            await client.send(
                "t", b"%d" % n, key=b"k" if n % 5 == 0 else None, partition=n % 3,
                headers=[("h", b"1")], timestamp_ms=1000 + n)
            for n in range(600)]
        equal([(await f).offset for f in futures], [n // 3 for n in range(600)])
    reader = consumer(broker, "t", group="g")
    await reader.start()
    for record in await read(reader, 600):
        number = record.offset * 3 + record.partition
        equal(record.value, b"%d" % number)
        equal((record.key, record.timestamp), (None if number % 5 else b"k", 1000 + number))
        equal(list(record.headers), [("h", b"1")])
    await reader.commit()
    equal([await reader.committed(TopicPartition("t", p)) for p in range(3)], [200] * 3)
    await reader.stop()


@asynchronous
async def every_codec(broker):
    values = [b"the same words over and over, number %d" % n for n in range(300)]
    for codec in CODECS:
        topic = f"c-{codec}"
        await create(broker, topic)
        async with producer(broker, compression_type=codec, linger_ms=50) as client:
            for value in values:
                await client.send(topic, value, partition=0)
        stored, plain = broker.stored_bytes(topic), sum(map(len, values))
        assert (stored > plain) == (codec is None), f"{codec}: {stored} bytes of {plain}"
        equal([r.value for r in await from_offset(broker, topic, 0, 300)], values)
        equal([r.value for r in await from_offset(broker, topic, 123, 177)], values[123:])


@asynchronous
async def offsets_by_time(broker):
    await create(broker, "t", 1)
    async with producer(broker) as client:
        for number in range(10):
            await client.send_and_wait(
                "t", b"v", partition=0, timestamp_ms=10_000 + number * 1000)
    part = TopicPartition("t", 0)
    reader = consumer(broker)
    await reader.start()

    async def at(timestamp):
        found = (await reader.offsets_for_times({part: timestamp}))[part]
        return found and (found.offset, found.timestamp)
    equal([await at(0), await at(12_500)], [(0, 10_000), (3, 13_000)])
    equal(await at(19_001), None)
    equal((await reader.beginning_offsets([part]))[part], 0)
    equal((await reader.end_offsets([part]))[part], 10)
    await reader.stop()


@asynchronous
async def admin(broker):
    client = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await client.start()
    await create(broker, "t", 2, {"retention.ms": "3600000"})
    try:
        await client.create_topics([NewTopic("t", 2, 1)])
        await create(broker, "t", 2)
        told = await client.create_topics([NewTopic("t", 2, 1)])
        equal(told.topic_errors[0][1], TopicAlreadyExistsError.errno)
    except TopicAlreadyExistsError:
        pass
    await client.create_partitions({"t": NewPartitions(4)})
    equal(len((await client.describe_topics(["t"]))[0]["partitions"]), 4)
    shown = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "t")])
    assert "3600000" in str(shown), "the setting is missing"
    equal(len((await client.describe_cluster())["brokers"]), 1)
    part = TopicPartition("t", 0)
    async with producer(broker) as sender:
        for number in range(100):
            await sender.send("t", b"%d" % number, partition=0)
    await client.delete_records({part: RecordsToDelete(before_offset=40)})
    equal([r.offset for r in await from_offset(broker, "t", 40, 60)], list(range(40, 100)))
    reader = consumer(broker, group="g")
    await reader.start()
    reader.assign([part])
    await reader.commit({part: (77, "note")})
    await reader.stop()
    assert "g" in [group[0] for group in await client.list_consumer_groups()]
    assert "Empty" in str(await client.describe_consumer_groups(["g"]))
    offsets = await client.list_consumer_group_offsets("g")
    equal({p: (o.offset, o.metadata) for p, o in offsets.items()}, {part: (77, "note")})
    await client.delete_topics(["t"])
    assert "t" not in await client.list_topics()
    await client.close()


@asynchronous
async def members_come_and_go(broker):
    await create(broker, "t", 6)
    members, values, readers = [], [], []

    async def take(member):
        async for record in member:
            values.append(record.value)

    async def join():
        members.append(consumer(broker, "t", group="g", rebalance_timeout_ms=5000))
        await members[-1].start()
        readers.append(asyncio.create_task(take(members[-1])))

    def shared():
        have = [part.partition for member in members for part in member.assignment()]
        return sorted(have) == list(range(6)) and all(m.assignment() for m in members)
    await join()
    await eventually(shared, "one member has all")
    await join()
    await eventually(shared, "two members share")
    wanted = {b"%d" % n for n in range(300)}
    async with producer(broker) as sender:
        for value in sorted(wanted):
            await sender.send("t", value)
    await eventually(lambda: set(values) == wanted, "all arrive")
    equal(len(values), 300)
    await members.pop(0).stop()
    await eventually(shared, "the other has all")
    await members[0].stop()
    for reader in readers:
        reader.cancel()


@asynchronous
async def idempotent_over_a_kill(broker):
    await create(broker, "t", 2)
    client = producer(
        broker, enable_idempotence=True, retry_backoff_ms=50, request_timeout_ms=30_000)
    await client.start()
    futures = []
    for _ in range(2):
        goal = len(futures) + 500
        while len(futures) < goal or not futures[-400].done():
            futures.append(
                await client.send("t", b"%d" % len(futures), partition=len(futures) % 2))
            # Sending alone would not let the sender run.
            await asyncio.sleep(0)
        broker.kill()
        broker.start()
    await client.flush()
    sent = len(futures)
    equal([(await f).offset for f in futures], [n // 2 for n in range(sent)])
    await client.stop()
    for part in range(2):
        wanted = [b"%d" % n for n in range(part, sent, 2)]
        found = await from_offset(broker, "t", 0, len(wanted), part)
        equal([r.value for r in found], wanted)
