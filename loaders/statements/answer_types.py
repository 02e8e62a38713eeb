"""Types of ClickHouse whose values the driver gives in their canonical form, so that none has to be looked at.

Numbers are those of the type alone: the executor tests whether they are finite and within the bits of their scalar, and
so does the cache. What is not proven here is decoded value by value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.scalars import BIG_INTEGER, BOOLEAN, DATE, FLOAT, INSTANT, INTEGER, TEXT, Scalar

_INTEGERS = frozenset(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
_CANONICAL = {
    TEXT: frozenset({"String"}),
    INTEGER: _INTEGERS,
    BIG_INTEGER: _INTEGERS,
    FLOAT: frozenset({"Float32", "Float64"}),
    BOOLEAN: frozenset({"Bool"}),
    DATE: frozenset({"Date", "Date32"}),
    INSTANT: frozenset({"DateTime('UTC')", *(f"DateTime64({digits}, 'UTC')" for digits in range(10))}),
}
_WRAPPERS = ("LowCardinality(", "Nullable(")
_MAX_TYPES = 4_096
"""Types that are remembered; a model has some hundreds of columns."""
_PART = re.compile(r"""'(?:[^'\\]|\\.)*' | `(?:[^`\\]|\\.)*` | [^(),'`]+ | .""", re.VERBOSE | re.DOTALL)


_ONE_ZONE = frozenset({"DateTime", *(f"DateTime64({digits})" for digits in range(10))})
"""Types of instants without a zone of their own: the driver gives all values of an answer the zone of the server."""


def are_canonical(column: BoundColumn, type_name: str, values: Sequence[Any]) -> bool:
    """Return whether a column's values are canonical by their type, and as far as need be by the first of them."""
    return is_canonical(column, type_name) or (
        not column.is_list and len(column.scalars) == 1 and _is_in_utc(column.scalar, type_name, values)
    )


def are_canonical_scalars(scalar: Scalar, type_name: str, values: Sequence[Any]) -> bool:
    """Return whether a scalar's values are canonical by their type, and as far as need be by the first of them."""
    return is_canonical_scalar(scalar, type_name) or _is_in_utc(scalar, type_name, values)


def _is_in_utc(scalar: Scalar, type_name: str, values: Sequence[Any]) -> bool:
    if scalar is not INSTANT or _unwrapped(type_name) not in _ONE_ZONE:
        return False
    first = next((value for value in values if value is not None), None)
    return first is None or (type(first) is dt.datetime and first.tzinfo is dt.UTC)


@lru_cache(maxsize=_MAX_TYPES)
def is_canonical(column: BoundColumn, type_name: str) -> bool:
    """Return whether the driver gives values of a type as a column's canonical ones; an unknown type is not."""
    return not column.is_list and len(column.scalars) == 1 and is_canonical_scalar(column.scalar, type_name)


@lru_cache(maxsize=_MAX_TYPES)
def is_canonical_scalar(scalar: Scalar, type_name: str) -> bool:
    """Return whether the driver gives values of a type as a scalar's canonical ones; an unknown type is not."""
    return _unwrapped(type_name) in _CANONICAL.get(scalar, ())


def _unwrapped(type_name: str) -> str:
    for wrapper in _WRAPPERS:
        if type_name.startswith(wrapper):
            type_name = type_name.removeprefix(wrapper)[:-1]
    return type_name


@lru_cache(maxsize=_MAX_TYPES)
def undecoded_places(section: BoundSection, order: tuple[Scalar, ...], type_name: str) -> tuple[int, ...]:
    """Return the places in rows that have to be decoded, where the type is that of arrays of a section's rows.

    Rows of a page have values of the order's scalars behind their columns.
    """
    types = tuple_types(type_name[6:-1]) if type_name.startswith("Array(") else ()
    own = len(section.columns)
    if len(types) != own + len(order):
        return tuple(range(own + len(order)))
    proofs = [*map(is_canonical, section.columns, types), *map(is_canonical_scalar, order, types[own:])]
    return tuple(place for place, is_proven in enumerate(proofs) if not is_proven)


def tuple_types(type_name: str) -> Sequence[str]:
    """Return the types of a tuple's items without their names; none for any other type."""
    if not (type_name.startswith("Tuple(") and type_name.endswith(")")):
        return ()
    items, depth = [""], 0
    for part in _PART.findall(type_name[6:-1]):
        depth += (part == "(") - (part == ")")
        if part == "," and not depth:
            items.append("")
        else:
            items[-1] += part
    return [_without_name(item.strip()) for item in items]


def _without_name(item: str) -> str:
    """Return an item's type: a name stands before it, and a space between them."""
    name, space, type_name = item.partition(" ")
    return type_name if space and not set(name) & set("(`") else item
