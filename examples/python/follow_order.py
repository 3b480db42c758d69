"""Hears every event, and prints each on a line; with an order id only those of that order.

follow_order.py                       all events from now on, until Ctrl-C
follow_order.py ORDER_ID [SECONDS]    ends with 0 at the order's end, with 1 after so many seconds

It joins no group and commits nothing, so any number of these may listen, and nobody notices.
"""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Iterable

from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from wire import BROKERS, BadRecord, decode

TOPICS = ["orders", "inventory", "logistics", "sellers", "deliveries"]
LAST_WORDS = {"OrderCompleted", "OrderCancelled"}
TIMEOUT_S = 10
# The clock of whoever made the order id may be ahead of the broker's by as much.
LEEWAY_MS = 5 * 60 * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description="Hears every event, or follows one order.")
    parser.add_argument(
        "order_id", nargs="?", type=uuid.UUID, help="a UUID of version 7, which tells when to begin"
    )
    parser.add_argument("seconds", nargs="?", type=float, default=60, help="how long to wait")
    arguments = parser.parse_args()
    consumer = Consumer(
        {
            "bootstrap.servers": BROKERS,
            # The library asks for one; assigning partitions joins none.
            "group.id": "follow-order",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "log_level": 0,
            "error_cb": trouble,
        }
    )
    try:
        starts = find_starts(consumer, arguments.order_id)
        consumer.assign(starts)
        return follow(consumer, starts, arguments.order_id, arguments.seconds)
    finally:
        consumer.close()


def find_starts(consumer: Consumer, order_id: uuid.UUID | None) -> list[TopicPartition]:
    """Where to begin in each partition: a little before the order id was made, or at the end."""
    topics = consumer.list_topics(timeout=TIMEOUT_S).topics
    if missing := [topic for topic in TOPICS if topic not in topics]:
        sys.exit(f"Kafka at {BROKERS} has no topic {missing[0]}: `choreo topics create` makes it")
    ends = find(
        consumer, [(topic, p) for topic in TOPICS for p in topics[topic].partitions], OFFSET_END
    )
    if order_id is None:
        return ends
    begin_ms = max(0, (order_id.int >> 80) - LEEWAY_MS)
    found = find(consumer, [(e.topic, e.partition) for e in ends], begin_ms)
    # OFFSET_END: nothing as young is there. The ends were asked for first, so nothing is missed.
    return [e if f.offset == OFFSET_END else f for e, f in zip(ends, found, strict=True)]


def find(
    consumer: Consumer, places: Iterable[tuple[str, int]], time_ms: int
) -> list[TopicPartition]:
    """The first offset of each partition that is as young as that; Kafka takes OFFSET_END, too."""
    times = [TopicPartition(topic, partition, time_ms) for topic, partition in places]
    found = consumer.offsets_for_times(times, timeout=TIMEOUT_S)
    for place in found:
        if place.error:
            raise KafkaException(place.error)
    return found


def follow(
    consumer: Consumer, starts: list[TopicPartition], order_id: uuid.UUID | None, seconds: float
) -> int:
    """Hears until the order has ended, and then what was on the topics by that time."""
    deadline = time.monotonic() + seconds
    heard = {(start.topic, start.partition): start.offset for start in starts}
    last_word, ends, count = None, {}, 0
    while not last_word or any(heard[place] < ends[place] for place in ends):
        if order_id and deadline < time.monotonic():
            tell(f"order {order_id} has not ended within {seconds:g} s; {count} events of it heard")
            return 1
        if (record := consumer.poll(0.2)) is None:
            continue
        place = record.topic(), record.partition()
        if record.error():
            if record.error().code() == KafkaError._PARTITION_EOF:
                heard[place] = record.offset()
            else:
                tell(f"{place}: {record.error().str()}")
            continue
        heard[place] = record.offset() + 1
        name = show(record, order_id)
        count += name is not None
        if order_id and name in LAST_WORDS and not last_word:
            last_word = name
            # Partitions are heard in any order, so what led to it may still be ahead on another.
            ends = {(e.topic, e.partition): e.offset for e in find(consumer, heard, OFFSET_END)}
    print(f"{last_word} after {count} events")
    return 0


def show(record: Message, order_id: uuid.UUID | None) -> str | None:
    """Prints an event on a line, unless it is of another order, and gives its name if it did."""
    place = f"{record.topic()}/{record.partition()}@{record.offset()}"
    try:
        name, event = decode(record.value())
    except BadRecord as why:
        tell(f"{place}: {why}; skipped")
        return None
    if order_id and event.pop("order_id", None) != str(order_id):
        return None
    source = dict(record.headers() or []).get("ce_source") or b"-"
    # Where an order goes is nobody's business.
    event.pop("ship_to", None)
    text = json.dumps(event, default=str, ensure_ascii=False)
    print(f"{place:<15} {name:<18} {source.decode(errors='replace'):<15} {text}", flush=True)
    return name


def trouble(error: KafkaError) -> None:
    """What librdkafka meets while it works. It tries again by itself, so little is told."""
    if error.code() == KafkaError._ALL_BROKERS_DOWN:
        tell(f"Kafka at {BROKERS} does not answer; trying again")


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KafkaException as error:
        sys.exit(f"Kafka at {BROKERS}: {error.args[0].str()}")
    except KeyboardInterrupt:
        sys.exit(130)
