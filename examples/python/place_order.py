"""Places an order: says OrderPlaced on the topic `orders`, and waits until Kafka has it.

Prints the ids of order and trace. Ends with 1 when Kafka does not acknowledge.
"""

import argparse
import secrets
import sys
import time
import uuid
from datetime import datetime, timezone

from confluent_kafka import KafkaException, Producer

from wire import BROKERS, encode

TIMEOUT_MS = 10_000


def uuid7() -> str:
    """A UUID that tells its time: milliseconds, then chance. Python 3.14 has one of its own."""
    ms = time.time_ns() // 1_000_000
    bits = ms << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=bits))


def order(order_id: str) -> dict:
    """What is wanted. Prices are in cents, weights in grams."""
    return {
        "order_id": order_id,
        "currency": "EUR",
        "lines": [
            {
                "sku": "teapot",
                "seller_id": "acme",
                "quantity": 1,
                "unit_price": 2450,
                "unit_weight": 900,
            },
            {
                "sku": "teacup",
                "seller_id": "borealis",
                "quantity": 4,
                "unit_price": 650,
                "unit_weight": 210,
            },
        ],
        "ship_to": {
            "name": "Ada Example",
            "street": "Musterstraße 1",
            "postal_code": "04109",
            "city": "Leipzig",
            "country": "DE",
        },
    }


def headers(order_id: str, trace_id: str) -> dict:
    """W3C trace context, and CloudEvents in binary mode."""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    return {
        # The span that sends this. With OpenTelemetry: inject(carrier) inside of a PRODUCER span.
        "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
        "ce_specversion": "1.0",
        "ce_id": uuid7(),
        "ce_source": "/python-example",
        "ce_type": "OrderPlaced",
        "ce_time": now.replace("+00:00", "Z"),
        "ce_subject": order_id,
        "content-type": "application/avro",
        "ce_correlationid": order_id,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Places an order.")
    parser.add_argument(
        "--bare", action="store_true", help="no headers, and librdkafka's own partitioner"
    )
    bare = parser.parse_args().bare
    config = {
        "bootstrap.servers": BROKERS,
        "enable.idempotence": True,
        "acks": "all",
        "message.timeout.ms": TIMEOUT_MS,
        # A topic that does not exist is told as such, and not waited for.
        "topic.metadata.propagation.max.ms": 1_000,
        # What goes wrong is told below, once.
        "log_level": 0,
    }
    if not bare:
        # As Java's clients do: then all records of an order on a topic are in one partition.
        config["partitioner"] = "murmur2_random"
    order_id, trace_id = uuid7(), secrets.token_hex(16)
    reports = []
    producer = Producer(config)
    producer.produce(
        "orders",
        key=order_id,
        value=encode("orders/OrderPlaced.avsc", order(order_id)),
        headers=None if bare else headers(order_id, trace_id),
        on_delivery=lambda error, record: reports.append((error, record)),
    )
    producer.flush()
    [(error, record)] = reports
    if error:
        sys.exit(f"Kafka at {BROKERS} has not acknowledged order {order_id}: {error.str()}")
    print(f"order  {order_id}")
    if not bare:
        print(f"trace  {trace_id}")
    print(f"at     {record.topic()}/{record.partition()}@{record.offset()}")


if __name__ == "__main__":
    try:
        main()
    except KafkaException as error:
        sys.exit(f"Kafka at {BROKERS}: {error.args[0].str()}")
