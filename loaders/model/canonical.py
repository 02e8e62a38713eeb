"""Canonical values: the conversions of columns of the drivers' values, and the error in place of one that has none.

A conversion takes values of one type and returns as many canonical ones in order. It raises one of REFUSALS where any
of them has no canonical value; each is then converted alone, so that only those are errors.
"""

from __future__ import annotations

import binascii
import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from types import NoneType
from typing import Any
from uuid import UUID

import orjson

Conversion = Callable[[Sequence[Any]], Sequence[Any]]

REFUSALS = (ValueError, ArithmeticError, LookupError, TypeError, RecursionError)
"""The errors of a conversion: ValueError and, as decimals and tables raise them, those of arithmetic and look-ups."""

MAX_DECIMAL_DIGITS = 150_000
"""Digits before and behind a decimal's point, more than PostgreSQL has. Without it, 1E+999999999 fills the memory."""
MAX_JSON_DEPTH = 200
"""Levels of a JSON value: orjson writes 254, the levels of an answer above it included."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(r"[-.0-9]*", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_ZERO_FOR_DIGITS = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else byte for byte in range(256))
_LONG_NUMBER = b"0" * 19


class ScalarError(ValueError):
    """A value that its scalar cannot represent. It stands in the value's place and is the field's error there.

    It does not repeat the value, which is for no log. What holds one must not be cached.
    """


class OutsideCalendar:
    """A day or an instant of a database that Python's calendar lacks: infinite, or outside of the years 1 to 9999."""


OUTSIDE_CALENDAR = OutsideCalendar()
"""The one object that stands for every such value."""


def convert_column(name: str, conversions: Mapping[type, Conversion], values: Sequence[Any]) -> list[Any]:
    """Return the canonical values in order; None stays None, and a ScalarError stands for what cannot be converted."""
    kinds = set(map(type, values))
    has_null = NoneType in kinds
    kinds.discard(NoneType)
    if not kinds:
        return list(values)
    conversion = conversion_of(conversions, kinds.pop()) if len(kinds) == 1 else None
    if conversion is None:
        return _convert_each(name, conversions, values)
    present = [value for value in values if value is not None] if has_null else values
    try:
        converted = conversion(present)
    except REFUSALS:
        return _convert_each(name, conversions, values)
    if converted is present:
        return values if type(values) is list else list(values)
    return _with_nulls(values, converted) if has_null else list(converted)


def convert_lists(name: str, conversions: Mapping[type, Conversion], rows: Sequence[Any]) -> list[Any]:
    """Return lists of canonical items in order; None stays None, and what is no list becomes a ScalarError."""
    if not set(map(type, rows)) <= {list, NoneType}:
        return [_converted_list(name, conversions, row) for row in rows]
    flat = list(chain.from_iterable(row for row in rows if row))
    items = convert_column(name, conversions, flat)
    if items is flat:
        return list(rows)
    rest = iter(items)
    return [None if row is None else list(islice(rest, len(row))) for row in rows]


def _converted_list(name: str, conversions: Mapping[type, Conversion], row: Any) -> Any:
    if type(row) in (list, tuple):
        return convert_column(name, conversions, list(row))
    if row is None:
        return None
    return ScalarError(f"A list of {name} cannot represent a value of type {type(row).__name__}.")


def conversion_of(conversions: Mapping[type, Conversion], kind: type) -> Conversion | None:
    """Return the conversion of a type, and of asyncpg's own class of UUIDs that of UUID; None where there is none."""
    if kind not in conversions and issubclass(kind, UUID):
        return conversions.get(UUID)
    return conversions.get(kind)


def _convert_each(name: str, conversions: Mapping[type, Conversion], values: Sequence[Any]) -> list[Any]:
    """Return what `convert_column` does. An error of one reason is one object, so that it is logged once."""
    errors: dict[str, ScalarError] = {}
    converted: list[Any] = []
    for value in values:
        if value is None or isinstance(value, ScalarError):
            converted.append(value)
            continue
        try:
            converted.append(_converted(name, conversions, value))
        except ScalarError as error:
            converted.append(errors.setdefault(str(error), error))
    return converted


def _converted(name: str, conversions: Mapping[type, Conversion], value: Any) -> Any:
    """Return one value's canonical one. Raises ScalarError."""
    conversion = conversion_of(conversions, type(value))
    if conversion is None:
        raise ScalarError(f"{name} cannot represent a value of type {type(value).__name__}.")
    try:
        return conversion([value])[0]
    except REFUSALS as error:
        reason = str(error) if type(error) is ValueError and error.args else "it is none of its values"
        raise ScalarError(f"{name} cannot represent this value: {reason}.") from None


def _with_nulls(values: Sequence[Any], converted: Iterable[Any]) -> list[Any]:
    rest = iter(converted)
    return [None if value is None else next(rest) for value in values]


def same(values: Any) -> Any:
    """Return what is canonical already."""
    return values


def each(convert: Callable[[Any], Any]) -> Conversion:
    """Return the conversion that converts each value alone."""
    return lambda values: list(map(convert, values))


def integers(low: int, high: int) -> Conversion:
    """Return a conversion of integers that refuses those beyond the bounds."""

    def convert(values: Sequence[int]) -> Sequence[int]:
        if min(values) < low or max(values) > high:
            raise ValueError(f"it has more than {(high - low).bit_length()} bits")
        return values

    return convert


def whole_decimals(low: int, high: int) -> Conversion:
    """Return a conversion of decimals to integers, as PostgreSQL sums them; it refuses fractions."""

    def convert(value: Decimal) -> int:
        if not low <= value <= high or value != int(value):
            raise ValueError("it is no whole number of this size")
        return int(value)

    return each(convert)


def finite(values: Sequence[Any]) -> Sequence[float]:
    """Return floats, of integers and decimals the nearest. NaN and infinity are refused: JSON has neither."""
    floats = values if type(values[0]) is float else list(map(float, values))
    # The sum of what is not finite is not finite either, and takes a tenth of the time; that of great numbers may be.
    if not math.isfinite(sum(floats)) and not all(map(math.isfinite, floats)):
        raise ValueError("it is not finite")
    return floats


def decimal_texts(values: Sequence[Decimal]) -> list[str]:
    """Return decimals as text with all digits and no exponent."""
    texts = list(map(str, values))
    return texts if _DIGITS.fullmatch("".join(texts)) else list(map(_decimal_text, values))


def _decimal_text(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError("it is not finite")
    if max(abs(exponent), abs(value.adjusted())) > MAX_DECIMAL_DIGITS:
        raise ValueError("it has too many digits")
    return format(value, "f")


def read_decimal(text: str) -> str:
    """Return a decimal's text as it is. Raises ValueError unless it has an optional minus, digits and a fraction."""
    if len(text) > 2 * MAX_DECIMAL_DIGITS or not _DECIMAL.fullmatch(text):
        raise ValueError("it is not a decimal number")
    return text


def read_uuid(text: str) -> str:
    """Return a UUID in lower case. Raises ValueError for any other text."""
    if not _UUID.fullmatch(text):
        raise ValueError("it is not a UUID")
    return text.lower()


def refuse_outside_calendar(_values: Sequence[OutsideCalendar]) -> Sequence[Any]:
    """Raise ValueError: no scalar represents such a day or instant."""
    raise ValueError("it is infinite, or outside of the years 1 to 9999")


def utc_instants(values: Sequence[dt.datetime]) -> Sequence[dt.datetime]:
    """Return instants in UTC. Those without a zone are refused."""
    if all(value.tzinfo is dt.UTC for value in values):
        return values
    if not all(value.tzinfo for value in values):
        raise ValueError("it has no time zone")
    return [value.astimezone(dt.UTC) for value in values]


def base64_text(value: bytes) -> str:
    """Return bytes as base64, in the standard alphabet and padded."""
    return binascii.b2a_base64(value, newline=False).decode()


def read_base64(text: str) -> str:
    """Return base64 as it is. Raises ValueError for a text that is not the standard one of any bytes."""
    if base64_text(base64_bytes(text)) != text:
        raise ValueError("it is not base64")
    return text


def base64_bytes(text: str) -> bytes:
    """Return the bytes of base64."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise ValueError("it is not base64") from None


def fixed_text(value: bytes) -> str:
    """Return the text of a column of fixed width without the zeros that fill it up."""
    return value.rstrip(b"\0").decode()


def parse_json(texts: Sequence[str]) -> list[Any]:
    """Return the values of JSON texts. Integers keep all digits; NaN, infinity and deep nesting are refused."""
    zeros = "".join(texts).encode().translate(_ZERO_FOR_DIGITS)  # ten times as fast as to look for digits
    if _LONG_NUMBER in zeros:  # orjson makes floats of integers beyond 64 bits
        return [json_value(json.loads(text, parse_constant=_refuse_constant)) for text in texts]
    values = list(map(orjson.loads, texts))
    for text, value in zip(texts, values, strict=True):
        if len(text) > MAX_JSON_DEPTH and text.count("[") + text.count("{") > MAX_JSON_DEPTH:
            json_value(value)
    return values


def _refuse_constant(_text: str) -> Any:
    raise ValueError("it is not JSON")


def json_value(value: Any, depth: int = 0) -> Any:
    """Return a value of Python or a driver as JSON has it: keys are text, and what has no JSON is text in ISO 8601."""
    kind = type(value)
    if value is None or kind in (str, int, bool):
        return value
    if kind is float:
        return finite([value])[0]
    if depth >= MAX_JSON_DEPTH:
        raise ValueError(f"it has more than {MAX_JSON_DEPTH} levels")
    if kind is dict:
        return {_json_key(key): json_value(item, depth + 1) for key, item in value.items()}
    if kind in (list, tuple):
        return [json_value(item, depth + 1) for item in value]
    return _json_text(value)


def _json_key(key: Any) -> str:
    if type(key) is str:
        return key
    return str(json_value(key)) if type(key) is int else _json_text(key)


def _json_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        return str(utc_instants([value])[0].isoformat())
    if isinstance(value, dt.date):
        return value.isoformat()
    raise ValueError(f"JSON has no {type(value).__name__}")
