"""Transactions: what is committed is seen once, what is aborted is not, and old producers are out."""

import asyncio

import aiokafka
import confluent_kafka
import kafka
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from broker import equal, eventually
from confluent_cases import consumer, create, producer, read


def values(broker, topic, count, isolation):
    client = consumer(broker, "check", isolation_level=isolation, enable_partition_eof=False)
    client.assign([TopicPartition(topic, 0, 0)])
    found = [m.value() for m in read(client, count)]
    # There is no more: aborted records would come behind.
    equal([m.value() for m in client.consume(10, 0.2)], [])
    client.close()
    return found


def confluent(broker):
    create(broker, "t")
    client = producer(broker, transactional_id="x")
    client.init_transactions(20)
    for number in range(10):
        client.begin_transaction()
        client.produce("t", f"{number}", partition=0)
        if number % 3 == 1:
            client.flush(20)
            client.abort_transaction(20)
        else:
            client.commit_transaction(20)
    wanted = [b"%d" % n for n in range(10) if n % 3 != 1]
    equal(values(broker, "t", 7, "read_committed"), wanted)
    equal(values(broker, "t", 10, "read_uncommitted"), [b"%d" % n for n in range(10)])
    # One that is open hides what comes behind it, and goes over a kill.
    client.begin_transaction()
    client.produce("t", "open", partition=0)
    equal(client.flush(20), 0)
    other = producer(broker)
    other.produce("t", "behind", partition=0)
    equal(other.flush(20), 0)
    broker.kill()
    broker.start()
    equal(values(broker, "t", 7, "read_committed"), wanted)
    client.commit_transaction(20)
    equal(values(broker, "t", 9, "read_committed"), wanted + [b"open", b"behind"])


def offsets_with_records(broker):
    """Reads, writes and commits in one transaction; a group sees nothing of one that is aborted."""
    create(broker, "in")
    create(broker, "out")
    source = producer(broker)
    for number in range(100):
        source.produce("in", str(number), partition=0)
    equal(source.flush(20), 0)
    reader = consumer(broker, "g", isolation_level="read_committed")
    reader.subscribe(["in"])
    messages = read(reader, 100)
    client = producer(broker, transactional_id="x")
    client.init_transactions(20)
    place = TopicPartition("in", 0)
    for end, commits in [(40, False), (40, True), (100, False), (100, True)]:
        client.begin_transaction()
        for message in messages[0 if end == 40 else 40:end]:
            client.produce("out", message.value(), partition=0)
        client.send_offsets_to_transaction(
            [TopicPartition("in", 0, end)], reader.consumer_group_metadata(), 20)
        if commits:
            client.commit_transaction(20)
        else:
            client.abort_transaction(20)
        known = {40: -1001 if not commits else 40, 100: 100 if commits else 40}[end]
        equal(reader.committed([place], 20)[0].offset, known)
    equal(values(broker, "out", 100, "read_committed"), [b"%d" % n for n in range(100)])
    reader.close()


def the_older_producer_is_fenced(broker):
    create(broker, "t")
    old = producer(broker, transactional_id="x")
    old.init_transactions(20)
    old.begin_transaction()
    old.produce("t", "old", partition=0)
    equal(old.flush(20), 0)
    new = producer(broker, transactional_id="x")
    new.init_transactions(20)
    try:
        old.commit_transaction(20)
        raise AssertionError("two producers have one id")
    except KafkaException as error:
        equal(error.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED), True)
    new.begin_transaction()
    new.produce("t", "new", partition=0)
    new.commit_transaction(20)
    equal(values(broker, "t", 1, "read_committed"), [b"new"])


def kafka_python(broker):
    create(broker, "t")
    client = kafka.KafkaProducer(bootstrap_servers=broker.address, transactional_id="x")
    client.init_transactions()
    for number in range(6):
        client.begin_transaction()
        client.send("t", b"%d" % number, partition=0)
        if number % 2:
            client.flush(20)
            client.abort_transaction()
        else:
            client.commit_transaction()
    client.close()
    equal(values(broker, "t", 3, "read_committed"), [b"0", b"2", b"4"])
    reader = kafka.KafkaConsumer(
        "t", bootstrap_servers=broker.address, auto_offset_reset="earliest",
        isolation_level="read_committed", consumer_timeout_ms=500)
    equal([message.value for message in reader], [b"0", b"2", b"4"])
    reader.close()


def aio(broker):
    create(broker, "t")

    async def run():
        async with aiokafka.AIOKafkaProducer(
                bootstrap_servers=broker.address, transactional_id="x") as client:
            for number in range(6):
                await client.begin_transaction()
                await client.send_and_wait("t", b"%d" % number, partition=0)
                if number % 2:
                    await client.abort_transaction()
                else:
                    await client.commit_transaction()
        async with aiokafka.AIOKafkaConsumer(
                "t", bootstrap_servers=broker.address, auto_offset_reset="earliest",
                isolation_level="read_committed") as reader:
            return [(await asyncio.wait_for(reader.getone(), 20)).value for _ in range(3)]
    equal(asyncio.run(run()), [b"0", b"2", b"4"])
    equal(values(broker, "t", 3, "read_committed"), [b"0", b"2", b"4"])
