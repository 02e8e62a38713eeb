"""GraphQL's scalars: how each of a model's scalars is read from a document or a variable, and written."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from graphql import (
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    print_ast,
    value_from_ast_untyped,
)
from strawberry.types.scalar import ScalarDefinition

from loaders.model.canonical import ScalarError, json_value, read_base64
from loaders.model.scalars import (
    ANYTHING,
    BIG_INTEGER,
    BYTES,
    DATE,
    DECIMAL,
    INSTANT,
    TEMPLATE_NAMES,
    UNIQUE_ID,
    Scalar,
)

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_MAX_DIGITS = 100
"""Digits of a decimal's text: 1e999999999 would be written out as a gigabyte."""
_FLOAT_DIGITS = 15
"""Digits that a float keeps, whatever they are."""
_FRACTION = re.compile(r"[.eE]")
_MAX_SHOWN = 60
"""Characters of a wrong value that an error repeats."""


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of a document, with its digits as they were written: a float would lose some."""

    text: str


def _by_key_text(scalar: Scalar, text: str) -> Any:
    """Return the value of a text that is read as a key's would be. Raises ValueError."""
    value = scalar.read_key(text) if scalar.read_key is not None else None
    if value is None:
        raise ValueError
    return value


def _big_integer(value: Any) -> int:
    return int(_by_key_text(BIG_INTEGER, _digits(value)))


def _decimal(value: Any) -> str:
    """Return all digits. A float of JSON has those that were written while they are few."""
    text = repr(value) if type(value) is float else _digits(value)
    if len(text) > _MAX_DIGITS or not _DECIMAL.fullmatch(text):
        raise ValueError
    number = Decimal(text)
    if type(value) is float and len(number.as_tuple().digits) > _FLOAT_DIGITS:
        raise ValueError
    if abs(number.adjusted()) > _MAX_DIGITS:
        raise ValueError
    return format(number, "f")


def _digits(value: Any) -> str:
    if isinstance(value, _Number):
        return value.text
    return str(value) if type(value) is int else _text(value)


def _uuid(value: Any) -> str:
    return str(_by_key_text(UNIQUE_ID, _text(value)))


def _date(value: Any) -> dt.date:
    day: dt.date = _by_key_text(DATE, _text(value))
    return day


def _instant(value: Any) -> dt.datetime:
    if not _INSTANT.fullmatch(_text(value)):
        raise ValueError
    return dt.datetime.fromisoformat(value).astimezone(dt.UTC)


def _base64(value: Any) -> str:
    return read_base64(_text(value))


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


@dataclass(frozen=True, slots=True)
class _Reader:
    """How a scalar's inputs are read: to canonical values. `expected` tells the caller what to write."""

    scalar: Scalar
    description: str
    read: Callable[[Any], Any]
    expected: str

    def parse_value(self, value: Any) -> Any:
        """Return the canonical value of a variable's JSON. Raises GraphQLError."""
        try:
            return self.read(value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            self.refuse(value if type(value) is str else repr(value))

    def parse_literal(self, node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
        """Return the canonical value of a literal. Raises GraphQLError with the literal's place."""
        try:
            return self.read(_untyped(node, variables))
        except (ValueError, TypeError, OverflowError, RecursionError):
            self.refuse(node.value if isinstance(node, StringValueNode) else print_ast(node), node)

    def refuse(self, written: str, node: ValueNode | None = None) -> NoReturn:
        """Raise the error that says what was written and what to write."""
        shown = written if len(written) <= _MAX_SHOWN else f"{written[:_MAX_SHOWN]}…"
        message = f"{self.scalar.name} cannot represent {shown!r}. {self.expected}"
        raise GraphQLError(message, node)


def _untyped(node: ValueNode, variables: Mapping[str, Any] | None) -> Any:
    """Return a literal's value, with the variables in it; they are null where a document is validated without them."""
    known = variables or {}
    if isinstance(node, IntValueNode | FloatValueNode):
        return _Number(node.value)
    if isinstance(node, ListValueNode):
        return [_untyped(item, known) for item in node.values]
    if isinstance(node, ObjectValueNode):
        return {field.name.value: _untyped(field.value, known) for field in node.fields}
    return known.get(node.name.value) if isinstance(node, VariableNode) else value_from_ast_untyped(node)


def _json(value: Any) -> Any:
    return json_value(_with_numbers(value))


def _with_numbers(value: Any) -> Any:
    if isinstance(value, _Number):
        return float(value.text) if _FRACTION.search(value.text) else int(value.text)
    if isinstance(value, list):
        return list(map(_with_numbers, value))
    return {key: _with_numbers(item) for key, item in value.items()} if isinstance(value, dict) else value


def _serializer(scalar: Scalar) -> Callable[[Any], Any]:
    """Return the function that writes a value: a canonical one as the executor's generated code does.

    Of other values it writes the canonical one, and raises GraphQLError where there is none.
    """
    source = f"lambda v: ({scalar.written}) if ({scalar.guard}) else write_other(v)".format(v="v")

    def write_other(value: Any) -> Any:
        (converted,) = scalar.from_python([value])
        if isinstance(converted, ScalarError):
            raise GraphQLError(str(converted))
        return serialize(converted)

    serialize: Callable[[Any], Any] = eval(source, {**TEMPLATE_NAMES, "write_other": write_other})  # noqa: S307 (templates of this repository)
    return serialize


_READERS = (
    _Reader(
        BIG_INTEGER,
        "A whole number of up to 64 bits, as text, since numbers of JavaScript would lose digits.",
        _big_integer,
        'Write a whole number of up to 64 bits, such as 4711 or "4711".',
    ),
    _Reader(
        DECIMAL,
        "A decimal number with all its digits, as text.",
        _decimal,
        'Write at most 100 digits, and those of a variable as text: "1234.50".',
    ),
    _Reader(UNIQUE_ID, "A UUID in lower case.", _uuid, 'Write it as "123e4567-e89b-12d3-a456-426614174000".'),
    _Reader(DATE, "Date (isoformat)", _date, 'Write a day of the calendar as "2013-01-31".'),
    _Reader(
        INSTANT,
        "Date with time (isoformat)",
        _instant,
        'Write it with an offset and at most microseconds, as "2013-01-31T12:00:00Z".',
    ),
    _Reader(BYTES, "Bytes in base64, the standard alphabet with padding.", _base64, 'Write base64 such as "AP8=".'),
    _Reader(ANYTHING, "Any JSON value.", _json, "Write a JSON value of at most 200 levels, without NaN and infinity."),
)


def _definition(reader: _Reader) -> ScalarDefinition:
    return ScalarDefinition(
        name=reader.scalar.name,
        description=reader.description,
        specified_by_url=None,
        serialize=_serializer(reader.scalar),
        parse_value=reader.parse_value,
        parse_literal=reader.parse_literal,
        origin=reader.scalar.python,
    )


SCALAR_MAP: Mapping[object, ScalarDefinition] = {reader.scalar.python: _definition(reader) for reader in _READERS}
"""By the Python type of an annotation, for `StrawberryConfig(scalar_map=…)`. GraphQL has the others itself."""

_BY_DEFINITION = {id(SCALAR_MAP[reader.scalar.python]): reader.scalar for reader in _READERS}


def scalar_of(definition: object) -> Scalar | None:
    """Return the scalar that one of these definitions is of; None for any other definition."""
    return _BY_DEFINITION.get(id(definition))
