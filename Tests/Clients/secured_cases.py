"""Clients that log in, with TLS and without: librdkafka, kafka-python and aiokafka."""

import asyncio

import aiokafka
import confluent_kafka
import kafka
from aiokafka.helpers import create_ssl_context
from confluent_kafka.admin import AdminClient

from broker import equal, eventually
from secured import NAME, PASSWORD

VALUES = [b"%d " % n + b"x" * n * 100 for n in range(200)]


def ways(broker):
    """Protocol and address of each port."""
    return [("SASL_SSL", broker.tls_address), ("SASL_PLAINTEXT", broker.address)]


def confluent(broker):
    for protocol, address in ways(broker):
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]:
            settings = {
                "bootstrap.servers": address, "security.protocol": protocol,
                "ssl.ca.location": f"{broker.directory}/cert.pem", "sasl.mechanism": mechanism,
                "sasl.username": NAME, "sasl.password": PASSWORD,
            }
            topic = f"{protocol}-{mechanism}"
            producer = confluent_kafka.Producer({**settings, "enable.idempotence": True})
            for value in VALUES:
                producer.produce(topic, value, partition=0)
            equal(producer.flush(20), 0)
            consumer = confluent_kafka.Consumer({**settings, "group.id": topic})
            consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
            found = []

            def all_there():
                found.extend(m.value() for m in consumer.consume(500, 0.1))
                return len(found) >= len(VALUES)
            eventually(all_there, "all records arrive")
            equal(found, VALUES)
            consumer.close()


def strangers_get_nothing(broker):
    right = {
        "bootstrap.servers": broker.tls_address, "security.protocol": "SASL_SSL",
        "ssl.ca.location": f"{broker.directory}/cert.pem", "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": NAME, "sasl.password": PASSWORD,
    }
    wrong = [
        {"sasl.password": "wonder"}, {"sasl.username": "bob"},
        {"sasl.mechanism": "PLAIN", "sasl.password": "wonder"},
        {"security.protocol": "SSL"}, {"security.protocol": "PLAINTEXT"},
        {"bootstrap.servers": broker.address, "security.protocol": "PLAINTEXT"},
        {"bootstrap.servers": broker.address},
    ]
    equal(len(AdminClient(right).list_topics(timeout=10).brokers), 1)
    # Side by side: each waits for its time to be over.
    clients = [AdminClient({**right, **change, "log_level": 0}) for change in wrong]
    for client, change in zip(clients, wrong):
        try:
            client.list_topics(timeout=0.3)
        except confluent_kafka.KafkaException:
            continue
        raise AssertionError(f"let in: {change}")
    equal(len(AdminClient(right).list_topics(timeout=10).brokers), 1)


def kafka_python(broker):
    for protocol, address in ways(broker):
        for mechanism in ["PLAIN", "SCRAM-SHA-512"]:
            settings = {
                "bootstrap_servers": address, "security_protocol": protocol,
                "ssl_cafile": f"{broker.directory}/cert.pem", "ssl_check_hostname": True,
                "sasl_mechanism": mechanism, "sasl_plain_username": NAME,
                "sasl_plain_password": PASSWORD,
            }
            topic = f"{protocol}-{mechanism}"
            producer = kafka.KafkaProducer(**settings)
            for value in VALUES:
                producer.send(topic, value, partition=0)
            producer.flush(20)
            producer.close()
            consumer = kafka.KafkaConsumer(
                topic, auto_offset_reset="earliest", consumer_timeout_ms=20_000, **settings)
            equal([next(consumer).value for _ in VALUES], VALUES)
            consumer.close()


def aio(broker):
    async def both_ways(protocol, address, mechanism):
        settings = {
            "bootstrap_servers": address, "security_protocol": protocol,
            "ssl_context": create_ssl_context(cafile=f"{broker.directory}/cert.pem"),
            "sasl_mechanism": mechanism, "sasl_plain_username": NAME,
            "sasl_plain_password": PASSWORD,
        }
        topic = f"{protocol}-{mechanism}"
        async with aiokafka.AIOKafkaProducer(**settings) as producer:
            for value in VALUES:
                await producer.send(topic, value, partition=0)
        async with aiokafka.AIOKafkaConsumer(
                topic, auto_offset_reset="earliest", **settings) as consumer:
            found = [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in VALUES]
        equal(found, VALUES)
    for protocol, address in ways(broker):
        for mechanism in ["PLAIN", "SCRAM-SHA-256"]:
            asyncio.run(both_ways(protocol, address, mechanism))
