"""Inner loops, generated: rows to dictionaries, with a guard on every leaf."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any


class FallbackValue(Exception):  # noqa: N818 (not an error: the way out of the fast path)
    """A value that graphql-core must complete or reject. The argument says where it occurred."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a row: its response key, its place in the row, and the guard of its type."""

    key: str
    place: int
    scalar: str
    nullable: bool


# What a value must be to leave as it is, or how it leaves. Anything else (a bool as Int, a NaN, an integer beyond 32
# bits, an exception in place of a value) is graphql-core's to coerce or to refuse.
_GUARDS = {
    "Int": "type({v}) is int and -2147483648 <= {v} <= 2147483647",
    "Float": "type({v}) is float and {v} - {v} == 0.0",
    "String": "type({v}) is str",
    "ID": "type({v}) is str",
    "Boolean": "type({v}) is bool",
    "Date": "type({v}) is date",
    "DateTime": "type({v}) is datetime",
}
_WRITTEN = {"Date": "{v}.isoformat()", "DateTime": "{v}.isoformat()"}
"""Expressions for values that are not written as they are."""
_ENCODED = {"DateTime": "({v} if {v}.tzinfo is UTC else {v}.isoformat())"}
"""The same for results that orjson will encode. It writes dates, and times in UTC, alike and faster, but it rounds
other offsets."""

SCALARS = frozenset(_GUARDS)
"""Scalars that have a guard."""

Completed = list[Any]
Complete = Callable[[Sequence[Any], Any], Completed]
"""A function of (values, context) that completes a column: one value for each, in order. Raises FallbackValue."""


@lru_cache(maxsize=1_024)  # one a selection of leaves; documents repeat
def complete_rows(leaves: tuple[Leaf, ...], typename: str, encoded: bool) -> Complete:
    """Return a function that completes rows to dictionaries with these leaves, in order. None stays None. A row that is
    not a tuple raises FallbackValue.

    A leaf whose place is -1 is the name of the type.
    """
    names = {index: f"v{index}" for index, leaf in enumerate(leaves) if leaf.place >= 0}
    takes = [f"        {name} = row[{leaves[index].place}]" for index, name in names.items()]
    checks = [f"        {_check(leaves[index], name)}" for index, name in names.items()]
    items = ", ".join(
        f"{leaf.key!r}: {_item(leaf, names.get(index), typename, encoded)}" for index, leaf in enumerate(leaves)
    )
    complete: Complete = _compiled(
        "def complete(rows, context):",
        "    out = []",
        "    append = out.append",
        "    for row in rows:",
        "        if row is None:",
        "            append(None)",
        "            continue",
        f"        if type(row) is not tuple or len(row) <= {max((leaf.place for leaf in leaves), default=-1)}:",
        "            raise FallbackValue('row')",
        *takes,
        *checks,
        f"        append({{{items}}})",
        "    return out",
    )
    return complete


@lru_cache(maxsize=64)
def complete_leaf(scalar: str, encoded: bool) -> Complete:
    """Return a function that completes a column of one leaf. None stays None."""
    guard, written = _GUARDS[scalar].format(v="v"), _written(scalar, "v", encoded)
    complete: Complete = _compiled(
        "def complete(values, context):",
        "    for v in values:",
        f"        if v is not None and not ({guard}):",
        f"            raise FallbackValue({scalar!r})",
        "    return list(values)" if written == "v" else f"    return [v and {written} for v in values]",
    )
    return complete


@lru_cache(maxsize=1_024)
def assemble(keys: tuple[str, ...]) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that joins completed columns: one dictionary for each row, with these response keys in
    order."""
    names = [f"v{index}" for index in range(len(keys))]
    items = ", ".join(f"{key!r}: {name}" for key, name in zip(keys, names, strict=True))
    joined = ", ".join(names)
    loop = f"for {joined}, in zip({joined}, strict=True)" if names else ""
    together: Callable[..., list[dict[str, Any]]] = _compiled(
        f"def complete({joined}):", f"    return [{{{items}}} {loop}]"
    )
    return together


def _check(leaf: Leaf, name: str) -> str:
    guard = _GUARDS[leaf.scalar].format(v=name)
    passes = f"{name} is None or ({guard})" if leaf.nullable else guard
    return f"if not ({passes}): raise FallbackValue({leaf.scalar!r})"


def _item(leaf: Leaf, name: str | None, typename: str, encoded: bool) -> str:
    if name is None:
        return repr(typename)
    written = _written(leaf.scalar, name, encoded)
    return f"None if {name} is None else {written}" if leaf.nullable and written != name else written


def _written(scalar: str, name: str, encoded: bool) -> str:
    return (_ENCODED if encoded else _WRITTEN).get(scalar, "{v}").format(v=name)


def _compiled(*lines: str) -> Any:
    """The function of these lines. They hold names of the schema and response keys of the document, as literals."""
    scope: dict[str, Any] = {"FallbackValue": FallbackValue, "date": date, "datetime": datetime, "UTC": UTC}
    exec("\n".join(lines), scope)  # noqa: S102 (response keys enter as repr() of strings that the parser took as names)
    return scope["complete"]
