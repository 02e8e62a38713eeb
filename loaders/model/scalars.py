"""Scalars: one entry for each kind of leaf value, from which every layer takes what it needs.

Adding a scalar is adding an entry. An entry says which GraphQL type the value has, which types of both stores hold it,
how a key of it is read from and written as text, and how it is written as JSON, in answers and in the cache.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

MAX_KEY_CHARACTERS = 1_000
"""Characters of a key's text. Without a bound, one id could be as large as the request."""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class BigInt(int):
    """A whole number of up to 64 bits: a string in JSON, since JavaScript's numbers end at 53 bits."""


class JSON:
    """Any JSON value, answered as it is."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A kind of leaf value.

    `postgres` and `clickhouse` are the types that keys are bound as; `postgres_types` and `clickhouse_types` are those
    that a column may have. `read_key` takes a key's text and answers its value, None for a text that cannot be a key; a
    scalar without it cannot be part of a key. `to_json` and `from_json` are None where the value is its own JSON.
    `width` is the size of a value as JSON in bytes, about, for pricing.
    """

    name: str
    python: type
    postgres: str
    clickhouse: str
    width: int
    postgres_types: frozenset[str] = frozenset()
    clickhouse_types: frozenset[str] = frozenset()
    read_key: Callable[[str], Any] | None = None
    write_key: Callable[[Any], str] = str
    to_json: Callable[[Any], Any] | None = None
    from_json: Callable[[Any], Any] | None = None

    @property
    def can_be_key(self) -> bool:
        """Whether objects may be known by it."""
        return self.read_key is not None


def _read_text(text: str) -> str | None:
    """Return the text, or None where a store cannot hold it: NUL cannot be stored, nor lone surrogates encoded."""
    if "\0" in text or len(text) > MAX_KEY_CHARACTERS:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text


def _read_integer(bits: int) -> Callable[[str], int | None]:
    """Return a reader that takes one text for each number: no plus sign or leading zeros, within the bits."""
    bound = 1 << (bits - 1)

    def read(text: str) -> int | None:
        if not _INTEGER.fullmatch(text) or text == "-0":
            return None
        number = int(text)
        return number if -bound <= number < bound else None

    return read


def _read_uuid(text: str) -> UUID | None:
    """Return the UUID of a text in either case; None for any other text."""
    return UUID(text) if _UUID.fullmatch(text) else None


def _read_date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _bytes_from_json(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error


def _instant_to_json(value: dt.datetime) -> str:
    """Return an instant in UTC, with microseconds unless they are zero."""
    return value.astimezone(dt.UTC).isoformat()


def _instant_from_json(text: str) -> dt.datetime:
    value = dt.datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(text)
    return value


def _sixty_four_bits(value: str) -> int:
    number = _read_integer(64)(value)
    if number is None:
        raise ValueError(value)
    return number


TEXT = Scalar(
    "String",
    str,
    "text",
    "String",
    width=12,
    postgres_types=frozenset({"text", "character varying", "character", "citext", "name"}),
    clickhouse_types=frozenset({"String", "FixedString"}),
    read_key=_read_text,
)
INTEGER = Scalar(
    "Int",
    int,
    "integer",
    "Int32",
    width=6,
    postgres_types=frozenset({"smallint", "integer"}),
    clickhouse_types=frozenset({"Int8", "Int16", "Int32", "UInt8", "UInt16"}),
    read_key=_read_integer(32),
)
BIG_INTEGER = Scalar(
    "BigInt",
    BigInt,
    "bigint",
    "Int64",
    width=14,
    postgres_types=frozenset({"smallint", "integer", "bigint"}),
    clickhouse_types=frozenset({"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"}),
    read_key=_read_integer(64),
    to_json=str,
    from_json=_sixty_four_bits,
)
FLOAT = Scalar(
    "Float",
    float,
    "double precision",
    "Float64",
    width=18,
    postgres_types=frozenset({"real", "double precision", "smallint", "integer"}),
    clickhouse_types=frozenset({"Float32", "Float64", "Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32"}),
)
BOOLEAN = Scalar(
    "Boolean",
    bool,
    "boolean",
    "Bool",
    width=5,
    postgres_types=frozenset({"boolean"}),
    clickhouse_types=frozenset({"Bool"}),
)
DECIMAL = Scalar(
    "Decimal",
    Decimal,
    "numeric",
    "Decimal128(18)",
    width=14,
    postgres_types=frozenset({"numeric", "smallint", "integer", "bigint"}),
    clickhouse_types=frozenset({"Decimal", "Decimal32", "Decimal64", "Decimal128", "Decimal256"}),
    to_json=lambda value: format(value, "f"),
    from_json=Decimal,
)
UNIQUE_ID = Scalar(
    "UUID",
    UUID,
    "uuid",
    "UUID",
    width=38,
    postgres_types=frozenset({"uuid"}),
    clickhouse_types=frozenset({"UUID"}),
    read_key=_read_uuid,
    to_json=str,
    from_json=UUID,
)
DATE = Scalar(
    "Date",
    dt.date,
    "date",
    "Date32",
    width=12,
    postgres_types=frozenset({"date"}),
    clickhouse_types=frozenset({"Date", "Date32"}),
    read_key=_read_date,
    to_json=dt.date.isoformat,
    from_json=dt.date.fromisoformat,
)
INSTANT = Scalar(
    "DateTime",
    dt.datetime,
    "timestamp with time zone",
    "DateTime64(6, 'UTC')",
    width=34,
    postgres_types=frozenset({"timestamp with time zone"}),
    clickhouse_types=frozenset({"DateTime", "DateTime64"}),
    to_json=_instant_to_json,
    from_json=_instant_from_json,
)
BYTES = Scalar(
    "Base64",
    bytes,
    "bytea",
    "String",
    width=100,
    postgres_types=frozenset({"bytea"}),
    clickhouse_types=frozenset({"String", "FixedString"}),
    to_json=lambda value: base64.b64encode(value).decode(),
    from_json=_bytes_from_json,
)
ANYTHING = Scalar(
    "JSON",
    JSON,
    "jsonb",
    "String",
    width=200,
    postgres_types=frozenset({"json", "jsonb"}),
    clickhouse_types=frozenset({"JSON", "String", "Map", "Tuple"}),
)

SCALARS: dict[type, Scalar] = {
    scalar.python: scalar
    for scalar in (
        TEXT,
        INTEGER,
        BIG_INTEGER,
        FLOAT,
        BOOLEAN,
        DECIMAL,
        UNIQUE_ID,
        DATE,
        INSTANT,
        BYTES,
        ANYTHING,
    )
}
"""By the Python type of the annotation."""


def enum_scalar(enum: type[Enum]) -> Scalar:
    """Return the scalar of an enum, whose members' values are the labels that the stores hold."""
    labels = {str(member.value): member for member in enum}
    return Scalar(
        enum.__name__,
        enum,
        "text",
        "String",
        width=2 + max((len(member.name) for member in enum), default=0),
        clickhouse_types=frozenset({"Enum8", "Enum16", "String"}),
        to_json=lambda member: member.name,
        from_json=lambda name: enum[name],
        read_key=labels.get,
        write_key=lambda member: str(member.value),
    )
