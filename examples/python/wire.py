"""The contract: which schemas there are, and the bytes of a record's value.

A value is in the Confluent wire format: a zero byte, the id of the writer's schema in four bytes
(big-endian), then one Avro datum. The ids stand in schemas/ids.json, so no registry is needed.
"""

import io
import json
import os
import struct
from pathlib import Path

from fastavro import schemaless_reader, schemaless_writer
from fastavro.schema import load_schema

BROKERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")

_FOLDER = Path(__file__).resolve().parents[2] / "schemas"
_FILES = {int(id): path for id, path in json.loads((_FOLDER / "ids.json").read_text()).items()}
_SCHEMAS = {id: load_schema(_FOLDER / path) for id, path in _FILES.items()}


class BadRecord(Exception):
    """The value is no event; the text says why."""


def encode(path: str, event: dict) -> bytes:
    """The value that holds `event`; `path` is its schema's, such as "orders/OrderPlaced.avsc"."""
    id = next(id for id, file in _FILES.items() if file == path)
    value = io.BytesIO()
    value.write(struct.pack(">bI", 0, id))
    schemaless_writer(value, _SCHEMAS[id], event)
    return value.getvalue()


def decode(value: bytes | None) -> tuple[str, dict]:
    """The name of the event and its fields, as its writer's schema has them."""
    if value is None or len(value) < 5:
        raise BadRecord("the value is too short for the wire format")
    magic, id = struct.unpack_from(">bI", value)
    if magic != 0:
        raise BadRecord(f"the value begins with byte {value[0]}, not with 0")
    if id not in _SCHEMAS:
        raise BadRecord(f"no schema with id {id} is known")
    schema, datum = _SCHEMAS[id], io.BytesIO(value[5:])
    name = schema["name"].rpartition(".")[2]
    try:
        event = schemaless_reader(datum, schema, None)
    # Damaged bytes make fastavro raise many kinds: EOFError, IndexError, UnicodeDecodeError …
    except Exception as error:
        raise BadRecord(f"not a {name}: {type(error).__name__} {error}".rstrip()) from error
    if rest := datum.read():
        raise BadRecord(f"{len(rest)} bytes follow the {name}")
    return name, event
