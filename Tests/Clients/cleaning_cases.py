"""Retention and compaction under clients that read and write; the server looks every 100 ms."""

from confluent_kafka import TopicPartition

from broker import equal, eventually
from confluent_cases import consumer, create, producer, read, send


def newest_of_every_key(broker):
    create(broker, "t", config={
        "cleanup.policy": "compact", "segment.bytes": "5000", "min.cleanable.dirty.ratio": "0.01"})
    client = producer(broker, transactional_id="x", linger_ms=0)
    client.init_transactions(20)
    newest = {}
    for number in range(60):
        client.begin_transaction()
        for key in range(20):
            client.produce("t", f"{number} {'y' * 20}", key=f"{key * 7 % (number + 1)}", partition=0)
        if number % 4 == 3:
            client.flush(20)
            client.abort_transaction(20)
        else:
            client.commit_transaction(20)
            newest.update({b"%d" % (key * 7 % (number + 1)): number for key in range(20)})
        if number == 30:
            broker.kill()
            broker.start()
    # What cannot be compacted yet is the last segment.
    eventually(lambda: broker.stored_bytes("t") < 20_000, "the topic becomes small")
    for kill in [False, True]:
        if kill:
            broker.kill()
            broker.start()
        reader = consumer(broker, "g", isolation_level="read_committed")
        reader.assign([TopicPartition("t", 0, 0)])
        found = {}

        def all_there():
            for message in reader.consume(500, 0.1):
                found[message.key()] = int(message.value().split()[0])
            return found == newest
        eventually(all_there, "every key has its newest value")
        reader.close()


def readers_outlive_retention(broker):
    create(broker, "t", config={"retention.bytes": "100000", "segment.bytes": "20000"})
    reader = consumer(broker, "g")
    reader.assign([TopicPartition("t", 0, 0)])
    sent = [b"%d %s" % (n, b"x" * 500) for n in range(2000)]
    send(broker, "t", sent, batch_size=5000)
    eventually(lambda: broker.stored_bytes("t") < 120_000, "old segments go")
    place = TopicPartition("t", 0)
    low, high = reader.get_watermark_offsets(place, 10)
    assert 1500 < low < high == 2000, (low, high)
    # Whoever is behind goes on at the first record that is left, and misses none of those.
    reader.seek(TopicPartition("t", 0, 0))
    equal([m.value() for m in read(reader, high - low)], sent[low:])
    reader.close()
    broker.kill()
    broker.start()
    again = consumer(broker, "g")
    equal(again.get_watermark_offsets(place, 10), (low, high))
    again.close()
