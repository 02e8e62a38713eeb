"""GraphQL types of leaves: scalars, whose values are canonical in both directions, and enums."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any

import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarWrapper

from loaders.model.scalars import (
    ANYTHING,
    BIG_INTEGER,
    BOOLEAN,
    BYTES,
    DATE,
    DECIMAL,
    FLOAT,
    INSTANT,
    INTEGER,
    TEXT,
    UNIQUE_ID,
    Scalar,
)

if TYPE_CHECKING:
    from graphql import ValueNode

    from resolvers.type_registry import TypeRegistry

_MAX_DIGITS = 100
"""Digits of a decimal on either side of the point: 1e999999999 would be written out as a gigabyte."""


def leaf_type(scalar: Scalar, registry: TypeRegistry) -> Any:
    """Return the Strawberry type of a scalar or an enum."""
    if isinstance(scalar.python, type) and issubclass(scalar.python, Enum):
        return enum_type(scalar.python, registry)
    return _TYPES[scalar.name]


def enum_type(enum: type[Enum], registry: TypeRegistry) -> Any:
    """Return the GraphQL type of a model's enum. Its values are the members' names, as texts."""
    return registry.once(enum.__name__, lambda: _enum(enum))


def make_enum(name: str, members: dict[str, str], description: str = "") -> Any:
    """Return a GraphQL enum of names with their descriptions."""
    make: Any = StrEnum
    made: Any = strawberry.enum(make(name, {member: member for member in members}), name=name, description=description)
    for value in made.__strawberry_definition__.values:
        value.description = members[value.name] or None
    return made


def _enum(enum: type[Enum]) -> Any:
    description = " ".join((vars(enum).get("__doc__") or "").split())
    return make_enum(enum.__name__, {member.name: "" for member in enum}, description)


def _scalar(
    name: str, description: str, parse: Callable[[Any], Any], literal: Any = None, serialize: Any = None
) -> Any:
    wrapper = ScalarWrapper(str)
    wrapper._scalar_definition = strawberry.scalar(
        name=name,
        description=description,
        serialize=serialize or _text,
        parse_value=_checked(name, parse),
        parse_literal=_checked_literal(name, literal) if literal is not None else None,
    )
    return wrapper


def _text(value: Any) -> str:
    """Return a canonical value that is a text; anything else is a mistake of the gateway or of a model's function."""
    if type(value) is not str:
        raise TypeError(f"{type(value).__name__} is no text.")
    return value


def _written_integer(value: Any) -> str:
    if type(value) is not int:
        raise TypeError(f"{type(value).__name__} is no whole number.")
    return str(value)


def _checked(name: str, parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        try:
            return parse(value)
        except (ValueError, TypeError, InvalidOperation):
            raise GraphQLError(f"Value cannot represent a {name}: {str(value)[:40]!r}.") from None

    return checked


def _checked_literal(name: str, parse: Callable[[Any], Any]) -> Callable[..., Any]:
    def checked(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        if isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
            return _checked(name, parse)(node.value)
        return _checked(name, parse)(value_from_ast_untyped(node, variables))

    return checked


def _decimal(value: Any) -> str:
    """Return all digits. Floats of JSON stand for their shortest text."""
    if type(value) not in (str, int, float):
        raise TypeError(value)
    number = Decimal(str(value))
    if not number.is_finite() or not -_MAX_DIGITS <= number.adjusted() <= _MAX_DIGITS:
        raise ValueError(value)
    text = format(number, "f")
    if len(text) > 2 * _MAX_DIGITS:
        raise ValueError(value)
    return text


def _big_integer(value: Any) -> int:
    if type(value) not in (str, int):
        raise TypeError(value)
    number = BIG_INTEGER.read_key(str(value)) if BIG_INTEGER.read_key is not None else None
    if number is None:
        raise ValueError(value)
    return int(number)


def _unique_id(value: Any) -> str:
    known = UNIQUE_ID.read_key(value) if UNIQUE_ID.read_key is not None and type(value) is str else None
    if known is None:
        raise ValueError(value)
    return str(known)


def _bytes(value: Any) -> str:
    try:
        return base64.b64encode(base64.b64decode(value, validate=True)).decode()
    except binascii.Error as error:
        raise ValueError(value) from error


_TYPES: dict[str, Any] = {
    TEXT.name: str,
    INTEGER.name: int,
    FLOAT.name: float,
    BOOLEAN.name: bool,
    DATE.name: dt.date,
    INSTANT.name: dt.datetime,
    BIG_INTEGER.name: _scalar(
        BIG_INTEGER.name,
        "A whole number of up to 64 bits, written as a string.",
        _big_integer,
        _big_integer,
        _written_integer,
    ),
    DECIMAL.name: _scalar(
        DECIMAL.name, "A decimal number with all its digits, written as a string.", _decimal, _decimal
    ),
    UNIQUE_ID.name: _scalar(UNIQUE_ID.name, "A UUID, in lower case.", _unique_id),
    BYTES.name: _scalar(BYTES.name, "Bytes in Base64 (RFC 4648).", _bytes),
    ANYTHING.name: _scalar(ANYTHING.name, "Any JSON value.", lambda value: value, serialize=lambda value: value),
}
