"""Scalars: one entry for each kind of leaf value, from which every layer takes what it needs.

Adding a scalar is adding an entry. An entry says which GraphQL type the value has, which types of both stores hold it,
how the drivers' values become canonical ones and back, how a key of it is read from and written as text, and how the
executor recognizes and writes it.

Canonical values are what everything above the statements sees, whatever store a value came from:

    TEXT str | INTEGER, BIG_INTEGER int | FLOAT finite float | BOOLEAN bool | DECIMAL str with all digits |
    UNIQUE_ID lower-case str | DATE date | INSTANT datetime in UTC | BYTES base64 str | ANYTHING a JSON value |
    an enum the member's name, a str | an array a list of these
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from loaders.model.canonical import (
    Conversion,
    OutsideCalendar,
    base64_bytes,
    base64_text,
    convert_column,
    convert_lists,
    decimal_texts,
    each,
    finite,
    fixed_text,
    integers,
    json_value,
    parse_json,
    read_base64,
    read_decimal,
    read_uuid,
    refuse_outside_calendar,
    same,
    utc_instants,
    whole_decimals,
)
from loaders.model.key_texts import read_date, read_integer, read_text, read_unique_id

JSON_TYPES = frozenset({dict, list, str, int, float, bool})
"""The types of canonical JSON values, beside null."""
TEMPLATE_NAMES: Mapping[str, Any] = {"date": dt.date, "datetime": dt.datetime, "UTC": dt.UTC, "JSON_TYPES": JSON_TYPES}
"""The values of the names in the templates of scalars."""


class BigInt(int):
    """A whole number of up to 64 bits: a string in JSON, since JavaScript's numbers end at 53 bits."""


class JSON:
    """Any JSON value, answered as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A kind of leaf value.

    `postgres` and `clickhouse` are the types that keys are bound as. `conversions` say how values of each Python type
    become canonical. `encode` returns what the drivers bind for a canonical value, `to_python` the value that a model's
    own functions take, and `from_json` the value that a cache reads back from JSON; None where the value is its own
    JSON. `read_key` takes a key's text and returns its value, None for a text that cannot be a key; a scalar without it
    cannot be part of a key.

    `guard` is a Python expression that is true of a canonical value `{v}`, `written` the expression of its JSON, and
    `encoded` the same where orjson writes the answer; their names are those of TEMPLATE_NAMES. `clickhouse_sql` is the
    SQL that selects `{sql}` where the driver would not keep its value. `width` is the size of a value as JSON in bytes,
    about, for pricing.
    """

    name: str
    python: type
    postgres: str
    clickhouse: str
    width: int
    conversions: Mapping[type, Conversion]
    guard: str
    written: str = "{v}"
    encoded: str = "{v}"
    clickhouse_sql: str = "{sql}"
    encode: Callable[[Any], Any] = same
    to_python: Callable[[Any], Any] = same
    from_json: Callable[[Any], Any] | None = None
    read_key: Callable[[str], Any] | None = None
    write_key: Callable[[Any], str] = str
    python_conversions: Mapping[type, Conversion] | None = None

    @property
    def can_be_key(self) -> bool:
        """Whether objects may be known by it."""
        return self.read_key is not None

    def decode(self, values: Sequence[Any]) -> list[Any]:
        """Return a driver's column as canonical values, in order.

        None stays None; a ScalarError stands in place of a value that the scalar cannot represent.
        """
        return convert_column(self.name, self.conversions, values)

    def decode_lists(self, values: Sequence[Any]) -> list[Any]:
        """Return a driver's column of arrays as lists of canonical values, as `decode` does for single ones."""
        return convert_lists(self.name, self.conversions, values)

    def encode_all(self, values: Iterable[Any]) -> list[Any]:
        """Return what the drivers bind for canonical values, in order; None stays None."""
        if self.encode is same:
            return list(values)
        return [None if value is None else self.encode(value) for value in values]

    def from_python(self, values: Sequence[Any]) -> list[Any]:
        """Return values that a model's own function answered as canonical ones, as `decode` does for a driver's."""
        return convert_column(self.name, self.python_conversions or self.conversions, values)

    def from_python_lists(self, values: Sequence[Any]) -> list[Any]:
        """Return lists and tuples that a model's own function answered, as `from_python` does single values."""
        return convert_lists(self.name, self.python_conversions or self.conversions, values)

    def select_clickhouse(self, sql: str, *, is_list: bool = False) -> str:
        """Return SQL that selects a value, or an array of values, so that ClickHouse's driver keeps it."""
        if self.clickhouse_sql == "{sql}":
            return sql
        if is_list:
            return f"arrayMap(fw_item -> {self.clickhouse_sql.format(sql='fw_item')}, {sql})"
        return self.clickhouse_sql.format(sql=sql)


def _instant_from_json(text: str) -> dt.datetime:
    return utc_instants([dt.datetime.fromisoformat(text)])[0]


def _integer_conversions(low: int, high: int) -> Mapping[type, Conversion]:
    return {int: integers(low, high), Decimal: whole_decimals(low, high)}


TEXT = Scalar(
    "String",
    str,
    "text",
    "String",
    width=12,
    conversions={str: same, bytes: each(fixed_text)},
    guard="type({v}) is str",
    read_key=read_text,
)
INTEGER = Scalar(
    "Int",
    int,
    "integer",
    "Int32",
    width=6,
    conversions=_integer_conversions(-(2**31), 2**31 - 1),
    guard="type({v}) is int and -2147483648 <= {v} <= 2147483647",
    read_key=read_integer(32),
)
BIG_INTEGER = Scalar(
    "BigInt",
    BigInt,
    "bigint",
    "Int64",
    width=14,
    conversions={**_integer_conversions(-(2**63), 2**64 - 1), BigInt: each(int)},
    guard="type({v}) is int and -9223372036854775808 <= {v} <= 18446744073709551615",
    written="f'{{{v}}}'",
    encoded="f'{{{v}}}'",
    read_key=read_integer(64),
)
FLOAT = Scalar(
    "Float",
    float,
    "double precision",
    "Float64",
    width=18,
    conversions={float: finite, int: finite, Decimal: finite},
    guard="type({v}) is float and {v} - {v} == 0.0",
)
BOOLEAN = Scalar(
    "Boolean",
    bool,
    "boolean",
    "Bool",
    width=5,
    conversions={bool: same, int: each({0: False, 1: True}.__getitem__)},  # as ClickHouse answers comparisons
    guard="type({v}) is bool",
)
DECIMAL = Scalar(
    "Decimal",
    Decimal,
    "numeric",
    "Decimal128(18)",
    width=14,
    conversions={Decimal: decimal_texts, int: each(str), str: each(read_decimal)},
    guard="type({v}) is str",
    encode=Decimal,
    to_python=Decimal,
)
UNIQUE_ID = Scalar(
    "UUID",
    UUID,
    "uuid",
    "UUID",
    width=38,
    conversions={UUID: each(str), str: each(read_uuid)},
    guard="type({v}) is str",
    to_python=UUID,
    read_key=read_unique_id,
)
DATE = Scalar(
    "Date",
    dt.date,
    "date",
    "Date32",
    width=12,
    conversions={dt.date: same, OutsideCalendar: refuse_outside_calendar},
    guard="type({v}) is date",
    written="{v}.isoformat()",
    from_json=dt.date.fromisoformat,
    read_key=read_date,
)
INSTANT = Scalar(
    "DateTime",
    dt.datetime,
    "timestamp with time zone",
    "DateTime64(6, 'UTC')",
    width=34,
    conversions={dt.datetime: utc_instants, OutsideCalendar: refuse_outside_calendar},
    guard="type({v}) is datetime and {v}.tzinfo is UTC",
    written="{v}.isoformat()",
    from_json=_instant_from_json,
)
BYTES = Scalar(
    "Base64",
    bytes,
    "bytea",
    "String",
    width=100,
    conversions={bytes: each(base64_text), str: each(read_base64)},
    guard="type({v}) is str",
    clickhouse_sql="base64Encode({sql})",  # the driver reads bytes that are no UTF-8 as their hexadecimal digits
    encode=base64_bytes,
    to_python=base64_bytes,
)
_JSON_TYPES = (dict, list, tuple, int, float, bool, dt.date, dt.datetime, Decimal, UUID)
_JSON_VALUES = dict.fromkeys(_JSON_TYPES, each(json_value))
ANYTHING = Scalar(
    "JSON",
    JSON,
    "jsonb",
    "String",
    width=200,
    conversions={**_JSON_VALUES, str: parse_json},
    guard="type({v}) in JSON_TYPES",
    encode=lambda value: orjson.dumps(value).decode(),
    python_conversions={**_JSON_VALUES, str: same},
)

_ENTRIES = (TEXT, INTEGER, BIG_INTEGER, FLOAT, BOOLEAN, DECIMAL, UNIQUE_ID, DATE, INSTANT, BYTES, ANYTHING)
SCALARS: dict[type, Scalar] = {scalar.python: scalar for scalar in _ENTRIES}
"""By the Python type of the annotation."""

NUMBERS: Mapping[str, Any] = {INTEGER.name: 0, BIG_INTEGER.name: 0, FLOAT.name: 0.0, DECIMAL.name: "0"}
"""The canonical zeros of the scalars that are numbers, by name."""


@lru_cache(maxsize=1_024)  # so that an enum has one scalar; a model has some dozens of them
def enum_scalar(enum: type[Enum]) -> Scalar:
    """Return the scalar of an enum. Canonical values are names; the stores hold the members' values, their labels."""
    names = {str(member.value): member.name for member in enum}
    labels = {name: label for label, name in names.items()}
    return Scalar(
        enum.__name__,
        enum,
        "text",
        "String",
        width=2 + max(map(len, labels), default=0),
        conversions={str: each(names.__getitem__), enum: each(lambda member: member.name)},
        guard=f"type({{v}}) is str and {{v}} in {tuple(labels)!r}",
        encode=labels.__getitem__,
        to_python=enum.__getitem__,
        read_key=names.get,
        write_key=labels.__getitem__,
    )
